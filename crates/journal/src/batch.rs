//! What a reader inside the process is shown: the records of one block, just written.

use lockgate_event::segment::frame_bytes;
use lockgate_event::{EventRef, decode};

use crate::segment::{RingId, frames};

/// Where a record stands in the journal, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordPlace {
    /// The segment: when it was made, microseconds since 1970-01-01T00:00:00Z, unique on its node.
    pub segment: u64,
    /// Offset of the record's frame in the segment's file, bytes.
    pub offset: u64,
}

/// Records that have just become part of the journal, in their order, all of one ring.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Whole frames, checksums included.
    pub(crate) frames: &'a [u8],
    pub(crate) ring: RingId,
    pub(crate) ring_position: u64,
    pub(crate) place: RecordPlace,
}

impl<'a> Batch<'a> {
    /// The records, decoded.
    pub fn iter(&self) -> impl Iterator<Item = EventRef<'a>> + use<'a> {
        self.records().filter_map(|record| record.event())
    }

    /// The records as they lie in the segment.
    pub fn records(&self) -> impl Iterator<Item = RawRecord<'a>> + use<'a> {
        let Self { ring, ring_position, place, .. } = *self;
        frames(self.frames).map(move |frame| RawRecord {
            bytes: frame.record,
            ring,
            ring_position: ring_position + frame.offset as u64,
            place: RecordPlace { offset: place.offset + frame.offset as u64, ..place },
        })
    }

    /// The ring that all these records came through.
    #[must_use]
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// Where the first frame stands.
    #[must_use]
    pub fn start(&self) -> RecordPlace {
        self.place
    }

    /// Where the frame behind the last one would stand: a watermark for whoever counts.
    #[must_use]
    pub fn end(&self) -> RecordPlace {
        RecordPlace { offset: self.place.offset + self.frames.len() as u64, ..self.place }
    }
}

/// A record's bytes and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The record, as `lockgate_event::decode` reads it.
    pub bytes: &'a [u8],
    /// The ring it came through.
    pub ring: RingId,
    /// Its position in that ring, bytes since the ring was made: unique in the ring, and growing.
    pub ring_position: u64,
    /// Where its frame stands.
    pub place: RecordPlace,
}

impl<'a> RawRecord<'a> {
    /// The record, decoded; `None` only for a record of a later version.
    #[must_use]
    pub fn event(&self) -> Option<EventRef<'a>> {
        decode(self.bytes).ok()
    }

    /// Position behind it in its ring.
    pub(crate) fn ring_end(&self) -> u64 {
        self.ring_position + frame_bytes(self.bytes.len()) as u64
    }
}
