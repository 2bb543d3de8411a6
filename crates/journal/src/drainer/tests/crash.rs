//! A process that ends at any of its operations on files, and one that ends again while it recovers.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use lockgate_event::EventId;

use super::faulty::{Gateway, LastOperation, Plan, check_holds, check_segments_hold, quick_dir, write};
use crate::journal::WhenFull;

/// Works through the same few rounds each time, with several segments; what was accepted goes to `written`.
fn work(gateway: &mut Gateway, written: &mut Vec<EventId>) {
    for round in 0..10 {
        for worker in 0..2 {
            written.extend((0..round + worker * 3).filter_map(|_| write(&mut gateway.writers[worker])));
        }
        // After the crash, every operation fails: that is how the process is dead.
        let _ = gateway.drainer.round();
    }
    let _ = gateway.drainer.finish();
}

/// One process that ends at operation `last`; returns whether it got that far.
fn life(dir: &Path, last: u64, how: LastOperation, written: &mut Vec<EventId>) -> bool {
    let plan = Plan::new((last, u64::MAX), how, ErrorKind::Other);
    let mut gateway = Gateway::start(dir, &plan, WhenFull::Drop);
    work(&mut gateway, written);
    plan.operations() > last
}

fn recover(dir: &Path) {
    Gateway::start(dir, &Plan::healthy(), WhenFull::Drop).stop();
}

/// Lets a process end at every operation it makes, and checks what its successor finds; returns the number of operations.
fn check_every_end(how: LastOperation, mut then: impl FnMut(&Path, &mut Vec<EventId>)) -> u64 {
    for last in 0.. {
        let dir = quick_dir();
        let mut written = Vec::new();
        let died = life(dir.path(), last, how, &mut written);
        check_holds(dir.path(), &written);
        then(dir.path(), &mut written);
        check_holds(dir.path(), &written);
        recover(dir.path());
        check_holds(dir.path(), &written);
        check_segments_hold(dir.path(), &written);
        if !died {
            return last;
        }
    }
    unreachable!("some number of operations is enough")
}

#[test]
fn nothing_is_lost_or_doubled_when_an_operation_was_not_made() {
    assert!(check_every_end(LastOperation::HasNoEffect, |_, _| ()) > 20);
}

#[test]
fn nothing_is_lost_or_doubled_when_a_write_was_half_made() {
    check_every_end(LastOperation::WritesAHalf, |_, _| ());
}

#[test]
fn nothing_is_lost_or_doubled_when_a_write_was_half_taken() {
    check_every_end(LastOperation::TakesAHalf, |_, _| ());
}

#[test]
fn nothing_is_lost_or_doubled_when_an_operation_was_the_last() {
    check_every_end(LastOperation::HasItsEffect, |_, _| ());
}

#[test]
fn a_recovery_that_is_cut_short_is_recovered_from() {
    for second in (0..40).step_by(3) {
        check_every_end(LastOperation::WritesAHalf, |dir, written| {
            life(dir, second, LastOperation::WritesAHalf, written);
        });
    }
}

#[test]
fn rings_of_a_start_with_other_workers_are_drained() {
    let dir = quick_dir();
    let mut written = Vec::new();
    let mut gateway = Gateway::start(dir.path(), &Plan::healthy(), WhenFull::Drop);
    written.extend((0..9).filter_map(|n| write(&mut gateway.writers[n % 2])));
    drop(gateway);
    let options =
        crate::JournalOptions { workers: 1, ring_bytes: 1 << 20, ..crate::JournalOptions::default() };
    let (journal, writers) =
        crate::Journal::start(crate::DataDir::open(dir.path()).unwrap(), options, Vec::new()).unwrap();
    drop(writers);
    journal.stop().unwrap();
    check_holds(dir.path(), &written);
    check_segments_hold(dir.path(), &written);
}

#[test]
fn readers_are_shown_what_was_recovered() {
    let dir = quick_dir();
    let mut gateway = Gateway::start(dir.path(), &Plan::healthy(), WhenFull::Drop);
    let written: Vec<_> = (0..9).filter_map(|_| write(&mut gateway.writers[0])).collect();
    drop(gateway);
    let mut gateway = Gateway::start(dir.path(), &Plan::healthy(), WhenFull::Drop);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    gateway.shared.readers.add(Box::new(move |batch: &crate::Batch<'_>| {
        sink.lock().unwrap().extend(batch.iter().map(|e| e.id))
    }));
    gateway.drainer.round().unwrap();
    assert_eq!(*seen.lock().unwrap(), written);
    gateway.stop();
}
