//! Comma-separated values with a header (RFC 4180), or separated by semicolons, tabs or bars.
//!
//! A quote opens a quoted field only where a field starts; within it the delimiter, ends of lines and doubled quotes are data. A quote
//! that is never closed would swallow all that follows: its line is malformed, and reading goes on behind that line.

mod split;

use std::string::String;
use std::vec::Vec;

use memchr::{memchr, memchr_iter, memchr2};

pub(super) use self::split::record_end;
use self::split::{Span, Written, fields};
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
        let header = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
        let delimiter = delimiter_of(header);
        let columns = plan.columns();
        let mut slots = Vec::new();
        let record = fields(header, delimiter, |_, span| {
            let mut name = String::new();
            let written = &header[span.start..span.end];
            let slot = match span.written {
                Written::Escaped => {
                    unescape(&String::from_utf8_lossy(written), &mut name);
                    columns.place_of(name.as_bytes())
                }
                _ => columns.place_of(written),
            };
            slots.push(slot.filter(|_| !slots.contains(&slot)));
        });
        let fields = record.map_or(slots.len(), |record| record.fields);
        while slots.pop_if(|slot| slot.is_none()).is_some() {}
        let spans = std::vec![Span::default(); columns.names().len()];
        Self { delimiter, fields, slots, spans, unescaped: String::new() }
    }

    /// Takes the fields of a line without quotes.
    #[inline]
    fn plain(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let (mut start, mut behind) = (0, self.fields);
        for slot in &self.slots {
            let end = memchr(self.delimiter, &line[start..]).map_or(line.len(), |length| start + length);
            if let Some(slot) = *slot {
                self.spans[slot] = Span { start, end, written: Written::Plain };
            }
            behind -= 1;
            if end == line.len() {
                return if behind == 0 { Ok(()) } else { Err(FIELDS) };
            }
            start = end + 1;
        }
        // What is not needed is only counted.
        let more = memchr_iter(self.delimiter, &line[start..]).count() + 1;
        if more == behind { Ok(()) } else { Err(FIELDS) }
    }

    /// Takes the fields of a record with quotes; its length, and whether it can be read. `None` when a quote is not closed.
    fn quoted(&mut self, rest: &[u8]) -> Option<(usize, Result<(), &'static str>)> {
        let (slots, spans) = (&self.slots, &mut self.spans);
        let record = fields(rest, self.delimiter, |place, span| {
            if let Some(Some(slot)) = slots.get(place) {
                spans[*slot] = span;
            }
        })?;
        let outcome = if record.is_littered {
            Err(BEHIND_QUOTE)
        } else if record.fields != self.fields {
            Err(FIELDS)
        } else {
            Ok(())
        };
        Some((record.length, outcome))
    }

    /// Adds the record whose fields have been taken.
    #[inline]
    fn put(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        self.unescaped.clear();
        if self.spans.iter().any(|span| span.written == Written::Escaped) {
            unescape_all(record, &mut self.spans, &mut self.unescaped);
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
            let source = if span.written == Written::Escaped { &self.unescaped } else { record };
            *cell = cell_of(&source[span.start..span.end], span.written);
        }
        sink.row(cells)
    }
}

impl Rows for CsvRows {
    /// The header is no part of any piece. Lines are those of the text: a record with ends of lines in its fields is several.
    fn read(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), TooManyGroups> {
        let whole = std::str::from_utf8(piece).ok();
        let (mut at, mut line) = (0, 0);
        // Once a quote was not closed, every other one must be closed on its line: else each would be looked for to the end.
        let mut is_by_line = false;
        while at < piece.len() {
            let rest = &piece[at..];
            let (length, lines, outcome) = match memchr2(b'\n', b'"', rest) {
                Some(quote) if rest[quote] == b'"' => {
                    let reach = if is_by_line { line_length(rest) } else { rest.len() };
                    match self.quoted(&rest[..reach]) {
                        Some((length, outcome)) => (length, lines_of(&rest[..length]), outcome),
                        None => {
                            is_by_line = true;
                            (line_length(rest), 1, Err(NOT_CLOSED))
                        }
                    }
                }
                end => {
                    let end = end.unwrap_or(rest.len());
                    let text = without_return(&rest[..end]);
                    if text.is_empty() {
                        (at, line) = (at + end + 1, line + 1);
                        continue;
                    }
                    let length = if end < rest.len() { end + 1 } else { end };
                    (length, 1, self.plain(text))
                }
            };
            let record = match whole {
                Some(whole) => Ok(&whole[at..at + length]),
                None => std::str::from_utf8(&rest[..length]).map_err(|_| NOT_UTF8),
            };
            match outcome.and(record) {
                Ok(record) => self.put(record, sink)?,
                Err(what) => sink.malformed(line, what),
            }
            (at, line) = (at + length, line + lines);
        }
        sink.found.lines += line;
        Ok(())
    }
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

/// Length of the first line, its end included.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)
}

/// Lines that a record takes.
fn lines_of(record: &[u8]) -> u64 {
    let within = record.strip_suffix(b"\n").unwrap_or(record);
    1 + memchr_iter(b'\n', within).count() as u64
}

#[inline]
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
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
