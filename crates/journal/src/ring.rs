//! The worker's side of a ring: framing, ids, and what happens when there is no room.
//!
//! A record in the ring is a frame: four bytes of length, four bytes kept free for the checksum that the drainer computes, the record, and
//! zeros up to a multiple of eight.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lockgate_event::segment::{FRAME_HEADER_BYTES, frame_bytes};
use lockgate_event::{EventId, EventRef, Kind, encode, encoded_len};

use crate::map::{Producer, RingIdentity};

/// Smallest ring, bytes: room for a good dozen of the largest records.
pub(crate) const RING_BYTES_MIN: usize = 64 << 10;
/// Largest ring, bytes.
pub(crate) const RING_BYTES_MAX: usize = 1 << 30;

/// A record found no room; it has been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room in the journal's ring")]
pub struct RingFull;

/// Writes one worker's records; the only producer of its ring.
pub struct RingWriter {
    producer: Producer,
    identity: RingIdentity,
    path: PathBuf,
    next_sequence: u64,
    /// Held by live reservations.
    reserved: usize,
    /// Given back by reservations that were dropped, not yet taken off `reserved`.
    returned: Arc<AtomicUsize>,
}

impl RingWriter {
    pub(crate) fn new(producer: Producer, identity: RingIdentity, path: PathBuf) -> Self {
        Self { producer, identity, path, next_sequence: 0, reserved: 0, returned: Arc::default() }
    }

    /// The worker that all records of this ring name.
    #[must_use]
    pub fn worker(&self) -> u16 {
        self.identity.worker
    }

    /// Reserves the id of an exchange that starts now.
    #[inline]
    pub fn next_id(&mut self) -> EventId {
        let RingIdentity { node, boot, worker } = self.identity;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        EventId { node, boot, worker, sequence }
    }

    /// Puts a record into the ring; from then on it survives the process.
    ///
    /// # Errors
    ///
    /// When there is no room beside what is reserved. The loss of a `done` or `cut` has then been counted; a `part` is not lost, its
    /// content is to be merged into the exchange's next record.
    #[inline]
    pub fn write(&mut self, event: &EventRef<'_>) -> Result<(), RingFull> {
        let length = encoded_len(event);
        let room = frame_bytes(length);
        if !self.has_room(room) || !self.put(event, length) {
            self.count_loss(event.kind);
            return Err(RingFull);
        }
        Ok(())
    }

    /// Sets room aside for records that must not be lost later, such as the `done` and the `cut` of an exchange.
    ///
    /// `bytes` is the sum of [`RingWriter::room_for`] of those records.
    ///
    /// # Errors
    ///
    /// When that much room is not free.
    pub fn reserve(&mut self, bytes: usize) -> Result<Reservation, RingFull> {
        let bytes = bytes.next_multiple_of(8);
        if !self.has_room(bytes) {
            return Err(RingFull);
        }
        self.reserved += bytes;
        Ok(Reservation { bytes, returned: Arc::clone(&self.returned) })
    }

    /// Puts a record into reserved room; never fails while the record fits the reservation.
    ///
    /// # Errors
    ///
    /// When the record is larger than what is left of the reservation and there is no other room; the loss has then been counted.
    pub fn write_reserved(
        &mut self,
        reservation: &mut Reservation,
        event: &EventRef<'_>,
    ) -> Result<(), RingFull> {
        let length = encoded_len(event);
        let room = frame_bytes(length);
        if reservation.bytes < room {
            return self.write(event);
        }
        if !self.put(event, length) {
            self.count_loss(event.kind);
            return Err(RingFull);
        }
        reservation.bytes -= room;
        self.reserved -= room;
        Ok(())
    }

    /// Gives back what is left of a reservation. Dropping it does the same a little later.
    pub fn release(&mut self, mut reservation: Reservation) {
        self.reserved = self.reserved.saturating_sub(reservation.bytes);
        reservation.bytes = 0;
    }

    /// Room that a record takes, for [`RingWriter::reserve`]; bytes.
    #[must_use]
    pub fn room_for(event: &EventRef<'_>) -> usize {
        frame_bytes(encoded_len(event))
    }

    /// Room that is enough for any record whose texts have together at most `text_bytes`.
    #[must_use]
    pub fn room_for_texts(text_bytes: usize) -> usize {
        frame_bytes(lockgate_event::FIXED_BYTES_MAX + text_bytes)
    }

    /// False while the disk cannot be written to and the journal is told to refuse then.
    #[inline]
    #[must_use]
    pub fn accepting(&self) -> bool {
        self.producer.header().refusing.load(Ordering::Relaxed) == 0
    }

    /// Whether `bytes` are free beside what is reserved.
    #[inline]
    fn has_room(&mut self, bytes: usize) -> bool {
        self.producer.has_room(self.reserved + bytes)
            || (self.reserved > 0 && self.reclaim() && self.producer.has_room(self.reserved + bytes))
    }

    /// Takes back what dropped reservations held; whether there was any.
    #[cold]
    fn reclaim(&mut self) -> bool {
        let returned = self.returned.swap(0, Ordering::AcqRel);
        self.reserved = self.reserved.saturating_sub(returned);
        returned > 0
    }

    #[inline]
    fn put(&mut self, event: &EventRef<'_>, length: usize) -> bool {
        self.producer.write(frame_bytes(length), |frame| {
            // The padding first: the record then overwrites what of these eight bytes is its own.
            if let Some(last) = frame.last_chunk_mut::<8>() {
                *last = [0; 8];
            }
            let (header, record) = frame.split_at_mut(FRAME_HEADER_BYTES);
            header.copy_from_slice(&(length as u64).to_le_bytes());
            encode(event, &mut record[..length]);
        })
    }

    #[cold]
    fn count_loss(&self, kind: Kind) {
        let header = self.producer.header();
        let counter = match kind {
            Kind::Done => &header.lost_done,
            Kind::Cut => &header.lost_cut,
            Kind::Part => &header.merged_parts,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for RingWriter {
    /// Whoever is the last to leave, writer or drainer, removes the ring if nothing is in it.
    fn drop(&mut self) {
        let header = self.producer.header();
        header.producer_gone.store(1, Ordering::SeqCst);
        if header.consumer_gone.load(Ordering::SeqCst) == 1 && header.head() == header.tail() {
            // The drainer may have been quicker.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl std::fmt::Debug for RingWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RingWriter")
            .field("identity", &self.identity)
            .field("next_sequence", &self.next_sequence)
            .finish_non_exhaustive()
    }
}

/// Room in a ring that no other record will take.
#[must_use = "room is held until the reservation is written or released"]
#[derive(Debug)]
pub struct Reservation {
    bytes: usize,
    returned: Arc<AtomicUsize>,
}

impl Reservation {
    /// What is left of it, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Reservation {
    /// A dropped exchange must not keep its room for ever.
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.returned.fetch_add(self.bytes, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests;
