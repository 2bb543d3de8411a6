//! The way through a segment, block by block, whether it is sealed, live, or damaged.

use alloc::vec::Vec;

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind};
use super::footer::Footer;
use super::frame::{frame_bytes, frames};
use super::header::{HEADER_FIXED_BYTES, SegmentHeader};

/// Bytes worth fetching at once when nothing larger is asked for.
pub const READ_BYTES: usize = 256 << 10;

/// The bytes of a segment, looked at through a window.
///
/// A [`Walker`] never asks for an offset below the last one, so that a stream will do.
pub trait Source {
    /// Why bytes cannot be had.
    type Error;

    /// Up to `wanted` bytes at `offset`; fewer only at the end of the segment.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn bytes_at(&mut self, offset: u64, wanted: usize) -> Result<&[u8], Self::Error>;
}

impl Source for &[u8] {
    type Error = core::convert::Infallible;

    fn bytes_at(&mut self, offset: u64, wanted: usize) -> Result<&[u8], Self::Error> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        Ok(&self[start..start.saturating_add(wanted).min(self.len())])
    }
}

/// Where a record of a block is, and whether its checksum holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Distance of its frame from the start of the payload, bytes.
    pub offset: u32,
    /// Size of the record, bytes; 0 for what is left where no length leads on.
    pub length: u32,
    /// Whether it is what was written.
    pub sound: bool,
}

/// What comes next in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A whole block is current.
    Block,
    /// Nothing more for now: the segment ends here, or with something not whole.
    End,
    /// The segment is sealed and has been read.
    Sealed,
    /// Something is wrong; the next step goes on behind it.
    Damaged {
        /// Where it starts, bytes from the start of the segment.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

/// Goes through the blocks of a segment in their order, and behind damage.
#[derive(Clone, Debug, Default)]
pub struct Walker {
    /// Start of the block to look at next; 0 when the header is damaged.
    offset: u64,
    current: Option<(BlockHeader, u64)>,
    records: Vec<Checked>,
}

impl Walker {
    /// Reads a segment's header and stands behind it. Where it is damaged there is none, and the first step tells of the damage.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn start<S: Source>(source: &mut S) -> Result<(Self, Option<SegmentHeader>), S::Error> {
        let Some(length) = SegmentHeader::length_of(source.bytes_at(0, HEADER_FIXED_BYTES)?) else {
            return Ok((Self::default(), None));
        };
        let header = SegmentHeader::parse(source.bytes_at(0, length)?);
        let offset = if header.is_some() { length as u64 } else { 0 };
        Ok((Self { offset, ..Self::default() }, header))
    }

    /// Start of the block that comes next, which is the end of the last whole one.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes to the block at `offset`.
    pub fn go_to(&mut self, offset: u64) {
        self.leave();
        self.offset = offset;
    }

    /// Has no current block any more.
    pub fn leave(&mut self) {
        self.current = None;
        self.records.clear();
    }

    /// The current block and its offset.
    #[must_use]
    pub fn block(&self) -> Option<&(BlockHeader, u64)> {
        self.current.as_ref()
    }

    /// The records of the current block.
    #[must_use]
    pub fn records(&self) -> &[Checked] {
        &self.records
    }

    /// Makes the next block current.
    ///
    /// # Errors
    ///
    /// Those of the source.
    pub fn step<S: Source>(&mut self, source: &mut S) -> Result<Step, S::Error> {
        self.leave();
        let start = self.offset;
        if start == 0 {
            return self.skip_damage(source, "it does not start like a segment");
        }
        let head = source.bytes_at(start, BLOCK_HEADER_BYTES)?;
        if head.len() < BLOCK_HEADER_BYTES {
            return Ok(Step::End);
        }
        let Some(block) = BlockHeader::parse(head) else {
            return self.skip_damage(source, "no block starts here");
        };
        let whole = block.block_bytes() as usize;
        let bytes = source.bytes_at(start, whole)?;
        if bytes.len() < whole {
            // A header that was torn with its payload looks the same as one being written, unless another block follows it.
            return self.skip_damage(source, "the block is not whole");
        }
        let payload = &bytes[BLOCK_HEADER_BYTES..];
        if block.kind == BlockKind::Footer {
            return match Footer::parse(&block, payload) {
                Some(_) => Ok(Step::Sealed),
                None => self.skip_damage(source, "the footer is not what was written"),
            };
        }
        // Bytes that are all there, but not all of them right, may be a block being written over a torn one, if nothing follows.
        if !check(payload, &mut self.records) && source.bytes_at(start, whole + 1)?.len() == whole {
            self.leave();
            return Ok(Step::End);
        }
        self.current = Some((block, start));
        self.offset += block.block_bytes();
        Ok(Step::Block)
    }

    /// Finds the next whole block header behind damage; if there is none, nothing has been damaged yet.
    fn skip_damage<S: Source>(&mut self, source: &mut S, what: &'static str) -> Result<Step, S::Error> {
        let start = self.offset;
        let mut at = start + 8;
        loop {
            let bytes = source.bytes_at(at, READ_BYTES)?;
            if bytes.len() < BLOCK_HEADER_BYTES {
                return Ok(Step::End);
            }
            let candidates = bytes.len() - BLOCK_HEADER_BYTES;
            let found =
                (0..=candidates).step_by(8).find(|&skip| BlockHeader::parse(&bytes[skip..]).is_some());
            if let Some(skip) = found {
                self.offset = at + skip as u64;
                return Ok(Step::Damaged { offset: start, what });
            }
            at += (candidates / 8 * 8 + 8) as u64;
        }
    }
}

/// Finds the records of a payload; says whether all are sound. Where a length leads nowhere, what is left counts as one that is not.
fn check(payload: &[u8], records: &mut Vec<Checked>) -> bool {
    let mut all_sound = true;
    let mut covered = 0;
    for frame in frames(payload) {
        let sound = frame.is_sound();
        all_sound &= sound;
        records.push(Checked { offset: frame.offset as u32, length: frame.record.len() as u32, sound });
        covered = frame.offset + frame_bytes(frame.record.len());
    }
    if covered < payload.len() {
        records.push(Checked { offset: covered as u32, length: 0, sound: false });
        all_sound = false;
    }
    all_sound
}
