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
            let (span, end) = value(piece, at)?;
            if let Some(slot) = run.slot {
                spans[slot] = span;
            }
            at = end;
        }
        Some(self.last.skip(piece, at, spans)? - 1)
    }

    #[cold]
    fn by_fields(&mut self, piece: &[u8], start: usize, spans: &mut [Span]) -> Option<usize> {
        let mut at = start;
        for field in &self.fields {
            at = starts(&field.before, piece, at)?;
            let (span, end) = value(piece, at)?;
            if let Some(slot) = field.slot {
                spans[slot] = span;
            }
            at = end;
        }
        let end = starts(&self.end, piece, at)? - 1;
        self.look(piece, start);
        Some(end)
    }

    /// Looks which values of a line of this shape are what they were.
    fn look(&mut self, piece: &[u8], start: usize) {
        let mut at = start;
        for field in &mut self.fields {
            at += field.before.len();
            let Some((span, end)) = value(piece, at) else { return };
            let was_steady = field.steady >= STEADY;
            if field.value == piece[at..end] {
                field.steady = field.steady.saturating_add(1);
            } else {
                field.steady = 0;
                field.value.clear();
                field.value.extend_from_slice(&piece[at..end]);
                field.span = Span { start: span.start - at, end: span.end - at, kind: span.kind };
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
    chunks: Box<[[u8; 16]]>,
    /// The bytes behind the chunks, and which of them there are.
    tail: u128,
    mask: u128,
    length: usize,
}

impl Literal {
    fn new(bytes: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks();
        let mut tail = [0; 16];
        tail[..rest.len()].copy_from_slice(rest);
        let mask = (1 << (rest.len() * 8)) - 1;
        Self { chunks: chunks.into(), tail: u128::from_le_bytes(tail), mask, length: bytes.len() }
    }

    /// The place behind these bytes, if they stand at `at`; near the end of the piece they may be taken not to.
    #[inline(always)]
    fn skip(&self, piece: &[u8], at: usize) -> Option<usize> {
        let (found, _) = piece.get(at..)?.as_chunks::<16>();
        let last = found.get(self.chunks.len())?;
        let differs = (u128::from_le_bytes(*last) ^ self.tail) & self.mask;
        let is_same =
            differs == 0 && self.chunks.iter().zip(found).all(|(expected, found)| expected == found);
        is_same.then_some(at + self.length)
    }
}

/// Reads a simple value; `None` for an escaped text, an array, an object, and what is no value.
#[inline(always)]
fn value(piece: &[u8], start: usize) -> Option<(Span, usize)> {
    let (kind, end) = match *piece.get(start)? {
        b'"' => {
            let end = scan::plain_text(piece, start + 1)?;
            return Some((Span { start: start + 1, end, kind: Kind::Text }, end + 1));
        }
        b'-' | b'0'..=b'9' => (Kind::Number, scan::number(piece, start)?),
        b'n' if piece[start..].starts_with(b"null") => (Kind::Null, start + 4),
        b't' if piece[start..].starts_with(b"true") => (Kind::True, start + 4),
        b'f' if piece[start..].starts_with(b"false") => (Kind::False, start + 5),
        _ => return None,
    };
    Some((Span { start, end, kind }, end))
}
