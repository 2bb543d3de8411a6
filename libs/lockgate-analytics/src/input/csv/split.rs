//! Where fields and records end.

use memchr::{memchr, memrchr};

use super::marks::Marks;

/// Where a field is, without the quotes around it.
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
    /// Behind its end of line.
    pub(super) end: usize,
    pub(super) fields: usize,
    /// Lines that it takes.
    pub(super) lines: u64,
    /// Whether something other than a delimiter or an end of line follows a closing quote.
    pub(super) is_littered: bool,
    /// Whether it is a line of nothing.
    pub(super) is_blank: bool,
}

/// How far a closing quote is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Bytes,
    Line,
    /// Through all bytes of a header; a quote that nothing [`closes`] is a character of its field.
    Header,
}

/// Goes through the fields of the record at `start`, behind which `marks` is; `None` when a quote is not closed, but never of a header.
#[inline(always)]
pub(super) fn fields(
    bytes: &[u8],
    marks: &mut Marks<'_>,
    start: usize,
    reach: Reach,
    mut each: impl FnMut(usize, Span),
) -> Option<Record> {
    let mut record = Record { end: start, fields: 0, lines: 1, is_littered: false, is_blank: false };
    loop {
        let start = record.end;
        let mut mark = marks.next();
        let mut span = Span { start, end: mark, written: Written::Plain };
        if bytes.get(mark) == Some(&b'"') && mark == start {
            let mut lines = record.lines;
            let found = quoted(bytes, marks, start + 1, reach, &mut lines);
            match found.filter(|found| reach != Reach::Header || closes(bytes, marks.delimiter(), *found)) {
                Some(found) => (span, record.lines) = (found, lines),
                None if reach == Reach::Header => marks.go_to(start + 1),
                None => return None,
            }
            mark = marks.next();
        }
        // A quote elsewhere than at the start of a field is a character.
        while bytes.get(mark) == Some(&b'"') {
            mark = marks.next();
        }
        let is_last = bytes.get(mark).is_none_or(|mark| *mark == b'\n');
        let text_end = if is_last && bytes[start..mark].ends_with(b"\r") { mark - 1 } else { mark };
        match span.written {
            Written::Plain => span.end = text_end,
            Written::Quoted | Written::Escaped => record.is_littered |= text_end > span.end + 1,
        }
        each(record.fields, span);
        record.fields += 1;
        record.end = (mark + 1).min(bytes.len());
        if is_last {
            record.is_blank = record.fields == 1 && span.written == Written::Plain && span.start == span.end;
            return Some(record);
        }
    }
}

/// The field whose opening quote is before `start`, up to its closing quote.
#[inline]
fn quoted(bytes: &[u8], marks: &mut Marks<'_>, start: usize, reach: Reach, lines: &mut u64) -> Option<Span> {
    let mut written = Written::Quoted;
    loop {
        let mark = marks.next();
        match bytes.get(mark)? {
            b'"' if bytes.get(mark + 1) == Some(&b'"') => {
                written = Written::Escaped;
                marks.next();
            }
            b'"' => return Some(Span { start, end: mark, written }),
            b'\n' if reach == Reach::Line => return None,
            b'\n' => *lines += 1,
            _ => {}
        }
    }
}

/// Whether a quote in a header is closed by the one that was found. On another line it may be the first of a field there: then something
/// other than the end of a field is behind it.
pub(super) fn closes(bytes: &[u8], delimiter: u8, field: Span) -> bool {
    memchr(b'\n', &bytes[field.start..field.end]).is_none()
        || bytes
            .get(field.end + 1)
            .is_none_or(|behind| *behind == delimiter || matches!(behind, b'\r' | b'\n'))
}

/// Behind the last whole record in bytes that start with one; `None` when not even one is whole.
///
/// Whether a record goes on in the next line is said by its quotes alone, so only these and ends of lines are looked at. A quote that ends
/// the bytes may be the first of two, but then no end of a record is behind it.
pub(super) fn records_end<const DELIMITER: u8>(bytes: &[u8]) -> Option<usize> {
    let Some(first) = memchr(b'"', bytes) else { return line_end(bytes) };
    let mut last = line_end(&bytes[..first]);
    let mut marks = Marks::new(bytes, b'\n');
    marks.go_to(first);
    let mut lines = 0;
    loop {
        let mark = marks.next();
        match bytes.get(mark) {
            None => return last,
            Some(b'\n') => last = Some(mark + 1),
            Some(_) => {
                let opens = mark
                    .checked_sub(1)
                    .is_none_or(|before| matches!(bytes[before], b'\n') || bytes[before] == DELIMITER);
                if opens && quoted(bytes, &mut marks, mark + 1, Reach::Bytes, &mut lines).is_none() {
                    return last;
                }
            }
        }
    }
}

/// Behind the last end of line.
fn line_end(bytes: &[u8]) -> Option<usize> {
    memrchr(b'\n', bytes).map(|at| at + 1)
}
