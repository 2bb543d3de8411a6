//! Starting, watching and stopping the journal.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::Thread;
use std::time::Duration;

use crate::JournalError;
use crate::data_dir::DataDir;
use crate::drainer::{Drainer, STOP_WITHIN, Setup, Shared, run};
use crate::map::{Consumer, RingIdentity, RingMap, page_bytes};
use crate::readers::{EventReader, SubscriptionId};
use crate::retention::Keep;
use crate::ring::{RING_BYTES_MAX, RING_BYTES_MIN, RingWriter};
use crate::status::{JournalStatus, RingStatus};

/// What happens to traffic when the ring or the disk is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Traffic flows and the loss is counted.
    #[default]
    Drop,
    /// [`RingWriter::accepting`] turns false, so that exchanges are refused.
    Refuse,
}

/// How the journal works; every bound of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// Rings to make, one per worker.
    pub workers: usize,
    /// Size of a ring, bytes; rounded up to a power of two between 64 KiB and 1 GiB.
    pub ring_bytes: usize,
    /// Size at which a segment is sealed, bytes.
    pub segment_bytes: u64,
    /// Longest time a record is not yet safe from a crash of the machine.
    pub sync: Duration,
    /// Size of all segments beyond which the oldest sealed ones are removed, bytes.
    pub keep_bytes: u64,
    /// Age beyond which sealed segments are removed.
    pub keep_age: Duration,
    /// What happens to traffic when the ring or the disk is full.
    pub when_full: WhenFull,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            workers: 1,
            ring_bytes: 1 << 20,
            segment_bytes: 64 << 20,
            sync: Duration::from_secs(1),
            keep_bytes: 10 << 30,
            keep_age: Duration::from_secs(30 * 24 * 3600),
            when_full: WhenFull::Drop,
        }
    }
}

/// A running journal; owns the drainer's thread.
pub struct Journal {
    dir: Arc<DataDir>,
    handle: JournalHandle,
    thread: Thread,
    ended: Receiver<Result<(), JournalError>>,
}

/// Watches a journal from elsewhere.
#[derive(Clone)]
pub struct JournalHandle {
    shared: Arc<Shared>,
}

impl Journal {
    /// Makes the rings and starts draining. What an earlier process left in its rings is written first, by the drainer's own thread.
    ///
    /// Returns one writer per worker, in their order.
    ///
    /// # Errors
    ///
    /// When the rings cannot be made or the thread cannot be started.
    pub fn start(
        dir: DataDir,
        options: JournalOptions,
        readers: Vec<Box<dyn EventReader>>,
    ) -> Result<(Self, Vec<RingWriter>), JournalError> {
        let rings = create_rings(&dir, &options)?;
        let shared = Arc::new(Shared::new(rings.maps, options.when_full));
        for reader in readers {
            shared.readers.add(reader);
        }
        let setup = Setup {
            node: dir.node(),
            boot: dir.boot(),
            data_dir: dir.path().into(),
            segment_bytes: options.segment_bytes,
            keep: Keep { bytes: options.keep_bytes, age: options.keep_age },
            sync_every: options.sync,
        };
        let drainer =
            Drainer::new(setup, rings.consumers, Arc::clone(&shared)).map_err(JournalError::Thread)?;
        let dir = Arc::new(dir);
        let (thread, ended) = spawn(drainer, Arc::clone(&dir))?;
        Ok((Self { dir, handle: JournalHandle { shared }, thread, ended }, rings.writers))
    }

    /// The data directory, locked as long as this lives.
    #[must_use]
    pub fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// A handle for those who watch.
    #[must_use]
    pub fn handle(&self) -> JournalHandle {
        self.handle.clone()
    }

    /// Adds a reader; it sees what is written from now on.
    pub fn subscribe(&self, reader: Box<dyn EventReader>) -> SubscriptionId {
        self.handle.subscribe(reader)
    }

    /// Removes a reader and gives it back. If a call is under way, that is the last, and the reader is dropped behind it.
    pub fn unsubscribe(&self, id: SubscriptionId) -> Option<Box<dyn EventReader>> {
        self.handle.unsubscribe(id)
    }

    /// How the journal is doing.
    #[must_use]
    pub fn status(&self) -> JournalStatus {
        self.handle.status()
    }

    /// Drains to the end, seals and syncs; takes at most a little over five seconds.
    ///
    /// The writers should be gone by then: what they write later stays in their rings for the next start.
    ///
    /// # Errors
    ///
    /// When the disk did not take everything in time; the rings are kept then, and the next start recovers them.
    pub fn stop(self) -> Result<(), JournalError> {
        self.ask_to_stop();
        match self.ended.recv_timeout(STOP_WITHIN + Duration::from_secs(1)) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(JournalError::Stalled),
            Err(RecvTimeoutError::Disconnected) => Err(JournalError::Died),
        }
    }

    fn ask_to_stop(&self) {
        self.handle.shared.stopping.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for Journal {
    /// Asks the thread to end, without waiting: [`Journal::stop`] is the way to know how that went.
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("dir", &self.dir)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl JournalHandle {
    /// Adds a reader; it sees what is written from now on.
    pub fn subscribe(&self, reader: Box<dyn EventReader>) -> SubscriptionId {
        self.shared.readers.add(reader)
    }

    /// Removes a reader and gives it back. If a call is under way, that is the last, and the reader is dropped behind it.
    pub fn unsubscribe(&self, id: SubscriptionId) -> Option<Box<dyn EventReader>> {
        self.shared.readers.remove(id)
    }

    /// How the journal is doing.
    #[must_use]
    pub fn status(&self) -> JournalStatus {
        let shared = &self.shared;
        let trouble = shared.trouble().clone();
        JournalStatus {
            rings: shared.rings.iter().zip(0..).map(|(ring, worker)| ring_status(ring, worker)).collect(),
            lost: shared.lost(),
            written: shared.written.load(Ordering::Relaxed),
            recovered: shared.recovered.load(Ordering::Relaxed),
            segments: shared.segments.load(Ordering::Relaxed),
            bytes_on_disk: shared.bytes_on_disk.load(Ordering::Relaxed),
            disk_full: trouble.write_error.is_some(),
            write_error: trouble.write_error,
            sync_error: trouble.sync_error,
        }
    }
}

impl std::fmt::Debug for JournalHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JournalHandle").field(&self.status()).finish()
    }
}

fn ring_status(ring: &RingMap, worker: u16) -> RingStatus {
    let header = ring.header();
    // The tail first: it cannot overtake a head that is read later.
    let tail = header.tail();
    RingStatus {
        worker,
        used_bytes: header.head().saturating_sub(tail).min(ring.capacity() as u64),
        capacity_bytes: ring.capacity() as u64,
        lost_done: header.lost_done.load(Ordering::Relaxed),
        lost_cut: header.lost_cut.load(Ordering::Relaxed),
        merged_parts: header.merged_parts.load(Ordering::Relaxed),
    }
}

#[derive(Default)]
pub(crate) struct Rings {
    pub(crate) writers: Vec<RingWriter>,
    pub(crate) consumers: Vec<(u16, Consumer, PathBuf)>,
    pub(crate) maps: Vec<Arc<RingMap>>,
}

/// Makes one ring per worker, or none: files of a start that fails are removed again.
pub(crate) fn create_rings(dir: &DataDir, options: &JournalOptions) -> Result<Rings, JournalError> {
    let workers =
        u16::try_from(options.workers).map_err(|_| JournalError::TooManyWorkers(options.workers))?;
    let capacity =
        options.ring_bytes.clamp(RING_BYTES_MIN.max(page_bytes()), RING_BYTES_MAX).next_power_of_two();
    let mut rings = Rings::default();
    for worker in 0..workers {
        let identity = RingIdentity { node: dir.node(), boot: dir.boot(), worker };
        let made = dir.create_ring(worker, |file| RingMap::create(file, capacity, identity));
        let (path, (producer, consumer, map)) = made.inspect_err(|_| {
            for (_, _, path) in &rings.consumers {
                drop(std::fs::remove_file(path));
            }
        })?;
        rings.writers.push(RingWriter::new(producer, identity, path.clone()));
        rings.consumers.push((worker, consumer, path));
        rings.maps.push(map);
    }
    Ok(rings)
}

type Ended = Receiver<Result<(), JournalError>>;

/// Starts the drainer's thread, which keeps the directory locked until it ends.
fn spawn(drainer: Drainer, dir: Arc<DataDir>) -> Result<(Thread, Ended), JournalError> {
    let (report, ended) = channel();
    let thread = std::thread::Builder::new()
        .name("journal".into())
        .spawn(move || {
            let outcome = run(drainer);
            drop(dir);
            // Nobody listens when the journal was dropped instead of stopped.
            let _ = report.send(outcome);
        })
        .map_err(JournalError::Thread)?;
    Ok((thread.thread().clone(), ended))
}
