//! Frames: records with their length and checksum, as they lie in rings and blocks.

use alloc::vec::Vec;

use super::u32_at;
use crate::{EventRef, RECORD_BYTES_MAX, encode, encoded_len};

/// Length and checksum in front of every record, bytes.
pub const FRAME_HEADER_BYTES: usize = 8;

/// Bytes a record of `length` takes in a ring and in a segment.
#[inline]
#[must_use]
pub fn frame_bytes(length: usize) -> usize {
    (FRAME_HEADER_BYTES + length).next_multiple_of(8)
}

/// A record among frames.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Where the frame starts, bytes from the first one.
    pub offset: usize,
    /// Checksum of the record, CRC-32C; in a ring it is not yet there.
    pub crc: u32,
    /// The record, as [`decode`](crate::decode) reads it.
    pub record: &'a [u8],
}

impl Frame<'_> {
    /// Position behind the frame, bytes from the first one.
    #[inline]
    #[must_use]
    pub fn end(&self) -> usize {
        self.offset + frame_bytes(self.record.len())
    }

    /// Whether the checksum is the record's.
    #[inline]
    #[must_use]
    pub fn is_sound(&self) -> bool {
        crc32c::crc32c(self.record) == self.crc
    }
}

/// Appends an event's frame as it lies in a ring: without a checksum, which [`append_block`](super::append_block) adds.
pub fn append_frame(event: &EventRef<'_>, out: &mut Vec<u8>) {
    let (start, length) = (out.len(), encoded_len(event));
    out.resize(start + frame_bytes(length), 0);
    // A record is shorter than `RECORD_BYTES_MAX`.
    out[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
    encode(event, &mut out[start + FRAME_HEADER_BYTES..]);
}

/// Walks frames; ends at the first length that leads nowhere.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> + Clone {
    let mut offset = 0;
    core::iter::from_fn(move || {
        let frame = frame_at(bytes, offset)?;
        offset = frame.end();
        Some(frame)
    })
}

#[inline]
pub(super) fn frame_at(bytes: &[u8], offset: usize) -> Option<Frame<'_>> {
    let length = u32_at(bytes, offset)? as usize;
    if length == 0 || length > RECORD_BYTES_MAX {
        return None;
    }
    let whole = bytes.get(offset..offset + frame_bytes(length))?;
    let record = whole.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + length)?;
    Some(Frame { offset, crc: u32_at(whole, 4)?, record })
}
