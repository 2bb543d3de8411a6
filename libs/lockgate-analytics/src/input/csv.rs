//! Comma-separated values with a header (RFC 4180), or separated by semicolons, tabs or bars.
//!
//! A quote opens a quoted field only where a field starts; within it the delimiter, ends of lines and doubled quotes are data. A quote
//! that is never closed would swallow all that follows: its line is malformed, and reading goes on behind that line. In the header it is a
//! character of a name.

mod header;
mod marks;
mod split;

use std::string::String;
use std::vec::Vec;

use memchr::memchr;

pub(super) use self::header::Header;
pub use self::header::names_of;
use self::marks::Marks;
use self::split::{Reach, Record, Span, Written, fields};
use super::sink::{Rows, Sink};
use crate::query::Plan;
use crate::{Cell, Number, TooManyGroups};

/// What may stand between fields; the first is taken where a header has none of them.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

const FIELDS: &str = "more or fewer fields than the header";
const NOT_CLOSED: &str = "a quote that is not closed";
const BEHIND_QUOTE: &str = "something follows a closing quote";
const NOT_UTF8: &str = "a text that is not UTF-8";

/// Reads records below a known header.
#[derive(Clone, Debug)]
pub(crate) struct CsvRows {
    delimiter: u8,
    /// Fields of a record.
    fields: usize,
    /// The slot of each field, if it is needed, up to the last that is.
    slots: Vec<Option<usize>>,
    spans: Vec<Span>,
    unescaped: String,
}

impl CsvRows {
    /// Looks for the fields that are needed in the header; of equal names the first counts.
    pub(super) fn new(plan: &Plan, header: &Header) -> Self {
        let mut slots = Vec::new();
        let columns = plan.columns();
        header.each_name(|name| {
            let slot = columns.place_of(name);
            slots.push(slot.filter(|_| !slots.contains(&slot)));
        });
        let (delimiter, fields) = (header.delimiter(), slots.len());
        while slots.pop_if(|slot| slot.is_none()).is_some() {}
        let spans = std::vec![Span::default(); columns.names().len()];
        Self { delimiter, fields, slots, spans, unescaped: String::new() }
    }

    /// Takes the fields of the record at `start`, as places in it; `None` when a quote is not closed.
    #[inline(always)]
    fn take(&mut self, piece: &[u8], marks: &mut Marks<'_>, start: usize, reach: Reach) -> Option<Record> {
        let (slots, spans) = (&self.slots, &mut self.spans);
        fields(piece, marks, start, reach, |place, span| {
            if let Some(Some(slot)) = slots.get(place) {
                spans[*slot] = Span { start: span.start - start, end: span.end - start, ..span };
            }
        })
    }

    /// What is wrong with a record.
    #[inline]
    fn complaint(&self, record: &Record) -> Option<&'static str> {
        if record.is_littered {
            return Some(BEHIND_QUOTE);
        }
        (record.fields != self.fields).then_some(FIELDS)
    }

    /// Adds the record whose fields have been taken.
    #[inline]
    fn put(&mut self, text: &str, sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        self.unescaped.clear();
        if self.spans.iter().any(|span| span.written == Written::Escaped) {
            unescape_all(text, &mut self.spans, &mut self.unescaped);
        }
        let mut cells = [Cell::Null; 12];
        let mut many = Vec::new();
        let cells = match cells.get_mut(..self.spans.len()) {
            Some(cells) => cells,
            None => {
                many.resize(self.spans.len(), Cell::Null);
                &mut many[..]
            }
        };
        for (cell, span) in cells.iter_mut().zip(&self.spans) {
            let source = if span.written == Written::Escaped { &self.unescaped } else { text };
            *cell = cell_of(&source[span.start..span.end], span.written);
        }
        sink.row(cells)
    }
}

impl Rows for CsvRows {
    /// The header is no part of any piece. Lines are those of the text: a record with ends of lines in its fields is several.
    fn read(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        let whole = std::str::from_utf8(piece).ok();
        let mut marks = Marks::new(piece, self.delimiter);
        let (mut at, mut line) = (0, 0);
        // Once a quote was not closed, every other one must be closed on its line: else each would be looked for to the end.
        let mut reach = Reach::Bytes;
        while at < piece.len() {
            let Some(record) = self.take(piece, &mut marks, at, reach) else {
                sink.malformed(line, NOT_CLOSED);
                reach = Reach::Line;
                at += memchr(b'\n', &piece[at..]).map_or(piece.len(), |end| end + 1);
                line += 1;
                marks.go_to(at);
                continue;
            };
            let text = match whole {
                Some(whole) => Ok(&whole[at..record.end]),
                None => std::str::from_utf8(&piece[at..record.end]).map_err(|_| NOT_UTF8),
            };
            match self.complaint(&record).map_or(text, Err) {
                _ if record.is_blank => {}
                Ok(text) => self.put(text, sink)?,
                Err(what) => sink.malformed(line, what),
            }
            at = record.end;
            line += record.lines;
        }
        sink.found.lines += line;
        Ok(())
    }
}

/// Whether a line has something that may stand between fields.
pub(super) fn has_delimiter(line: &[u8]) -> bool {
    line.iter().any(|byte| DELIMITERS.contains(byte))
}

/// What a field says: a JSON number is one, `true` and `false` are themselves, nothing is null unless it is quoted.
#[inline]
fn cell_of(text: &str, written: Written) -> Cell<'_> {
    match text.as_bytes() {
        [] if written == Written::Plain => Cell::Null,
        [b'-' | b'0'..=b'9', ..] => match Number::parse(text.as_bytes()) {
            Ok(number) => Cell::Number(number),
            Err(_) => Cell::Text(text),
        },
        b"true" => Cell::Bool(true),
        b"false" => Cell::Bool(false),
        _ => Cell::Text(text),
    }
}

/// Puts fields without their doubled quotes into `out`, and lets their spans say where.
#[cold]
fn unescape_all(record: &str, spans: &mut [Span], out: &mut String) {
    for span in spans.iter_mut().filter(|span| span.written == Written::Escaped) {
        let start = out.len();
        unescape(&record[span.start..span.end], out);
        (span.start, span.end) = (start, out.len());
    }
}

fn unescape(text: &str, out: &mut String) {
    let mut parts = text.split("\"\"");
    out.extend(parts.next());
    parts.for_each(|part| {
        out.push('"');
        out.push_str(part);
    });
}

#[cfg(test)]
mod tests;
