//! A segment as pieces that threads can share.

use std::io::{self, Read, Seek, SeekFrom};
use std::vec::Vec;

use lockgate_event::segment::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind};

use super::{Entry, Positions, advance, ring_end};

/// Blocks of a segment, and what is known to be counted of its rings before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Start of its first block; 0 for the header.
    pub(crate) start: u64,
    /// End of its last block, or of what there is of the segment.
    pub(crate) end: u64,
    /// End of what may be looked at: whether anything follows the last block tells a damaged one from one that is being written.
    pub(super) visible_end: u64,
    /// How far each ring has been counted.
    pub(crate) seen: Positions,
}

impl Piece {
    /// A whole segment of `length` bytes. A live one grows: what is behind its length now is left alone.
    pub(crate) fn whole(length: u64, seen: Positions) -> Self {
        Self { start: 0, end: length, visible_end: length, seen }
    }
}

/// Divides a sealed segment into pieces of at least `piece_bytes`. Together they count what the whole would: each knows how far the blocks
/// before it go in their rings, which their headers tell. Where a block does not lead to the next one, the whole is the one piece.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn pieces(
    input: &mut (impl Read + Seek),
    entry: &Entry,
    piece_bytes: u64,
) -> io::Result<Vec<Piece>> {
    let whole = || Ok(std::vec![entry.whole.clone()]);
    let Some((end, _)) = entry.footer.as_ref().filter(|_| entry.first_block > 0) else { return whole() };
    let mut next = Piece { end: *end, ..entry.whole.clone() };
    let mut pieces = Vec::new();
    let mut counted = next.seen.clone();
    let stopped = hop(input, entry.first_block, *end, &mut |at, block| {
        if at - next.start >= piece_bytes {
            let following = Piece { start: at, seen: counted.clone(), ..next.clone() };
            pieces.push(Piece { end: at, ..std::mem::replace(&mut next, following) });
        }
        advance(&mut counted, &[(block.ring, ring_end(block))]);
    })?;
    pieces.push(next);
    if stopped == *end { Ok(pieces) } else { whole() }
}

/// Visits blocks of records by their headers alone, up to `end`; returns where it had to stop.
pub(super) fn hop(
    input: &mut (impl Read + Seek),
    first_block: u64,
    end: u64,
    visit: &mut dyn FnMut(u64, &BlockHeader),
) -> io::Result<u64> {
    let mut at = first_block;
    while at < end {
        let block = block_at(input, at)?.filter(|block| {
            block.kind == BlockKind::Records && at.saturating_add(block.block_bytes()) <= end
        });
        let Some(block) = block else { break };
        visit(at, &block);
        at += block.block_bytes();
    }
    Ok(at)
}

fn block_at(input: &mut (impl Read + Seek), at: u64) -> io::Result<Option<BlockHeader>> {
    input.seek(SeekFrom::Start(at))?;
    let mut head = [0; BLOCK_HEADER_BYTES];
    match input.read_exact(&mut head) {
        Ok(()) => Ok(BlockHeader::parse(&head)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
