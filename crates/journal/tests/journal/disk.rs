//! Real file systems that are full or read-only: small ones in memory, which only root can mount.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journal::{Batch, DataDir, EventReader, Journal, JournalError, JournalOptions, RingWriter, WhenFull};
use lockgate_event::EventId;

use crate::events::{event, ids};

/// A file system of one MiB, unmounted at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one; `None`, said aloud, where that is not allowed.
    fn mount(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(dir.path()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(dir));
        }
        assert!(std::env::var_os("CI").is_none(), "CI must be able to mount a small file system");
        eprintln!("SKIPPED: mounting a small file system needs root");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all that is free.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("ballast")).unwrap();
        while std::io::Write::write(&mut file, &[1; 4096]).is_ok_and(|written| written > 0) {}
    }

    fn free(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[track_caller]
fn wait_for(mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !happened() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn write(writer: &mut RingWriter) -> Option<EventId> {
    let id = writer.next_id();
    writer.write(&event(id)).is_ok().then_some(id)
}

fn check_full_disk(when_full: WhenFull) {
    let Some(disk) = SmallDisk::mount("size=1m") else { return };
    let options = JournalOptions { ring_bytes: 64 << 10, when_full, ..JournalOptions::default() };
    let (journal, mut writers) =
        Journal::start(DataDir::open(disk.path()).unwrap(), options, Vec::new()).unwrap();
    let writer = &mut writers[0];
    let mut written: Vec<_> = (0..50).filter_map(|_| write(writer)).collect();
    wait_for(|| journal.status().written == 50);

    disk.fill();
    wait_for(|| {
        written.extend(write(writer));
        journal.status().disk_full
    });
    assert_eq!(writer.accepting(), when_full == WhenFull::Drop);
    written.extend(std::iter::from_fn(|| write(writer)));
    assert!(journal.status().lost > 0);
    assert_eq!(ids(disk.path()), written, "everything accepted is there, in segments or rings");

    disk.free();
    wait_for(|| !journal.status().disk_full && journal.status().written == written.len() as u64);
    assert!(writer.accepting());
    written.extend(write(writer));
    drop(writers);
    journal.stop().unwrap();
    assert_eq!(ids(disk.path()), written);
}

#[test]
fn a_full_disk_loses_nothing_that_was_accepted() {
    check_full_disk(WhenFull::Drop);
}

#[test]
fn a_full_disk_makes_the_workers_refuse() {
    check_full_disk(WhenFull::Refuse);
}

/// Needs every segment for as long as it is told to.
struct Needing(Arc<AtomicBool>);

impl EventReader for Needing {
    fn read(&mut self, _: &Batch<'_>) {}

    fn needs(&self, _: &Path) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_disk_that_the_journal_filled_is_written_again_once_segments_may_go() {
    let Some(disk) = SmallDisk::mount("size=1m") else { return };
    let options = JournalOptions {
        ring_bytes: 64 << 10,
        segment_bytes: 64 << 10,
        keep_bytes: 256 << 10,
        ..JournalOptions::default()
    };
    let needed = Arc::new(AtomicBool::new(true));
    let readers: Vec<Box<dyn EventReader>> = vec![Box::new(Needing(Arc::clone(&needed)))];
    let (journal, mut writers) =
        Journal::start(DataDir::open(disk.path()).unwrap(), options, readers).unwrap();
    let writer = &mut writers[0];
    let mut written = Vec::new();
    wait_for(|| {
        written.extend((0..50).filter_map(|_| write(writer)));
        journal.status().disk_full
    });
    assert_eq!(ids(disk.path()), written, "what is needed stays");

    needed.store(false, Ordering::SeqCst);
    wait_for(|| !journal.status().disk_full && journal.status().written == written.len() as u64);
    written.extend(write(writer));
    drop(writers);
    journal.stop().unwrap();
    let kept = ids(disk.path());
    assert!(kept.len() < written.len());
    assert_eq!(kept, written[written.len() - kept.len()..], "the newest are kept, without a gap");
}

#[test]
fn a_journal_stopped_on_a_full_disk_is_recovered_later() {
    let Some(disk) = SmallDisk::mount("size=1m") else { return };
    let options = JournalOptions { ring_bytes: 64 << 10, ..JournalOptions::default() };
    let (journal, mut writers) =
        Journal::start(DataDir::open(disk.path()).unwrap(), options, Vec::new()).unwrap();
    let mut written: Vec<_> = (0..10).filter_map(|_| write(&mut writers[0])).collect();
    wait_for(|| journal.status().written == 10);
    disk.fill();
    written.extend((0..100).filter_map(|_| write(&mut writers[0])));
    drop(writers);
    assert!(matches!(journal.stop(), Err(JournalError::NotDrained { bytes }) if bytes > 0));
    assert_eq!(ids(disk.path()), written);

    disk.free();
    let (journal, _) = Journal::start(DataDir::open(disk.path()).unwrap(), options, Vec::new()).unwrap();
    journal.stop().unwrap();
    assert_eq!(ids(disk.path()), written);
}

#[test]
fn a_read_only_disk_is_named_at_the_start() {
    let Some(disk) = SmallDisk::mount("size=1m,ro") else { return };
    let path = disk.path().join("data");
    let error = DataDir::open(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot create directory `{}`", path.display()));
}

#[test]
fn old_segments_make_room_for_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions {
        ring_bytes: 64 << 10,
        segment_bytes: 64 << 10,
        keep_bytes: 256 << 10,
        ..JournalOptions::default()
    };
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options, Vec::new()).unwrap();
    let mut written = Vec::new();
    for _ in 0..10_000 {
        wait_for(|| {
            let id = write(&mut writers[0]);
            written.extend(id);
            id.is_some()
        });
    }
    drop(writers);
    journal.stop().unwrap();
    let size: u64 = fs::read_dir(dir.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!((128 << 10..=256 << 10).contains(&size), "{size} bytes are kept");
    let kept = ids(dir.path());
    assert_eq!(kept, written[written.len() - kept.len()..], "the newest are kept, without a gap");
}
