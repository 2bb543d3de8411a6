//! The segment file's format, over byte slices: an append-only run of checksummed records.
//!
//! All numbers are little endian; header, blocks and footer start at multiples of eight.
//!
//! ```text
//! header   "LKGSEG01" · version u32 · header bytes u32 · node u64 · boot u32 · rings u32 · created_us u64 · crc32c u32 · 0 u32 · 16 zeros
//!          then per ring its position when the segment was made: boot u32 · worker u16 · 0 u16 · position u64
//! block    "BLK1" · crc32c u32 of the 40 bytes that follow · payload bytes u32 · records u32 · boot u32 · worker u16 · 0 u16
//!          · ring position of the first record u64 · its ts_us u64 · 0 u32 · 0 u32
//!          payload: frames, each = length u32 · crc32c of the record u32 · record · zeros up to a multiple of eight
//! …
//! footer   a block with "FTR1" whose payload, covered by the second of its last two numbers, is the summary (see `footer`)
//! trailer  offset of the footer u64 · "LKGSEAL1"
//! ```
//!
//! A segment is live until it has its trailer; one that has it never changes. Blocks and frames are the rings' bytes, copied in bulk, so the
//! ring position of any record is that of its block plus its distance from the block's first frame: that is what recovery resumes from, and
//! how a reader knows a record it has already seen in a ring.
//!
//! **Damage.** A block counts once it is whole: header and every frame. At the end of the last segment an incomplete block is no damage, it
//! is one being written, or one a crash interrupted; recovery cuts it off. Anywhere else a reader tells the offset and goes on: at
//! the next frame when only a record's checksum is wrong and its length still leads to one, else at the next multiple of eight that starts a
//! whole block header. A [`Walker`] does so for every reader.

mod block;
mod footer;
mod frame;
mod header;
mod walk;

pub use block::{
    BLOCK_HEADER_BYTES, BLOCK_PAYLOAD_BYTES_MAX, BlockHeader, BlockKind, FOOTER_PAYLOAD_BYTES_MAX,
    append_block,
};
pub use footer::{Footer, TRAILER_BYTES};
pub use frame::{FRAME_HEADER_BYTES, Frame, append_frame, frame_bytes, frames};
pub use header::{HEADER_FIXED_BYTES, SegmentHeader};
pub use walk::{Checked, READ_BYTES, Source, Step, Walker};

/// Names a ring among all rings a node ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId {
    /// The node's start it belonged to.
    pub boot: u32,
    /// The worker it belonged to.
    pub worker: u16,
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
