//! The start of a segment: whose it is, and how far each ring had come.

use alloc::vec::Vec;

use super::{RingId, array_at, u16_at, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"LKGSEG01";
const VERSION: u32 = 1;
/// Header without its table, bytes.
pub const HEADER_FIXED_BYTES: usize = 64;
/// One ring of the table, bytes.
pub(super) const ENTRY_BYTES: usize = 16;
/// Most rings a table can have: every worker of a process, and what earlier ones left.
const ENTRIES_MAX: usize = 1 << 18;
const CRC_AT: usize = 40;

/// What the first bytes of a segment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The node whose records it holds.
    pub node: u64,
    /// The node's start that made it.
    pub boot: u32,
    /// Microseconds since 1970-01-01T00:00:00Z; grows from segment to segment whatever the clock does.
    pub created_us: u64,
    /// For each ring that existed, the position up to which earlier segments hold its records.
    pub positions: Vec<(RingId, u64)>,
}

impl SegmentHeader {
    /// The header with its table and checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = HEADER_FIXED_BYTES + self.positions.len() * ENTRY_BYTES;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend_from_slice(&self.node.to_le_bytes());
        bytes.extend_from_slice(&self.boot.to_le_bytes());
        bytes.extend_from_slice(&(self.positions.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.created_us.to_le_bytes());
        bytes.resize(HEADER_FIXED_BYTES, 0);
        put_positions(&self.positions, &mut bytes);
        let crc = crc32c::crc32c(&bytes);
        bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Length of the whole header, bytes, told by its first [`HEADER_FIXED_BYTES`]; `None` when this is no segment of a known version.
    #[must_use]
    pub fn length_of(fixed: &[u8]) -> Option<usize> {
        let known = fixed.get(..8)? == MAGIC && u32_at(fixed, 8)? == VERSION;
        let entries = u32_at(fixed, 28)? as usize;
        let length = HEADER_FIXED_BYTES + entries.min(ENTRIES_MAX) * ENTRY_BYTES;
        (known && entries <= ENTRIES_MAX && u32_at(fixed, 12)? as usize == length).then_some(length)
    }

    /// Reads a header from the front of `bytes`; `None` when it is damaged, or not whole.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let length = Self::length_of(bytes)?;
        let bytes = bytes.get(..length)?;
        let crc = crc32c::crc32c_append(
            crc32c::crc32c_append(crc32c::crc32c(&bytes[..CRC_AT]), &[0; 4]),
            &bytes[CRC_AT + 4..],
        );
        if crc != u32_at(bytes, CRC_AT)? {
            return None;
        }
        Some(Self {
            node: u64_at(bytes, 16)?,
            boot: u32_at(bytes, 24)?,
            created_us: u64_at(bytes, 32)?,
            positions: positions_of(&bytes[HEADER_FIXED_BYTES..])?,
        })
    }
}

pub(super) fn put_positions(positions: &[(RingId, u64)], out: &mut Vec<u8>) {
    for (ring, position) in positions {
        out.extend_from_slice(&ring.boot.to_le_bytes());
        out.extend_from_slice(&ring.worker.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&position.to_le_bytes());
    }
}

pub(super) fn positions_of(table: &[u8]) -> Option<Vec<(RingId, u64)>> {
    table
        .chunks_exact(ENTRY_BYTES)
        .map(|entry| {
            let entry: [u8; ENTRY_BYTES] = array_at(entry, 0)?;
            Some((RingId { boot: u32_at(&entry, 0)?, worker: u16_at(&entry, 4)? }, u64_at(&entry, 8)?))
        })
        .collect()
}
