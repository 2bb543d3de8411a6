//! The end of a sealed segment: what it holds, found without reading it.
//!
//! Payload: version u32 · flags u32 (1: all routes named, 2: all users named, 4: times known) · first and last ts_us u64 · done, part,
//! cut u64 · positions, routes, users, index: each a count u32 and then its entries. A position is as in the header; a route is its length
//! u16, its name, its records u64; a user is id u64, records u64; an index entry is the offset of a block u64 and its first ts_us u64.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind};
use super::header::{ENTRY_BYTES, positions_of, put_positions};
use super::{RingId, array_at, u16_at, u32_at, u64_at};

const VERSION: u32 = 1;
/// Size of the last thing in a sealed segment, bytes.
pub const TRAILER_BYTES: usize = 16;
const TRAILER_MAGIC: &[u8; 8] = b"LKGSEAL1";

/// What a sealed segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// First and last time of its records, microseconds since 1970-01-01T00:00:00Z; `None` when it has no record.
    pub ts_us: Option<(u64, u64)>,
    /// Records of kind `done`.
    pub done: u64,
    /// Records of kind `part`.
    pub part: u64,
    /// Records of kind `cut`.
    pub cut: u64,
    /// Routes by name with their records; the empty name stands for no route.
    pub routes: Vec<(Box<str>, u64)>,
    /// Users with their records.
    pub users: Vec<(u64, u64)>,
    /// Whether `routes` is complete; there is a limit to it.
    pub names_all_routes: bool,
    /// Whether `users` is complete; there is a limit to it.
    pub names_all_users: bool,
    /// How far each ring's records had been written.
    pub positions: Vec<(RingId, u64)>,
    /// Offsets of some blocks with the time of their first record, growing.
    pub index: Vec<(u64, u64)>,
}

impl Footer {
    /// Footer block and trailer, as they stand at `offset`.
    #[must_use]
    pub fn to_bytes(&self, offset: u64) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK_HEADER_BYTES];
        self.put_payload(&mut bytes);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let payload = &bytes[BLOCK_HEADER_BYTES..];
        let header = BlockHeader {
            kind: BlockKind::Footer,
            payload_bytes: payload.len() as u32,
            records: 0,
            ring: RingId { boot: 0, worker: 0 },
            ring_position: 0,
            first_ts_us: self.ts_us.map_or(0, |(first, _)| first),
            payload_crc: crc32c::crc32c(payload),
        };
        bytes[..BLOCK_HEADER_BYTES].copy_from_slice(&header.to_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(TRAILER_MAGIC);
        bytes
    }

    fn put_payload(&self, out: &mut Vec<u8>) {
        let flags = u32::from(self.names_all_routes)
            | u32::from(self.names_all_users) << 1
            | u32::from(self.ts_us.is_some()) << 2;
        let (first, last) = self.ts_us.unwrap_or((0, 0));
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&flags.to_le_bytes());
        for number in [first, last, self.done, self.part, self.cut] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put_count(self.positions.len(), out);
        put_positions(&self.positions, out);
        put_count(self.routes.len(), out);
        for (route, records) in &self.routes {
            out.extend_from_slice(&(route.len() as u16).to_le_bytes());
            out.extend_from_slice(route.as_bytes());
            out.extend_from_slice(&records.to_le_bytes());
        }
        for table in [&self.users, &self.index] {
            put_count(table.len(), out);
            for (key, value) in table {
                out.extend_from_slice(&key.to_le_bytes());
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    /// Reads a footer's payload; `None` when it is damaged.
    #[must_use]
    pub fn parse(header: &BlockHeader, payload: &[u8]) -> Option<Self> {
        if header.kind != BlockKind::Footer || crc32c::crc32c(payload) != header.payload_crc {
            return None;
        }
        let mut fields = Fields { rest: payload };
        if fields.u32()? != VERSION {
            return None;
        }
        let flags = fields.u32()?;
        let (first, last) = (fields.u64()?, fields.u64()?);
        Some(Self {
            ts_us: (flags & 4 != 0).then_some((first, last)),
            done: fields.u64()?,
            part: fields.u64()?,
            cut: fields.u64()?,
            positions: fields.positions()?,
            routes: fields.routes()?,
            users: fields.pairs()?,
            index: fields.pairs()?,
            names_all_routes: flags & 1 != 0,
            names_all_users: flags & 2 != 0,
        })
    }

    /// Offset of the footer, told by the last [`TRAILER_BYTES`] of a sealed segment.
    #[must_use]
    pub fn offset_of(trailer: &[u8]) -> Option<u64> {
        (trailer.get(8..)? == TRAILER_MAGIC).then(|| u64_at(trailer, 0))?
    }
}

fn put_count(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

/// Takes fields off the front.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }

    fn u64(&mut self) -> Option<u64> {
        u64_at(self.take(8)?, 0)
    }

    /// A table of entries of one size; its count is believed only as far as there are bytes.
    fn table(&mut self, entry_bytes: usize) -> Option<&'a [u8]> {
        let count = self.u32()? as usize;
        self.take(count.checked_mul(entry_bytes)?)
    }

    fn positions(&mut self) -> Option<Vec<(RingId, u64)>> {
        positions_of(self.table(ENTRY_BYTES)?)
    }

    fn pairs(&mut self) -> Option<Vec<(u64, u64)>> {
        let table = self.table(16)?;
        table
            .chunks_exact(16)
            .map(|pair| array_at::<16>(pair, 0).and_then(|pair| Some((u64_at(&pair, 0)?, u64_at(&pair, 8)?))))
            .collect()
    }

    fn routes(&mut self) -> Option<Vec<(Box<str>, u64)>> {
        let count = self.u32()?;
        let mut routes = Vec::new();
        for _ in 0..count {
            let length = u16_at(self.take(2)?, 0)?;
            let name = core::str::from_utf8(self.take(length.into())?).ok()?;
            routes.push((name.into(), self.u64()?));
        }
        Some(routes)
    }
}
