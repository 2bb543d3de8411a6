//! The first record, which names the fields.

use std::string::String;
use std::vec::Vec;

use memchr::memchr_iter;

use super::marks::Marks;
use super::split::{Reach, Record, Span, Written, closes, fields, records_end};
use super::{DELIMITERS, unescape};
use crate::input::stream::RecordEnd;
use crate::input::without_mark;

/// The record with the names of the fields.
#[derive(Clone, Debug, Default)]
pub(in crate::input) struct Header {
    bytes: Vec<u8>,
    delimiter: u8,
}

impl Header {
    /// The header that bytes start with: all that is behind it is records.
    pub(in crate::input) fn of(start: &[u8]) -> Self {
        let delimiter = delimiter_of(start);
        let end = record_of(start, delimiter, |_| {}).map_or(start.len(), |record| record.end);
        Self { bytes: start[..end].into(), delimiter }
    }

    /// Bytes that it takes, its end of line among them.
    pub(in crate::input) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Lines that it takes; none if there is no header.
    pub(in crate::input) fn lines(&self) -> u64 {
        let ends = memchr_iter(b'\n', &self.bytes).count() as u64;
        ends + u64::from(self.bytes.last().is_some_and(|last| *last != b'\n'))
    }

    /// What finds the end of the last whole record in bytes that start with a record.
    pub(in crate::input) fn records_end(&self) -> RecordEnd {
        match self.delimiter {
            b';' => records_end::<b';'>,
            b'\t' => records_end::<b'\t'>,
            b'|' => records_end::<b'|'>,
            _ => records_end::<b','>,
        }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Shows the names, one for each field.
    pub(super) fn each_name(&self, mut on_name: impl FnMut(&[u8])) {
        record_of(&self.bytes, self.delimiter, |span| {
            let written = &self.bytes[span.start..span.end];
            if span.written == Written::Escaped {
                let mut name = String::new();
                unescape(&String::from_utf8_lossy(written), &mut name);
                on_name(name.as_bytes());
            } else {
                on_name(written);
            }
        });
    }
}

/// The names in the first record of bytes that start with a header.
#[must_use]
pub fn names_of(start: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    Header::of(without_mark(start)).each_name(|name| names.push(String::from_utf8_lossy(name).into_owned()));
    names
}

fn record_of(header: &[u8], delimiter: u8, mut each: impl FnMut(Span)) -> Option<Record> {
    fields(header, &mut Marks::new(header, delimiter), 0, Reach::Header, |_, span| each(span))
}

/// The delimiter that the header has most of, outside quotes. Before it is known, a quote opens behind any of them.
fn delimiter_of(start: &[u8]) -> u8 {
    let mut counts = [0; DELIMITERS.len()];
    let (mut at, mut starts_field) = (0, true);
    while let Some(byte) = start.get(at).filter(|byte| **byte != b'\n') {
        at += 1;
        let place = DELIMITERS.iter().position(|delimiter| delimiter == byte);
        if let Some(place) = place {
            counts[place] += 1;
        } else if *byte == b'"' && starts_field {
            at = behind_quoted(start, at).unwrap_or(at);
        }
        starts_field = place.is_some();
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(DELIMITERS[0], |place| DELIMITERS[place])
}

/// Behind the closing quote of the field that starts here, whatever the delimiter is; `None` when nothing closes it.
fn behind_quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let mut quotes = memchr_iter(b'"', &bytes[start..]).map(|at| start + at);
    loop {
        let end = quotes.next()?;
        if bytes.get(end + 1) == Some(&b'"') {
            quotes.next();
            continue;
        }
        let field = Span { start, end, written: Written::Quoted };
        let is_closed = DELIMITERS.iter().any(|delimiter| closes(bytes, *delimiter, field));
        return is_closed.then_some(end + 1);
    }
}
