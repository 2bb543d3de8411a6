//! One segment after the other: what the ones before have of a ring's records.
//!
//! A segment's own table says so, too, and nearly always suffices. After a crash whose next start found the newest segment damaged, a record
//! can stand in two segments although the table of the later one does not tell.

use std::io::{self, Read, Seek, SeekFrom};
use std::vec::Vec;

use hashbrown::HashMap;
use lockgate_event::segment::{
    BLOCK_HEADER_BYTES, BlockHeader, FOOTER_PAYLOAD_BYTES_MAX, Footer, Step, TRAILER_BYTES, Walker,
};

use super::pieces::hop;
use super::window::Window;
use super::{Piece, Positions, advance, ring_end};

/// What the segments that were entered have, by node.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    nodes: HashMap<Option<u64>, Node>,
    /// Whose the last segment was; `None` while the headers of all have been damaged.
    last_node: Option<u64>,
}

#[derive(Debug, Default)]
struct Node {
    /// When the newest of its segments was made, microseconds since 1970-01-01T00:00:00Z.
    created_us: u64,
    positions: Positions,
}

/// A segment that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// All of it.
    pub(crate) whole: Piece,
    /// Where its first block starts; 0 where the header is damaged.
    pub(super) first_block: u64,
    /// Where its footer starts, and what it says; `None` unless it is sealed, and its footer sound.
    pub(crate) footer: Option<(u64, Footer)>,
}

impl Passed {
    /// Enters the next segment, of which there are `length` bytes now. Those of a node come oldest first, as their names sort; one that is
    /// older than the last is known by its own table alone. Reads its header and footer, and of one that is not sealed the headers of its
    /// blocks.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn enter(&mut self, input: &mut (impl Read + Seek), length: u64) -> io::Result<Entry> {
        input.seek(SeekFrom::Start(0))?;
        let (walker, header) = Walker::start(&mut Window::new(&mut *input, 0))?;
        let first_block = walker.offset();
        let footer = footer_of(input, length)?;
        let nobodys = if header.is_some() { self.nodes.remove(&None) } else { None };
        self.last_node = header.as_ref().map(|header| header.node).or(self.last_node);
        let node = self.nodes.entry(self.last_node).or_default();
        node.positions.extend(nobodys.into_iter().flat_map(|nobodys| nobodys.positions));
        // Without its header it is taken for what its place among the others says.
        let created_us = header.as_ref().map_or(node.created_us, |header| header.created_us);
        if created_us < node.created_us {
            return Ok(Entry { whole: Piece::whole(length, Positions::default()), first_block, footer });
        }
        node.created_us = created_us;
        let whole = Piece::whole(length, node.positions.clone());
        advance(&mut node.positions, header.as_ref().map_or(&[], |header| &header.positions));
        match &footer {
            Some((_, footer)) => advance(&mut node.positions, &footer.positions),
            None => advance_through(input, first_block, length, &mut node.positions)?,
        }
        Ok(Entry { whole, first_block, footer })
    }
}

/// The footer of a sealed segment, and where it starts.
fn footer_of(input: &mut (impl Read + Seek), length: u64) -> io::Result<Option<(u64, Footer)>> {
    let Some(trailer_at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let trailer = bytes_at(input, trailer_at, TRAILER_BYTES)?;
    let Some(at) = Footer::offset_of(&trailer).filter(|at| *at < trailer_at) else { return Ok(None) };
    let head = bytes_at(input, at, BLOCK_HEADER_BYTES)?;
    let Some(block) = BlockHeader::parse(&head) else { return Ok(None) };
    let payload_bytes = (block.payload_bytes as usize).min(FOOTER_PAYLOAD_BYTES_MAX);
    let payload = bytes_at(input, at + BLOCK_HEADER_BYTES as u64, payload_bytes)?;
    Ok(Footer::parse(&block, &payload).map(|footer| (at, footer)))
}

/// Up to so many bytes; fewer at the end.
fn bytes_at(input: &mut (impl Read + Seek), at: u64, wanted: usize) -> io::Result<Vec<u8>> {
    input.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    input.take(wanted as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Goes through a segment that does not say how far it goes: by headers as far as they lead on, then as its reader does.
fn advance_through(
    input: &mut (impl Read + Seek),
    first_block: u64,
    length: u64,
    positions: &mut Positions,
) -> io::Result<()> {
    let mut visit = |_: u64, block: &BlockHeader| advance(positions, &[(block.ring, ring_end(block))]);
    let stopped = if first_block == 0 { 0 } else { hop(input, first_block, length, &mut visit)? };
    if stopped >= length {
        return Ok(());
    }
    input.seek(SeekFrom::Start(stopped))?;
    let mut window = Window::new(input.take(length - stopped), stopped);
    let mut walker = Walker::default();
    walker.go_to(stopped);
    while let Step::Block | Step::Damaged { .. } = walker.step(&mut window)? {
        if let Some((block, at)) = walker.block() {
            visit(*at, block);
        }
    }
    Ok(())
}
