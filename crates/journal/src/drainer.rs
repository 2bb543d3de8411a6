//! The drainer: from the rings into segments, round by round.
//!
//! A round collects what every ring has, writes it with one call, and only then gives the room back. So whatever happens in between, a
//! record is in its ring, in a segment, or in both, and its ring position tells which.

mod run;
mod source;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use run::{STOP_WITHIN, Shared, run};

use self::source::Source;
use crate::batch::{Batch, RecordPlace};
use crate::data_dir::journal_dir;
use crate::disk::{Disk, FileSystem};
use crate::map::Consumer;
use crate::recovery::recover;
use crate::retention::{Keep, SealedSegment, take_expired};
use crate::segment::{BLOCK_HEADER_BYTES, BlockHeader, RingId, SegmentHeader, SegmentWriter, append_block};
use crate::syncer::Syncer;

/// Most bytes one write carries.
const ROUND_BYTES_MAX: usize = 4 << 20;
/// How often retention looks at ages.
const RETENTION_EVERY: Duration = Duration::from_secs(60);

/// A block of the round's buffer.
struct Pending {
    source: usize,
    ring_end: u64,
    start: usize,
    end: usize,
}

/// Everything the drainer's thread works on.
pub(crate) struct Drainer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    node: u64,
    boot: u32,
    data_dir: PathBuf,
    segment_bytes: u64,
    keep: Keep,
    sources: Vec<Source>,
    live: Option<SegmentWriter>,
    sealed: VecDeque<SealedSegment>,
    newest_us: u64,
    recovered: bool,
    syncer: Syncer,
    sync_every: Duration,
    synced_at: Instant,
    /// Written to since the last sync was ordered.
    dirty: bool,
    /// Sync after which emptied leftovers may go.
    leftovers_synced_by: Option<u64>,
    kept_at: Instant,
    buffer: Vec<u8>,
    pending: Vec<Pending>,
}

/// What the drainer is made of.
pub(crate) struct Setup {
    pub(crate) node: u64,
    pub(crate) boot: u32,
    pub(crate) data_dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) keep: Keep,
    pub(crate) sync_every: Duration,
}

impl Drainer {
    pub(crate) fn new(
        setup: Setup,
        rings: Vec<(u16, Consumer, PathBuf)>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        Self::on_disk(setup, rings, shared, Arc::new(FileSystem))
    }

    pub(crate) fn on_disk(
        setup: Setup,
        rings: Vec<(u16, Consumer, PathBuf)>,
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
    ) -> io::Result<Self> {
        let Setup { node, boot, data_dir, segment_bytes, keep, sync_every } = setup;
        let ring = |(worker, consumer, path)| Source::Ring { id: RingId { boot, worker }, consumer, path };
        let syncer = Syncer::start(Arc::clone(&disk), journal_dir(&data_dir))?;
        Ok(Self {
            shared,
            disk,
            node,
            boot,
            data_dir,
            segment_bytes,
            keep,
            sources: rings.into_iter().map(ring).collect(),
            live: None,
            sealed: VecDeque::new(),
            newest_us: 0,
            recovered: false,
            syncer,
            sync_every,
            synced_at: Instant::now(),
            dirty: false,
            leftovers_synced_by: None,
            kept_at: Instant::now(),
            buffer: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// One round: returns the bytes taken from the rings.
    ///
    /// # Errors
    ///
    /// When the disk did not take everything. Nothing is lost by that: what was not written is still in its ring.
    pub(crate) fn round(&mut self) -> io::Result<usize> {
        if !self.recovered {
            self.recover()?;
        }
        self.collect();
        let outcome = if self.buffer.is_empty() { Ok(0) } else { self.write_out() };
        if outcome.is_err() {
            // It may be the journal that fills the disk: what may go goes now, since no segment can be sealed before.
            self.apply_retention();
        }
        self.keep_house();
        outcome
    }

    /// Takes over what an earlier process left, as sources that come first.
    fn recover(&mut self) -> io::Result<()> {
        let found = recover(&self.data_dir, self.node, self.boot, &*self.disk)?;
        self.live = found.live;
        self.sealed = found.sealed.into();
        self.newest_us = found.newest_us;
        self.dirty = self.live.is_some();
        self.sources.splice(0..0, found.leftovers.into_iter().map(Source::Leftover));
        self.recovered = true;
        self.report_size();
        Ok(())
    }

    /// Copies what the rings have into the buffer, as blocks.
    fn collect(&mut self) {
        self.buffer.clear();
        self.pending.clear();
        for (index, source) in self.sources.iter().enumerate() {
            let mut position = source.position();
            while self.buffer.len() < ROUND_BYTES_MAX {
                let start = self.buffer.len();
                let taken =
                    append_block(source.id(), position, source.readable_from(position), &mut self.buffer);
                if taken == 0 {
                    break;
                }
                position += taken as u64;
                self.pending.push(Pending {
                    source: index,
                    ring_end: position,
                    start,
                    end: self.buffer.len(),
                });
            }
        }
    }

    fn write_out(&mut self) -> io::Result<usize> {
        self.ensure_live(self.buffer.len() as u64)?;
        let Some(live) = &mut self.live else { return Err(io::Error::other("no live segment")) };
        let outcome = live.append(&self.buffer);
        let written = outcome.as_ref().map_or_else(|failure| failure.written, |()| self.buffer.len());
        let taken = self.commit(written);
        self.dirty |= taken > 0;
        if let (Some(live), Err(_)) = (&mut self.live, &outcome) {
            live.cut_torn();
        }
        outcome.map(|()| taken).map_err(|failure| failure.error)
    }

    /// Makes the whole blocks among the first `written` bytes part of the journal.
    fn commit(&mut self, written: usize) -> usize {
        let Some(live) = &mut self.live else { return 0 };
        let first_offset = live.length();
        let whole = self.pending.iter().take_while(|block| block.end <= written).count();
        let mut records = 0;
        let mut recovered = 0;
        for block in &self.pending[..whole] {
            let bytes = &self.buffer[block.start..block.end];
            let Some(header) = BlockHeader::parse(bytes) else { continue };
            live.commit(&header, &bytes[BLOCK_HEADER_BYTES..]);
            let source = &mut self.sources[block.source];
            source.consume_to(block.ring_end);
            records += u64::from(header.records);
            if matches!(source, Source::Leftover(_)) {
                recovered += u64::from(header.records);
            }
        }
        self.shared.written.fetch_add(records, Ordering::Relaxed);
        self.shared.recovered.fetch_add(recovered, Ordering::Relaxed);
        self.show(whole, first_offset);
        self.pending[..whole].last().map_or(0, |block| block.end)
    }

    fn show(&self, blocks: usize, first_offset: u64) {
        let Some(live) = &self.live else { return };
        let segment = live.created_us();
        let batches = self.pending[..blocks].iter().filter_map(|block| {
            let bytes = &self.buffer[block.start..block.end];
            let header = BlockHeader::parse(bytes)?;
            let offset = first_offset + (block.start + BLOCK_HEADER_BYTES) as u64;
            Some(Batch {
                frames: &bytes[BLOCK_HEADER_BYTES..],
                ring: header.ring,
                ring_position: header.ring_position,
                place: RecordPlace { segment, offset },
            })
        });
        if blocks > 0 {
            self.shared.readers.show(&batches);
        }
    }

    /// Makes sure that there is a live segment of this start with room for `more` bytes.
    fn ensure_live(&mut self, more: u64) -> io::Result<()> {
        if let Some(live) = &self.live {
            let is_full = live.length() + more > self.segment_bytes && live.summary.has_records();
            if is_full || live.is_resumed() {
                self.seal()?;
            }
        }
        if self.live.is_none() {
            self.create_live()?;
        }
        Ok(())
    }

    fn create_live(&mut self) -> io::Result<()> {
        let now_us = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_micros() as u64);
        let created_us = now_us.max(self.newest_us + 1);
        let mut positions: Vec<_> =
            self.sources.iter().map(|source| (source.id(), source.position())).collect();
        positions.sort_unstable();
        let header = SegmentHeader { node: self.node, boot: self.boot, created_us, positions };
        self.live = Some(SegmentWriter::create(&*self.disk, &journal_dir(&self.data_dir), &header)?);
        self.newest_us = created_us;
        self.report_size();
        Ok(())
    }

    /// Ends the live segment.
    fn seal(&mut self) -> io::Result<()> {
        let Some(live) = &mut self.live else { return Ok(()) };
        for source in &self.sources {
            live.summary.note_ring(source.id(), source.position());
        }
        let exists: Vec<_> = self.sources.iter().map(Source::id).collect();
        live.summary.keep_rings(|ring| exists.contains(&ring));
        let bytes = live.seal()?;
        let sealed = SealedSegment::new(live.path().into(), bytes, SystemTime::now());
        if self.syncer.order(live.file()).is_none() {
            // Eight syncs wait: the disk is the slower one, and waiting for it here is what is left.
            live.file().sync()?;
        }
        self.sealed.push_back(sealed);
        self.live = None;
        self.apply_retention();
        Ok(())
    }

    /// What is due beside writing.
    fn keep_house(&mut self) {
        self.report_size();
        if (self.dirty || self.has_empty_leftovers())
            && self.synced_at.elapsed() >= self.sync_every
            && self.syncer.is_idle()
        {
            self.order_sync();
        }
        if self.leftovers_synced_by.is_some_and(|order| self.syncer.is_done(order)) {
            self.leftovers_synced_by = None;
            self.remove_leftovers();
        }
        if self.kept_at.elapsed() >= RETENTION_EVERY {
            self.apply_retention();
        }
        self.shared.set_sync_error(self.syncer.last_error());
    }

    fn order_sync(&mut self) {
        let order = match &self.live {
            Some(live) => self.syncer.order(live.file()),
            None => Some(0),
        };
        if let Some(order) = order {
            self.dirty = false;
            self.synced_at = Instant::now();
            self.leftovers_synced_by = self.has_empty_leftovers().then_some(order);
        }
    }

    fn has_empty_leftovers(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::Leftover(_)) && source.is_empty())
    }

    /// Removes the rings of dead processes whose records are all in synced segments.
    fn remove_leftovers(&mut self) {
        let disk = &self.disk;
        self.sources.retain(|source| {
            let Source::Leftover(leftover) = source else { return true };
            !source.is_empty()
                || disk.remove(&leftover.path).is_err_and(|error| error.kind() != io::ErrorKind::NotFound)
        });
    }

    fn apply_retention(&mut self) {
        self.kept_at = Instant::now();
        let live_bytes = self.live.as_ref().map_or(0, SegmentWriter::length);
        let is_needed = |segment: &SealedSegment| self.shared.readers.need(&segment.path);
        let expired = take_expired(&mut self.sealed, live_bytes, self.keep, SystemTime::now(), is_needed);
        let mut staying: VecDeque<_> =
            expired.into_iter().filter_map(|segment| self.remove_expired(segment)).collect();
        staying.append(&mut self.sealed);
        self.sealed = staying;
    }

    /// Removes a segment; gives it back if the disk does not.
    fn remove_expired(&self, segment: SealedSegment) -> Option<SealedSegment> {
        match self.disk.remove(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Some(segment.that_stays(&error)),
            _ => None,
        }
    }

    fn report_size(&self) {
        let live = self.live.as_ref().map(SegmentWriter::length);
        let segments = self.sealed.len() as u64 + u64::from(live.is_some());
        let bytes = live.unwrap_or(0) + self.sealed.iter().map(|segment| segment.bytes).sum::<u64>();
        self.shared.segments.store(segments, Ordering::Relaxed);
        self.shared.bytes_on_disk.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that are in no segment yet.
    pub(crate) fn undrained_bytes(&self) -> u64 {
        self.sources.iter().map(Source::undrained_bytes).sum()
    }

    /// Ends in good order, once everything has been drained: seals, syncs, and removes the rings nobody writes to any more.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if let Some(live) = &self.live {
            let file = Arc::clone(live.file());
            self.seal().inspect_err(|_| self.apply_retention())?;
            file.sync()?;
            self.disk.sync_dir(&journal_dir(&self.data_dir))?;
        }
        self.remove_leftovers();
        for source in &self.sources {
            let Source::Ring { consumer, path, .. } = source else { continue };
            consumer.header().consumer_gone.store(1, Ordering::SeqCst);
            let gone = consumer.header().producer_gone.load(Ordering::SeqCst) == 1 && source.is_empty();
            let removed = if gone { self.disk.remove(path) } else { Ok(()) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::plain_event;
