//! A disk that is full, read-only or stalled: traffic goes on or is refused as configured, and nothing accepted is lost.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use lockgate_event::EventId;

use super::faulty::{
    Gateway, LastOperation, Plan, check_holds, check_segments_hold, event, quick_dir, wait_for, write,
};
use crate::drainer::{Shared, run};
use crate::journal::WhenFull;
use crate::retention::Keep;
use crate::{Batch, DataDir, EventReader, JournalError, RingFull, RingWriter, read_dir};

/// A gateway whose drainer has its thread.
struct Running {
    writers: Vec<RingWriter>,
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), JournalError>>,
    _dir: DataDir,
}

impl Running {
    fn start(dir: &Path, plan: &Arc<Plan>, when_full: WhenFull) -> Self {
        let Gateway { writers, drainer, shared, dir: _dir } = Gateway::start(dir, plan, when_full);
        Self { writers, shared, thread: std::thread::spawn(move || run(drainer)), _dir }
    }

    fn stop(self) {
        drop(self.writers);
        self.shared.stopping.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().unwrap().unwrap();
    }
}

/// Fills a ring; what was accepted.
fn fill(writer: &mut RingWriter) -> Vec<EventId> {
    std::iter::from_fn(|| write(writer)).collect()
}

/// Lets the disk refuse for a while, with half-made writes, and finds everything that was accepted.
#[track_caller]
fn check_refusing_disk(error: ErrorKind, when_full: WhenFull) {
    let dir = quick_dir();
    let plan = Plan::new((u64::MAX, u64::MAX), LastOperation::WritesAHalf, error);
    let mut gateway = Running::start(dir.path(), &plan, when_full);
    let mut written: Vec<_> = (0..30).filter_map(|_| write(&mut gateway.writers[0])).collect();
    wait_for(|| gateway.shared.written.load(Ordering::Relaxed) == 30);

    plan.fail(true);
    written.extend(write(&mut gateway.writers[0]));
    wait_for(|| gateway.shared.trouble().write_error.is_some());
    assert_eq!(gateway.writers[0].accepting(), when_full == WhenFull::Drop);
    written.extend(fill(&mut gateway.writers[0]));
    assert_eq!(gateway.shared.lost(), 1, "the loss is counted");
    check_holds(dir.path(), &written);

    plan.fail(false);
    wait_for(|| gateway.shared.written.load(Ordering::Relaxed) == written.len() as u64);
    wait_for(|| gateway.shared.trouble().write_error.is_none());
    assert!(gateway.writers[0].accepting());
    written.extend(write(&mut gateway.writers[0]));
    gateway.stop();
    check_holds(dir.path(), &written);
}

#[test]
fn a_full_disk_drops_and_counts() {
    check_refusing_disk(ErrorKind::StorageFull, WhenFull::Drop);
}

#[test]
fn a_full_disk_refuses_if_told_to() {
    check_refusing_disk(ErrorKind::StorageFull, WhenFull::Refuse);
}

#[test]
fn a_read_only_disk_is_like_a_full_one() {
    check_refusing_disk(ErrorKind::ReadOnlyFilesystem, WhenFull::Refuse);
}

#[test]
fn a_disk_that_fails_now_and_then_loses_nothing() {
    for first in 0..60 {
        let dir = quick_dir();
        let how = if first % 2 == 0 { LastOperation::WritesAHalf } else { LastOperation::TakesAHalf };
        let plan = Plan::new((first / 2, first / 2 + 3), how, ErrorKind::StorageFull);
        let mut gateway = Gateway::start(dir.path(), &plan, WhenFull::Drop);
        let mut written = Vec::new();
        for round in 0..10 {
            written.extend((0..round % 4 * 3).filter_map(|n| write(&mut gateway.writers[n % 2])));
            let _ = gateway.drainer.round();
            check_holds(dir.path(), &written);
        }
        plan.fail(false);
        gateway.stop();
        check_segments_hold(dir.path(), &written);
    }
}

/// Needs every segment for as long as it is told to.
struct Needing(Arc<AtomicBool>);

impl EventReader for Needing {
    fn read(&mut self, _: &Batch<'_>) {}

    fn needs(&self, _: &Path) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A gateway that keeps no sealed segment that is not needed, and has some that are.
fn start_with_old_segments(
    dir: &Path,
    plan: &Arc<Plan>,
    needed: &Arc<AtomicBool>,
) -> (Gateway, Vec<EventId>) {
    let mut gateway = Gateway::start(dir, plan, WhenFull::Refuse);
    gateway.drainer.keep = Keep { bytes: 0, age: Duration::MAX };
    gateway.shared.readers.add(Box::new(Needing(Arc::clone(needed))));
    let mut written = Vec::new();
    for _ in 0..10 {
        written.extend((0..10).filter_map(|_| write(&mut gateway.writers[0])));
        gateway.drainer.round().unwrap();
    }
    assert!(gateway.drainer.sealed.len() > 1);
    (gateway, written)
}

#[test]
fn a_disk_that_the_journal_filled_has_room_once_segments_may_go() {
    let dir = quick_dir();
    let (plan, needed) = (Plan::healthy(), Arc::new(AtomicBool::new(true)));
    let (mut gateway, mut written) = start_with_old_segments(dir.path(), &plan, &needed);
    plan.fill();
    written.extend(write(&mut gateway.writers[0]));
    gateway.drainer.round().unwrap_err();
    check_holds(dir.path(), &written);

    needed.store(false, Ordering::SeqCst);
    plan.fail(true);
    gateway.drainer.round().unwrap_err();
    check_holds(dir.path(), &written);

    plan.fail(false);
    gateway.drainer.round().unwrap_err();
    let left = read_dir(dir.path()).unwrap().count();
    assert!(left < written.len(), "what could not be removed is tried again");
    gateway.drainer.round().unwrap();
    gateway.stop();
}

#[test]
fn a_disk_that_the_journal_filled_does_not_keep_it_from_ending() {
    let dir = quick_dir();
    let (plan, needed) = (Plan::healthy(), Arc::new(AtomicBool::new(true)));
    let (mut gateway, _) = start_with_old_segments(dir.path(), &plan, &needed);
    plan.fill();
    needed.store(false, Ordering::SeqCst);
    gateway.drainer.finish().unwrap_err();
    gateway.stop();
}

#[test]
fn a_full_disk_is_not_littered_with_segments_that_were_never_begun() {
    let dir = quick_dir();
    let plan = Plan::healthy();
    let mut gateway = Gateway::start(dir.path(), &plan, WhenFull::Refuse);
    plan.fill();
    write(&mut gateway.writers[0]).unwrap();
    for _ in 0..5 {
        gateway.drainer.round().unwrap_err();
    }
    let names = std::fs::read_dir(dir.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(names.filter(|path| path.extension().is_some_and(|end| end == "new")).count(), 0);
}

#[test]
fn a_stalled_disk_stalls_only_the_drainer() {
    let dir = quick_dir();
    let plan = Plan::healthy();
    let mut gateway = Running::start(dir.path(), &plan, WhenFull::Refuse);
    plan.stall(true);
    let mut written: Vec<_> = write(&mut gateway.writers[0]).into_iter().collect();
    wait_for(|| plan.waiting.load(Ordering::SeqCst));

    // The writer is this thread: that it gets on is the proof.
    let first = gateway.writers[0].next_id();
    let room = RingWriter::room_for(&event(first));
    let mut reservation = gateway.writers[0].reserve(room).unwrap();
    written.extend(fill(&mut gateway.writers[0]));
    assert_eq!(gateway.writers[0].reserve(room).unwrap_err(), RingFull);
    gateway.writers[0].write_reserved(&mut reservation, &event(first)).unwrap();
    written.push(first);

    plan.stall(false);
    wait_for(|| gateway.shared.written.load(Ordering::Relaxed) == written.len() as u64);
    gateway.stop();
    check_holds(dir.path(), &written);
}

#[test]
fn a_reader_that_panics_is_removed_and_the_others_go_on() {
    let dir = quick_dir();
    let mut gateway = Gateway::start(dir.path(), &Plan::healthy(), WhenFull::Drop);
    let (sender, seen) = std::sync::mpsc::channel();
    gateway.shared.readers.add(Box::new(|_: &Batch<'_>| panic!("a reader's mistake")));
    gateway.shared.readers.add(Box::new(move |batch: &Batch<'_>| sender.send(batch.iter().count()).unwrap()));
    for _ in 0..2 {
        write(&mut gateway.writers[0]).unwrap();
        gateway.drainer.round().unwrap();
    }
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [1, 1]);
    gateway.stop();
}
