//! Comma-separated values with a header (RFC 4180), or separated by semicolons, tabs or bars.
//!
//! A quote opens a quoted field only where a field starts; within it the delimiter, ends of lines and doubled quotes are data. A quote
//! that is never closed would swallow all that follows: its line is malformed, and reading goes on behind that line.

mod marks;
mod split;

use std::string::String;
use std::vec::Vec;

use memchr::memchr;

use self::marks::Marks;
pub(super) use self::split::record_end;
use self::split::{Reach, Record, Span, Written, fields};
use super::sink::{Rows, Sink};
use super::stream::RecordEnd;
use crate::query::Plan;
use crate::{Cell, Number, TooManyGroups};

/// What may stand between fields; the first is taken where a header has none of them.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
    /// Reads the header, a record with the names of the fields; of equal names the first counts.
    pub(crate) fn new(plan: &Plan, header: &[u8]) -> Self {
        let mut slots = Vec::new();
        let columns = plan.columns();
        let (delimiter, record) = read_header(header, |name| {
            let slot = columns.place_of(name);
            slots.push(slot.filter(|_| !slots.contains(&slot)));
        });
        let fields = record.map_or(slots.len(), |record| record.fields);
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

/// The names in the first record of bytes that start with a header.
#[must_use]
pub fn names_of(start: &[u8]) -> Vec<String> {
    let header = &start[..record_end(start).unwrap_or(start.len())];
    let mut names = Vec::new();
    read_header(header, |name| names.push(String::from_utf8_lossy(name).into_owned()));
    names
}

/// Reads a header's names; returns its delimiter beside the record.
fn read_header(header: &[u8], mut on_name: impl FnMut(&[u8])) -> (u8, Option<Record>) {
    let header = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
    let delimiter = delimiter_of(header);
    let record = fields(header, &mut Marks::new(header, delimiter), 0, Reach::Bytes, |_, span| {
        let written = &header[span.start..span.end];
        if span.written == Written::Escaped {
            let mut name = String::new();
            unescape(&String::from_utf8_lossy(written), &mut name);
            on_name(name.as_bytes());
        } else {
            on_name(written);
        }
    });
    (delimiter, record)
}

/// What finds the end of the last whole record below this header, in bytes that start with a record.
pub(super) fn records_end(header: &[u8]) -> RecordEnd {
    match delimiter_of(header) {
        b';' => split::records_end::<b';'>,
        b'\t' => split::records_end::<b'\t'>,
        b'|' => split::records_end::<b'|'>,
        _ => split::records_end::<b','>,
    }
}

/// The delimiter a header has most of, outside quotes.
fn delimiter_of(header: &[u8]) -> u8 {
    let line = &header[..record_end(header).unwrap_or(header.len())];
    let (mut counts, mut is_quoted) = ([0; DELIMITERS.len()], false);
    for byte in line {
        is_quoted ^= *byte == b'"';
        if let Some(place) = DELIMITERS.iter().position(|delimiter| delimiter == byte).filter(|_| !is_quoted)
        {
            counts[place] += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(DELIMITERS[0], |place| DELIMITERS[place])
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
