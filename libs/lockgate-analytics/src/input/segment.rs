//! Segments of the journal as rows, block by block, never a whole file in memory.
//!
//! Of each record only the fields are read that the question asks for; checksums are checked all the same. A record counts once, however
//! often it is met: for each ring it is known how far its records have been counted, from the segment's own table, from the segments before
//! it ([`Passed`]), and from the blocks that were read. That is how the fold counts, so that a report over a folder says what SQL says.

mod passed;
mod pieces;
mod prune;
mod window;

use std::io::{self, Read};
use std::vec::Vec;

use hashbrown::HashMap;
use lockgate_event::segment::{
    BLOCK_HEADER_BYTES, BlockHeader, Checked, FRAME_HEADER_BYTES, HEADER_FIXED_BYTES, RingId, SegmentHeader,
    Source, Step, Walker,
};
use lockgate_event::{DecodeError, RecordView};

pub(crate) use self::passed::{Entry, Passed};
pub(crate) use self::pieces::{Piece, pieces};
pub use self::prune::may_admit;
use self::window::Window;
use super::sink::Sink;
use crate::events::{EventFields, Parts, Texts, weight_of_kind};
use crate::partial::BATCH_ROWS;
use crate::{Cell, TooManyGroups};

const TOO_SHORT: &str = "it ends within its header";
const FOREIGN: &str = "nothing in it is a segment's";
const DAMAGED_RECORD: &str = "a record's checksum is wrong";

/// For each ring, the position up to which its records have been counted.
pub(crate) type Positions = HashMap<RingId, u64>;

/// Why a segment could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The question makes too many groups.
    #[error(transparent)]
    Groups(#[from] TooManyGroups),
}

/// Reads a piece of a segment; `input` gives the bytes from the start of the piece on.
///
/// A damaged place counts as one malformed record, numbered like a line; reading goes on behind it. `on_bytes` is told how many bytes each
/// block was.
///
/// # Errors
///
/// When it cannot be read, or the records make too many groups.
pub(crate) fn read_segment(
    input: impl Read,
    piece: Piece,
    sink: &mut Sink<'_>,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(), SegmentError> {
    let mut window = Window::new(input.take(piece.visible_end.saturating_sub(piece.start)), piece.start);
    let mut walker = Walker::default();
    let mut seen = piece.seen;
    let mut is_foreign = false;
    if piece.start == 0 {
        let (start, header) = Walker::start(&mut window)?;
        walker = start;
        match header {
            Some(header) => advance(&mut seen, &header.positions),
            None => {
                let start = window.bytes_at(0, HEADER_FIXED_BYTES)?;
                if start.len() < HEADER_FIXED_BYTES {
                    damaged(sink, TOO_SHORT);
                    return Ok(());
                }
                // A header that is not yet whole has no records behind it, and nothing is wrong.
                is_foreign = SegmentHeader::length_of(start).is_none();
            }
        }
        on_bytes(walker.offset());
    } else {
        walker.go_to(piece.start);
    }
    while walker.offset() < piece.end {
        let before = walker.offset();
        match walker.step(&mut window)? {
            Step::Block => read_block(&mut walker, &mut window, &mut seen, sink)?,
            Step::Damaged { what, .. } => damaged(sink, what),
            Step::End | Step::Sealed => break,
        }
        is_foreign = false;
        on_bytes(walker.offset() - before);
    }
    if is_foreign {
        damaged(sink, FOREIGN);
    }
    Ok(())
}

/// Counts the records of the current block that have not been counted.
fn read_block(
    walker: &mut Walker,
    window: &mut Window<impl Read>,
    seen: &mut Positions,
    sink: &mut Sink<'_>,
) -> Result<(), SegmentError> {
    let Some(&(block, start)) = walker.block() else { return Ok(()) };
    let counted = seen.entry(block.ring).or_insert(0);
    // Where none of them has been counted, which is always but after a crash, no record needs to be compared.
    let skip = counted.saturating_sub(block.ring_position);
    *counted = (*counted).max(ring_end(&block));
    let payload = window.bytes_at(start + BLOCK_HEADER_BYTES as u64, block.payload_bytes as usize)?;
    let fields = &sink.plan.event_fields;
    let mut texts = Vec::new();
    texts.resize_with(walker.records().len().min(BATCH_ROWS), Texts::default);
    for records in walker.records().chunks(BATCH_ROWS) {
        if fields.has_texts() {
            write_texts(payload, records, fields, &mut texts);
        }
        let mut rows = std::vec![Cell::Null; records.len() * fields.len()];
        let mut weights = [0; BATCH_ROWS];
        let mut filled = 0;
        for (record, texts) in records.iter().zip(&texts) {
            if record.sound && u64::from(record.offset) < skip {
                continue;
            }
            let row = &mut rows[filled * fields.len()..][..fields.len()];
            match view_of(payload, record).and_then(|view| fill(row, &view, fields, texts)) {
                Ok(weight) => {
                    weights[filled] = weight;
                    filled += 1;
                    sink.found.lines += 1;
                }
                Err(what) => damaged(sink, what),
            }
        }
        sink.partial.add_batch(&rows[..filled * fields.len()], &weights[..filled])?;
    }
    Ok(())
}

#[inline]
fn view_of<'a>(payload: &'a [u8], record: &Checked) -> Result<RecordView<'a>, &'static str> {
    let at = record.offset as usize + FRAME_HEADER_BYTES;
    let bytes = payload.get(at..at + record.length as usize).filter(|_| record.sound);
    RecordView::parse(bytes.ok_or(DAMAGED_RECORD)?).map_err(told)
}

/// Fills a row; returns what it counts.
#[inline]
fn fill<'a>(
    row: &mut [Cell<'a>],
    record: &RecordView<'a>,
    fields: &EventFields,
    texts: &'a Texts,
) -> Result<i64, &'static str> {
    fields.fill_from_record(row, record, texts).map_err(told)?;
    Ok(weight_of_kind(record.kind()))
}

#[cold]
fn write_texts(payload: &[u8], records: &[Checked], fields: &EventFields, texts: &mut [Texts]) {
    for (record, texts) in records.iter().zip(texts) {
        if let Ok(record) = view_of(payload, record) {
            fields.write_texts(texts, || Parts {
                id: record.id(),
                parent: record.parent(),
                client: record.client(),
                client_fingerprint: record.client_fingerprint(),
            });
        }
    }
}

#[cold]
fn damaged(sink: &mut Sink<'_>, what: &'static str) {
    sink.malformed(sink.found.lines, what);
    sink.found.lines += 1;
}

fn told(error: DecodeError) -> &'static str {
    match error {
        DecodeError::Version(_) => "a record is of a version that is not known here",
        DecodeError::Text => "a record's texts are not UTF-8",
        DecodeError::Truncated | DecodeError::TrailingBytes | DecodeError::Field(_) => {
            "a record is not what a gateway writes"
        }
    }
}

fn advance(seen: &mut Positions, positions: &[(RingId, u64)]) {
    for (ring, position) in positions {
        let counted = seen.entry(*ring).or_insert(0);
        *counted = (*counted).max(*position);
    }
}

fn ring_end(block: &BlockHeader) -> u64 {
    block.ring_position + u64::from(block.payload_bytes)
}

#[cfg(test)]
mod tests;
