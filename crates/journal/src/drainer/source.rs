//! Where records come from: the rings of this process, and those that dead ones left.

use std::path::PathBuf;

use crate::map::Consumer;
use crate::recovery::Leftover;
use crate::segment::{BLOCK_PAYLOAD_BYTES_MAX, RingId};

/// A ring of this process, or what is left of another's.
pub(super) enum Source {
    Ring { id: RingId, consumer: Consumer, path: PathBuf },
    Leftover(Leftover),
}

impl Source {
    pub(super) fn id(&self) -> RingId {
        match self {
            Self::Ring { id, .. } => *id,
            Self::Leftover(leftover) => leftover.snapshot.ring,
        }
    }

    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Ring { consumer, .. } => consumer.tail(),
            Self::Leftover(leftover) => leftover.snapshot.start,
        }
    }

    pub(super) fn readable_from(&self, position: u64) -> &[u8] {
        match self {
            Self::Ring { consumer, .. } => consumer.readable_from(position, BLOCK_PAYLOAD_BYTES_MAX),
            Self::Leftover(Leftover { snapshot, .. }) => {
                snapshot.bytes.get((position - snapshot.start) as usize..).unwrap_or(&[])
            }
        }
    }

    pub(super) fn consume_to(&mut self, position: u64) {
        match self {
            Self::Ring { consumer, .. } => consumer.consume_to(position),
            Self::Leftover(Leftover { snapshot, .. }) => {
                snapshot.bytes.drain(..(position - snapshot.start) as usize);
                snapshot.start = position;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readable_from(self.position()).is_empty()
    }

    /// Bytes that are in no segment yet.
    pub(super) fn undrained_bytes(&self) -> u64 {
        match self {
            Self::Ring { consumer, .. } => consumer.header().head().saturating_sub(consumer.tail()),
            Self::Leftover(leftover) => leftover.snapshot.bytes.len() as u64,
        }
    }
}
