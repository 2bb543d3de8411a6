//! Start, write, watch, stop, start again.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use journal::{Batch, DataDir, Journal, JournalError, JournalOptions, RingWriter, SegmentReader};

use crate::events::{event, ids};

/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(10);

fn start(dir: &Path, workers: usize) -> (Journal, Vec<RingWriter>) {
    let options = JournalOptions { workers, ring_bytes: 64 << 10, ..JournalOptions::default() };
    Journal::start(DataDir::open(dir).unwrap(), options, Vec::new()).unwrap()
}

fn write(writer: &mut RingWriter) -> lockgate_event::EventId {
    let id = writer.next_id();
    writer.write(&event(id)).unwrap();
    id
}

#[test]
fn what_was_written_is_read_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) = start(dir.path(), 2);
    let mut written: Vec<_> = (0..100).map(|n| write(&mut writers[n % 2])).collect();
    drop(writers);
    journal.stop().unwrap();
    let found = ids(dir.path());
    for worker in 0..2 {
        assert!(found.iter().filter(|id| id.worker == worker).is_sorted());
    }
    let mut found = found;
    found.sort_unstable();
    written.sort_unstable();
    assert_eq!(found, written);
}

#[test]
fn records_of_several_starts_follow_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for _ in 0..3 {
        let (journal, mut writers) = start(dir.path(), 1);
        written.extend((0..10).map(|_| write(&mut writers[0])));
        drop(writers);
        journal.stop().unwrap();
    }
    assert_eq!(ids(dir.path()), written);
    assert_eq!(written.iter().map(|id| id.boot).collect::<Vec<_>>(), [[1; 10], [2; 10], [3; 10]].concat());
}

#[test]
fn no_start_writes_into_a_segment_of_an_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let segments = || {
        let entries = std::fs::read_dir(dir.path().join("journal")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let (journal, mut writers) = start(dir.path(), 1);
    let before = write(&mut writers[0]);
    while journal.status().written == 0 {
        std::thread::yield_now();
    }
    let first = segments().remove(0);
    let live = std::fs::read(&first).unwrap();
    drop(writers);
    journal.stop().unwrap();
    // As a kill would have left it.
    std::fs::write(&first, &live).unwrap();

    let (journal, mut writers) = start(dir.path(), 1);
    let after = write(&mut writers[0]);
    drop(writers);
    journal.stop().unwrap();
    assert_eq!(segments().len(), 2);
    assert_eq!(SegmentReader::open(&first).unwrap().footer().unwrap().unwrap().done, 1);
    assert_eq!(ids(dir.path()), [before, after]);
}

#[test]
fn a_second_gateway_is_told_who_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let _held = DataDir::open(dir.path()).unwrap();
    let error = DataDir::open(dir.path()).unwrap_err();
    assert!(
        matches!(&error, JournalError::Locked { pid, .. } if *pid == std::process::id().to_string()),
        "{error}"
    );
}

#[test]
fn a_reader_sees_what_is_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) = start(dir.path(), 1);
    let (sender, seen) = channel();
    journal.subscribe(Box::new(move |batch: &Batch<'_>| {
        for (record, event) in batch.records().zip(batch.iter()) {
            sender.send((record.place, event.id)).unwrap();
        }
    }));
    let written: Vec<_> = (0..20).map(|_| write(&mut writers[0])).collect();
    let seen: Vec<_> = (0..20).map(|_| seen.recv_timeout(SOON).unwrap()).collect();
    assert_eq!(seen.iter().map(|(_, id)| *id).collect::<Vec<_>>(), written);
    let places: Vec<_> =
        crate::events::stored(dir.path()).iter().map(|record| record.place.unwrap()).collect();
    assert_eq!(seen.iter().map(|(place, _)| *place).collect::<Vec<_>>(), places);
    drop(writers);
    journal.stop().unwrap();
}

#[test]
fn the_last_to_leave_removes_the_ring() {
    for writers_leave_first in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(dir.path()).unwrap().with_rings_beside_segments();
        let (journal, mut writers) = Journal::start(data_dir, JournalOptions::default(), Vec::new()).unwrap();
        let written = write(&mut writers[0]);
        let rings = || {
            let names =
                std::fs::read_dir(dir.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
            names.filter(|path| path.extension().is_some_and(|extension| extension == "ring")).count()
        };
        assert_eq!(rings(), 1);
        if writers_leave_first {
            drop(writers);
            journal.stop().unwrap();
        } else {
            journal.stop().unwrap();
            drop(writers);
        }
        assert_eq!(rings(), 0);
        assert_eq!(ids(dir.path()), [written]);
    }
}

#[test]
fn what_is_written_after_the_stop_is_recovered_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) = start(dir.path(), 1);
    let before = write(&mut writers[0]);
    journal.stop().unwrap();
    let after = write(&mut writers[0]);
    drop(writers);
    assert_eq!(ids(dir.path()), [before, after]);
    let (journal, _) = start(dir.path(), 1);
    journal.stop().unwrap();
    assert_eq!(ids(dir.path()), [before, after]);
}
