//! Blocks: runs of frames of one ring.

use alloc::vec::Vec;

use super::frame::{frame_at, frames};
use super::{RingId, array_at, u16_at, u32_at, u64_at};

/// Size of a block's header, bytes.
pub const BLOCK_HEADER_BYTES: usize = 48;
/// Most payload one block of records carries, bytes: what a reader has to hold at once.
pub const BLOCK_PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// Most payload a footer carries, bytes.
pub const FOOTER_PAYLOAD_BYTES_MAX: usize = 8 << 20;

const RECORDS_MAGIC: &[u8; 4] = b"BLK1";
const FOOTER_MAGIC: &[u8; 4] = b"FTR1";

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Frames.
    Records,
    /// The segment's summary.
    Footer,
}

/// The fields of a block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// What follows the header.
    pub kind: BlockKind,
    /// Size of what follows the header, bytes; a multiple of eight.
    pub payload_bytes: u32,
    /// Number of frames.
    pub records: u32,
    /// The ring that all records came through.
    pub ring: RingId,
    /// Position of the first record in that ring, bytes since the ring was made.
    pub ring_position: u64,
    /// When the first record was made, microseconds since 1970-01-01T00:00:00Z.
    pub first_ts_us: u64,
    /// CRC-32C of a footer's payload; frames have checksums of their own.
    pub payload_crc: u32,
}

impl BlockHeader {
    /// The header with its checksum.
    #[must_use]
    pub fn to_bytes(self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        bytes[..4].copy_from_slice(match self.kind {
            BlockKind::Records => RECORDS_MAGIC,
            BlockKind::Footer => FOOTER_MAGIC,
        });
        bytes[8..12].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.records.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.ring.boot.to_le_bytes());
        bytes[20..22].copy_from_slice(&self.ring.worker.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.ring_position.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.first_ts_us.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` when these bytes are not one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; BLOCK_HEADER_BYTES] = array_at(bytes, 0)?;
        let (kind, payload_max) = match bytes.first_chunk()? {
            RECORDS_MAGIC => (BlockKind::Records, BLOCK_PAYLOAD_BYTES_MAX),
            FOOTER_MAGIC => (BlockKind::Footer, FOOTER_PAYLOAD_BYTES_MAX),
            _ => return None,
        };
        let header = Self {
            kind,
            payload_bytes: u32_at(&bytes, 8)?,
            records: u32_at(&bytes, 12)?,
            ring: RingId { boot: u32_at(&bytes, 16)?, worker: u16_at(&bytes, 20)? },
            ring_position: u64_at(&bytes, 24)?,
            first_ts_us: u64_at(&bytes, 32)?,
            payload_crc: u32_at(&bytes, 40)?,
        };
        let sound = crc32c::crc32c(&bytes[8..]) == u32_at(&bytes, 4)?
            && header.payload_bytes as usize <= payload_max
            && header.payload_bytes.is_multiple_of(8)
            && header.ring_position.checked_add(header.payload_bytes.into()).is_some();
        sound.then_some(header)
    }

    /// Bytes of the block, header included.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        BLOCK_HEADER_BYTES as u64 + u64::from(self.payload_bytes)
    }
}

/// Appends the whole frames at the front of `ring_bytes` as one block, and says how many bytes of the ring that took; 0 for none.
///
/// The bytes are copied in bulk; then each frame gets its checksum.
pub fn append_block(ring: RingId, ring_position: u64, ring_bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let ring_bytes = &ring_bytes[..ring_bytes.len().min(BLOCK_PAYLOAD_BYTES_MAX)];
    let start = out.len();
    out.extend_from_slice(&[0; BLOCK_HEADER_BYTES]);
    out.extend_from_slice(ring_bytes);
    let (records, payload_bytes) = seal_frames(&mut out[start + BLOCK_HEADER_BYTES..]);
    if records == 0 {
        out.truncate(start);
        return 0;
    }
    out.truncate(start + BLOCK_HEADER_BYTES + payload_bytes);
    let first_ts_us = frames(&out[start + BLOCK_HEADER_BYTES..])
        .next()
        .and_then(|frame| crate::glance(frame.record).ok())
        .map_or(0, |glance| glance.ts_us);
    let header = BlockHeader {
        kind: BlockKind::Records,
        payload_bytes: payload_bytes as u32,
        records,
        ring,
        ring_position,
        first_ts_us,
        payload_crc: 0,
    };
    out[start..start + BLOCK_HEADER_BYTES].copy_from_slice(&header.to_bytes());
    payload_bytes
}

/// Puts the checksums into whole frames; returns their number and their bytes.
fn seal_frames(bytes: &mut [u8]) -> (u32, usize) {
    let mut records = 0;
    let mut offset = 0;
    while let Some(frame) = frame_at(bytes, offset) {
        let crc = crc32c::crc32c(frame.record);
        let end = frame.end();
        bytes[offset + 4..offset + 8].copy_from_slice(&crc.to_le_bytes());
        records += 1;
        offset = end;
    }
    (records, offset)
}
