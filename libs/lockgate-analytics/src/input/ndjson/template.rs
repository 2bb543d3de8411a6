//! The shape of a line: what stands before each value, and which values are nearly always the same.
//!
//! A line is read field by field, or, where the values of some fields have not changed for a while, run by run: everything between two
//! values that do change, unchanging values included, is compared as one. A line that fits no run is read field by field, and a line that
//! has another shape is not read here at all.

use std::boxed::Box;
use std::vec::Vec;

use super::{Kind, Span, scan};

/// A value that was the same in so many lines read field by field is expected to stay.
const STEADY: u32 = 8;
/// Of so many lines, one is read field by field, to see which values have become steady.
const LOOK_EVERY: u32 = 64;

/// What lines look like.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    fields: Vec<Field>,
    /// What stands behind the last value, the end of the line included.
    end: Vec<u8>,
    runs: Vec<Run>,
    /// What stands behind the last value that changes.
    last: Run,
    /// Lines until one is read field by field.
    until_look: u32,
    /// Whether a value has become steady, or is not any more.
    has_changed: bool,
}

#[derive(Clone, Debug)]
struct Field {
    /// What stands before the value: everything behind the value before it, or from the start of the line.
    before: Vec<u8>,
    /// Where the value is needed.
    slot: Option<usize>,
    /// The value as it is written, quotes and all, when it was looked at last.
    value: Vec<u8>,
    /// What part of it the span is, and how many lines have had it.
    span: Span,
    steady: u32,
}

/// A value that changes, and what stands before it.
#[derive(Clone, Debug, Default)]
struct Run {
    before: Literal,
    /// The needed ones of the values within `before`; their spans count from its start.
    constants: Vec<(usize, Span)>,
    slot: Option<usize>,
}

impl Template {
    /// Adds a value, and what stood before it.
    pub(super) fn push(&mut self, before: &[u8], slot: Option<usize>) {
        let (value, span) = (Vec::new(), Span::default());
        self.fields.push(Field { before: before.into(), slot, value, span, steady: 0 });
    }

    /// Says what stood behind the last value.
    pub(super) fn finish(&mut self, end: &[u8]) {
        self.end = [end, b"\n"].concat();
    }

    /// Reads the line at `start` if it has this shape; returns the place of its end. Needed values get their spans, others stay as they are.
    #[inline]
    pub(super) fn read(&mut self, piece: &[u8], start: usize, spans: &mut [Span]) -> Option<usize> {
        if self.until_look > 0
            && let Some(end) = self.by_runs(piece, start, spans)
        {
            self.until_look -= 1;
            return Some(end);
        }
        self.by_fields(piece, start, spans)
    }

    #[inline(always)]
    fn by_runs(&self, piece: &[u8], start: usize, spans: &mut [Span]) -> Option<usize> {
        let mut at = start;
        for run in &self.runs {
            at = run.skip(piece, at, spans)?;
            let (kind, end) = value(piece, at)?;
            if let Some(slot) = run.slot {
                spans[slot] = span(kind, at, end);
            }
            at = end;
        }
        Some(self.last.skip(piece, at, spans)? - 1)
    }

    #[cold]
    #[inline(never)]
    fn by_fields(&mut self, piece: &[u8], start: usize, spans: &mut [Span]) -> Option<usize> {
        let mut at = start;
        for field in &self.fields {
            at = starts(&field.before, piece, at)?;
            let (kind, end) = value(piece, at)?;
            if let Some(slot) = field.slot {
                spans[slot] = span(kind, at, end);
            }
            at = end;
        }
        let end = starts(&self.end, piece, at)? - 1;
        self.look(piece, start);
        Some(end)
    }

    /// Looks which values of a line of this shape are what they were.
    #[inline(never)]
    fn look(&mut self, piece: &[u8], start: usize) {
        let mut at = start;
        for field in &mut self.fields {
            at += field.before.len();
            let Some((kind, end)) = value(piece, at) else { return };
            let was_steady = field.steady >= STEADY;
            if field.value == piece[at..end] {
                field.steady = field.steady.saturating_add(1);
            } else {
                field.steady = 0;
                field.value.clear();
                field.value.extend_from_slice(&piece[at..end]);
                field.span = span(kind, 0, end - at);
            }
            self.has_changed |= was_steady != (field.steady >= STEADY);
            at = end;
        }
        if self.until_look == 0 || self.has_changed || self.runs.is_empty() {
            self.make_runs();
        }
        // Before anything can be steady, every line is looked at.
        let is_young = self.fields.iter().all(|field| field.steady < STEADY);
        self.until_look = if is_young { LOOK_EVERY / 8 } else { LOOK_EVERY };
    }

    #[inline(never)]
    fn make_runs(&mut self) {
        self.has_changed = false;
        self.runs.clear();
        let (mut before, mut constants) = (Vec::new(), Vec::new());
        for field in &self.fields {
            before.extend_from_slice(&field.before);
            if field.steady >= STEADY {
                let Span { start, end, kind } = field.span;
                let from = before.len();
                constants.extend(
                    field.slot.map(|slot| (slot, Span { start: from + start, end: from + end, kind })),
                );
                before.extend_from_slice(&field.value);
            } else {
                let run = Run {
                    before: Literal::new(&std::mem::take(&mut before)),
                    constants: std::mem::take(&mut constants),
                    slot: field.slot,
                };
                self.runs.push(run);
            }
        }
        before.extend_from_slice(&self.end);
        self.last = Run { before: Literal::new(&before), constants, slot: None };
    }
}

impl Run {
    /// The place behind what stands before the value.
    #[inline(always)]
    fn skip(&self, piece: &[u8], at: usize, spans: &mut [Span]) -> Option<usize> {
        let end = self.before.skip(piece, at)?;
        for (slot, span) in &self.constants {
            spans[*slot] = Span { start: at + span.start, end: at + span.end, kind: span.kind };
        }
        Some(end)
    }
}

fn starts(before: &[u8], piece: &[u8], at: usize) -> Option<usize> {
    piece.get(at..)?.starts_with(before).then_some(at + before.len())
}

/// Bytes to compare with, sixteen at a time.
#[derive(Clone, Debug, Default)]
struct Literal {
    first: Chunk,
    more: Box<[Chunk]>,
    length: usize,
}

/// Up to sixteen bytes, and which of them count.
#[derive(Clone, Copy, Debug, Default)]
struct Chunk {
    bytes: [u8; 16],
    mask: u32,
}

impl Chunk {
    fn new(part: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes[..part.len()].copy_from_slice(part);
        Self { bytes, mask: (1 << part.len()) - 1 }
    }

    #[inline(always)]
    fn is(&self, found: &[u8; 16]) -> bool {
        scan::equal(&self.bytes, found) & self.mask == self.mask
    }
}

impl Literal {
    fn new(bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks(16).map(Chunk::new);
        Self { first: chunks.next().unwrap_or_default(), more: chunks.collect(), length: bytes.len() }
    }

    /// The place behind these bytes, if they stand at `at`; near the end of the piece they may be taken not to.
    #[inline(always)]
    fn skip(&self, piece: &[u8], at: usize) -> Option<usize> {
        let found = piece.get(at..)?;
        if !self.first.is(found.first_chunk()?) || !(self.more.is_empty() || self.goes_on(found)) {
            return None;
        }
        Some(at + self.length)
    }

    #[inline(always)]
    fn goes_on(&self, found: &[u8]) -> bool {
        let (found, _) = found.as_chunks();
        found.len() > self.more.len()
            && self.more.iter().zip(&found[1..]).all(|(expected, found)| expected.is(found))
    }
}

/// Reads a simple value: its kind, and the place behind it; `None` for an escaped text, an array, an object, and what is no value.
#[inline(always)]
fn value(piece: &[u8], start: usize) -> Option<(Kind, usize)> {
    let first = *piece.get(start)?;
    if first == b'"' {
        return Some((Kind::Text, scan::plain_text(piece, start + 1)? + 1));
    }
    if first.is_ascii_digit() {
        return Some((Kind::Number, scan::number(piece, start)?));
    }
    word_or_negative(piece, start)
}

#[inline(never)]
fn word_or_negative(piece: &[u8], start: usize) -> Option<(Kind, usize)> {
    Some(match piece.get(start..)? {
        [b'-', ..] => (Kind::Number, scan::number(piece, start)?),
        [b'n', b'u', b'l', b'l', ..] => (Kind::Null, start + 4),
        [b't', b'r', b'u', b'e', ..] => (Kind::True, start + 4),
        [b'f', b'a', b'l', b's', b'e', ..] => (Kind::False, start + 5),
        _ => return None,
    })
}

/// What of a value from `start` to `end` is of interest: a text without its quotes.
#[inline(always)]
fn span(kind: Kind, start: usize, end: usize) -> Span {
    let quote = usize::from(kind == Kind::Text);
    Span { start: start + quote, end: end - quote, kind }
}
