//! Frames: records with their length and checksum, as they lie in rings and blocks.

use super::u32_at;
use crate::RECORD_BYTES_MAX;

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
