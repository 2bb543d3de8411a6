//! Where fields and records end.

use memchr::{memchr, memchr_iter, memchr2, memrchr};

/// Where a field is, from the start of its record, without the quotes around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) written: Written,
}

/// How a field is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Written {
    #[default]
    Plain,
    /// Between quotes.
    Quoted,
    /// Between quotes, with doubled quotes in it.
    Escaped,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// With its end of line, bytes.
    pub(super) length: usize,
    pub(super) fields: usize,
    /// Whether something other than a delimiter or an end of line follows a closing quote.
    pub(super) is_littered: bool,
}

/// Goes through the fields of the record that `rest` starts with; `None` when a quote is not closed.
pub(super) fn fields(rest: &[u8], delimiter: u8, mut each: impl FnMut(usize, Span)) -> Option<Record> {
    let (mut at, mut count, mut is_littered) = (0, 0, false);
    loop {
        let mut span = Span { start: at, ..Span::default() };
        if rest.get(at) == Some(&b'"') {
            let is_escaped;
            (at, is_escaped) = closing_quote(rest, at + 1)?;
            let written = if is_escaped { Written::Escaped } else { Written::Quoted };
            span = Span { start: span.start + 1, end: at, written };
            at += 1;
        }
        let field_end = memchr2(delimiter, b'\n', &rest[at..]).map_or(rest.len(), |length| at + length);
        let is_last = rest.get(field_end) != Some(&delimiter);
        let text_end =
            if is_last && rest[at..field_end].ends_with(b"\r") { field_end - 1 } else { field_end };
        match span.written {
            Written::Plain => span.end = text_end,
            Written::Quoted | Written::Escaped => is_littered |= text_end > at,
        }
        each(count, span);
        count += 1;
        if is_last {
            let length = (field_end + 1).min(rest.len());
            return Some(Record { length, fields: count, is_littered });
        }
        at = field_end + 1;
    }
}

/// Place of the quote that closes a field, and whether there are doubled ones before it.
fn closing_quote(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let (mut at, mut is_escaped) = (start, false);
    loop {
        at += memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some((at, is_escaped));
        }
        is_escaped = true;
        at += 2;
    }
}

/// Behind the last whole record in bytes that start with one; `None` when not even one is whole. Whether a record goes on in the next line is said by its quotes
/// alone, so only these are looked at.
pub(super) fn records_end<const DELIMITER: u8>(bytes: &[u8]) -> Option<usize> {
    let (mut last, mut at, mut searched) = (None, 0, 0);
    while let Some(length) = memchr(b'"', &bytes[searched..]) {
        let quote = searched + length;
        let opens = quote == 0 || matches!(bytes[quote - 1], b'\n') || bytes[quote - 1] == DELIMITER;
        if !opens {
            searched = quote + 1;
            continue;
        }
        last = line_end(bytes, at, quote).or(last);
        match closing_quote(bytes, quote + 1) {
            // A quote that ends the bytes may be the first of two; then no end of a record is behind it.
            Some((closing, _)) => at = closing + 1,
            None => return last,
        }
        searched = at;
    }
    line_end(bytes, at, bytes.len()).or(last)
}

/// Behind the last end of line in `bytes[start..end]`.
fn line_end(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    memrchr(b'\n', &bytes[start..end]).map(|at| start + at + 1)
}

/// Behind the first end of line outside quotes, where a header ends; `None` when there is none yet.
pub(in crate::input) fn record_end(bytes: &[u8]) -> Option<usize> {
    let (mut quotes, mut start) = (0, 0);
    memchr_iter(b'\n', bytes)
        .find(|end| {
            quotes += memchr_iter(b'"', &bytes[start..*end]).count();
            start = *end;
            quotes % 2 == 0
        })
        .map(|end| end + 1)
}
