//! A disk that does what a test wants, and a gateway reduced to its journal.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use lockgate_event::{EventId, EventRef};

use crate::data_dir::{RingNames, journal_dir};
use crate::disk::{Disk, DiskFile, FileSystem};
use crate::drainer::{Drainer, Setup, Shared};
use crate::journal::{JournalOptions, Rings, WhenFull, create_rings};
use crate::retention::Keep;
use crate::segment::{self, SegmentReader};
use crate::{DataDir, RingWriter, read_dir};

/// How the operation goes at which a disk starts to fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum LastOperation {
    HasNoEffect,
    WritesAHalf,
    /// Like a disk that fills up: says how much it took, and takes nothing more.
    TakesAHalf,
    HasItsEffect,
}

/// What happens to the operations of a disk, in their order.
pub(super) struct Plan {
    operations: AtomicU64,
    /// Those from the first to before the second fail.
    failing: Mutex<(u64, u64)>,
    last: LastOperation,
    error: io::ErrorKind,
    stalled: Mutex<bool>,
    released: Condvar,
    half_taken: AtomicBool,
    full: AtomicBool,
    pub(super) waiting: AtomicBool,
}

impl Plan {
    pub(super) fn new(failing: (u64, u64), last: LastOperation, error: io::ErrorKind) -> Arc<Self> {
        Arc::new(Self {
            operations: AtomicU64::new(0),
            failing: Mutex::new(failing),
            last,
            error,
            stalled: Mutex::new(false),
            released: Condvar::new(),
            half_taken: AtomicBool::new(false),
            full: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
        })
    }

    /// A disk without faults, for now.
    pub(super) fn healthy() -> Arc<Self> {
        Self::new((u64::MAX, u64::MAX), LastOperation::HasNoEffect, io::ErrorKind::StorageFull)
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    pub(super) fn fail(&self, failing: bool) {
        *self.failing.lock().unwrap() = if failing { (0, u64::MAX) } else { (u64::MAX, u64::MAX) };
    }

    /// Lets no write find room until a segment is removed.
    pub(super) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    pub(super) fn stall(&self, stalled: bool) {
        *self.stalled.lock().unwrap() = stalled;
        self.released.notify_all();
    }

    fn wait_while_stalled(&self) {
        let mut stalled = self.stalled.lock().unwrap();
        while *stalled {
            self.waiting.store(true, Ordering::SeqCst);
            stalled = self.released.wait(stalled).unwrap();
        }
        self.waiting.store(false, Ordering::SeqCst);
    }

    /// Runs an operation as planned; `half` is what a write does that is interrupted.
    fn run<T>(&self, whole: impl FnOnce() -> io::Result<T>, half: impl FnOnce()) -> io::Result<T> {
        self.wait_while_stalled();
        let number = self.operations.fetch_add(1, Ordering::SeqCst);
        let (first, end) = *self.failing.lock().unwrap();
        if number < first || number >= end {
            return whole();
        }
        match self.last {
            LastOperation::HasItsEffect if number == first => drop(whole()?),
            LastOperation::WritesAHalf if number == first || first == 0 => half(),
            LastOperation::TakesAHalf if number == first => {
                half();
                self.half_taken.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
        Err(self.error.into())
    }
}

pub(super) struct FaultyDisk(pub(super) Arc<Plan>);

struct FaultyFile {
    file: Arc<dyn DiskFile>,
    plan: Arc<Plan>,
}

impl FaultyDisk {
    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { file, plan: Arc::clone(&self.0) })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.run(|| FileSystem.create(path), || ()).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.run(|| FileSystem.open(path), || ()).map(|file| self.wrap(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.run(|| FileSystem.rename(from, to), || ())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.run(|| FileSystem.remove(path), || ())?;
        if path.extension().is_some_and(|extension| extension == "segment") {
            self.0.full.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Like `sync`, not counted.
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        FileSystem.sync_dir(path)
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.plan.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let half = || {
            let _ = self.file.write_at(&bytes[..bytes.len() / 2], offset);
        };
        let outcome = self.plan.run(|| self.file.write_at(bytes, offset), half);
        if outcome.is_err() && self.plan.half_taken.swap(false, Ordering::SeqCst) {
            return Ok(bytes.len() / 2);
        }
        outcome
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.plan.run(|| self.file.set_len(length), || ())
    }

    /// Not counted: it happens on a thread of its own, and what it does cannot be seen by reading.
    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

/// A gateway reduced to its journal: two workers and a drainer that runs when told.
pub(super) struct Gateway {
    pub(super) writers: Vec<RingWriter>,
    pub(super) drainer: Drainer,
    pub(super) shared: Arc<Shared>,
    pub(super) dir: DataDir,
}

impl Gateway {
    pub(super) fn start(dir: &Path, plan: &Arc<Plan>, when_full: WhenFull) -> Self {
        let options =
            JournalOptions { workers: 2, ring_bytes: 64 << 10, when_full, ..JournalOptions::default() };
        let dir = DataDir::open(dir).unwrap();
        let Rings { writers, consumers, maps } = create_rings(&dir, &options).unwrap();
        let shared = Arc::new(Shared::new(maps, when_full));
        let setup = Setup {
            node: dir.node(),
            boot: dir.boot(),
            data_dir: dir.path().into(),
            segment_bytes: 4 << 10,
            keep: Keep { bytes: u64::MAX, age: Duration::MAX },
            sync_every: Duration::ZERO,
        };
        let disk = Arc::new(FaultyDisk(Arc::clone(plan)));
        let drainer = Drainer::on_disk(setup, consumers, Arc::clone(&shared), disk).unwrap();
        Self { writers, drainer, shared, dir }
    }

    /// Drains to the end and ends in good order.
    pub(super) fn stop(mut self) {
        self.writers.clear();
        while self.drainer.round().unwrap() > 0 {}
        self.drainer.finish().unwrap();
    }
}

/// A directory where syncing costs nothing, if there is one.
pub(super) fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Writes a record; its id if there was room.
pub(super) fn write(writer: &mut RingWriter) -> Option<EventId> {
    let id = writer.next_id();
    writer.write(&event(id)).is_ok().then_some(id)
}

/// Everything the journal holds, sorted; no place may be damaged, and no record may be there twice.
#[track_caller]
pub(super) fn check_holds(dir: &Path, written: &[EventId]) {
    let mut found: Vec<_> =
        read_dir(dir).unwrap().map(|record| record.unwrap().event().unwrap().id).collect();
    found.sort_unstable();
    let mut written = written.to_vec();
    written.sort_unstable();
    assert_eq!(found, written);
}

/// After a stop in good order: the segments alone hold each record once, all of them are sealed, and no ring is left.
#[track_caller]
pub(super) fn check_segments_hold(dir: &Path, written: &[EventId]) {
    let mut found = Vec::new();
    for path in segment::list(&journal_dir(dir)).unwrap() {
        let mut segment = SegmentReader::open(&path).unwrap();
        assert!(segment.footer().unwrap().is_some(), "{} is not sealed", path.display());
        while let Some(record) = segment.next_record().unwrap() {
            found.push(record.event().unwrap().id);
        }
    }
    found.sort_unstable();
    let mut written = written.to_vec();
    written.sort_unstable();
    assert_eq!(found, written);
    if let Some(first) = written.first() {
        assert!(RingNames::of(dir, first.node).unwrap().list().unwrap().is_empty(), "a ring is left");
    }
}

/// Waits for something that must happen.
#[track_caller]
pub(super) fn wait_for(mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !happened() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

pub(crate) fn event(id: EventId) -> EventRef<'static> {
    EventRef {
        id,
        ts_us: 1_795_224_023_000_000 + id.sequence,
        user_id: Some(id.sequence % 7),
        key_id: None,
        ..EventRef::EXAMPLE
    }
}
