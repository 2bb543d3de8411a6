//! The shape of a line: what stands before each value.

use std::vec::Vec;

use super::{Kind, Span, scan};

/// What a line looked like.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    fields: Vec<Field>,
    /// What stands behind the last value, up to the end of the line.
    end: Words,
}

#[derive(Clone, Debug)]
struct Field {
    /// What stands before the value: everything behind the value before it, or from the start of the line.
    before: Words,
    /// Where the value is needed.
    slot: Option<usize>,
}

/// Bytes to compare with, as words.
#[derive(Clone, Debug, Default)]
struct Words {
    length: usize,
    /// The first sixteen bytes, and which of them there are.
    first: [u64; 2],
    mask: [u64; 2],
    rest: Vec<u8>,
}

impl Words {
    fn new(bytes: &[u8]) -> Self {
        let (first, rest) = bytes.split_at(bytes.len().min(16));
        let (mut padded, mut mask) = ([0; 16], [0; 16]);
        padded[..first.len()].copy_from_slice(first);
        mask[..first.len()].fill(0xff);
        let words = |bytes: [u8; 16]| {
            let number = u128::from_le_bytes(bytes);
            [number as u64, (number >> 64) as u64]
        };
        Self { length: bytes.len(), first: words(padded), mask: words(mask), rest: rest.to_vec() }
    }

    /// Whether they stand at `at`; near the end of the piece they may be taken not to.
    #[inline(always)]
    fn stand_at(&self, piece: &[u8], at: usize) -> bool {
        let Some(chunk) = piece.get(at..).and_then(|rest| rest.first_chunk::<16>()) else { return false };
        let number = u128::from_le_bytes(*chunk);
        let differs = ((number as u64 ^ self.first[0]) & self.mask[0])
            | (((number >> 64) as u64 ^ self.first[1]) & self.mask[1]);
        differs == 0 && (self.rest.is_empty() || piece[at + 16..].starts_with(&self.rest))
    }
}

impl Template {
    /// Adds a value, and what stood before it.
    pub(super) fn push(&mut self, before: &[u8], slot: Option<usize>) {
        self.fields.push(Field { before: Words::new(before), slot });
    }

    /// Says what stood behind the last value.
    pub(super) fn finish(&mut self, end: &[u8]) {
        let mut line_end = end.to_vec();
        line_end.push(b'\n');
        self.end = Words::new(&line_end);
    }

    /// Reads the line at `start` if it has this shape; returns the place of its end.
    #[inline]
    pub(super) fn read(&self, piece: &[u8], start: usize, spans: &mut [Span]) -> Option<usize> {
        let mut at = start;
        for field in &self.fields {
            if !field.before.stand_at(piece, at) {
                return None;
            }
            at += field.before.length;
            let (span, end) = value(piece, at)?;
            if let Some(slot) = field.slot {
                spans[slot] = span;
            }
            at = end;
        }
        self.end.stand_at(piece, at).then(|| at + self.end.length - 1)
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
