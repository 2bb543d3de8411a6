//! Reading from the files alone while a gateway writes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journal::{DataDir, Journal, JournalOptions, JournalReader, Start, read_dir};

use crate::events::{event, ids};

fn options() -> JournalOptions {
    JournalOptions { ring_bytes: 64 << 10, segment_bytes: 64 << 10, ..JournalOptions::default() }
}

#[test]
fn a_follower_sees_every_record_once_and_in_order() {
    const RECORDS: u64 = 30_000;
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options(), Vec::new()).unwrap();
    let mut writer = writers.remove(0);
    let path = dir.path().to_owned();
    let follower = std::thread::spawn(move || {
        let mut reader = JournalReader::open(&path, Start::Beginning).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut next = 0;
        while next < RECORDS {
            assert!(Instant::now() < deadline, "only {next} records came");
            while let Some(record) = reader.next_record() {
                assert_eq!(record.unwrap().event().unwrap().id.sequence, next);
                next += 1;
            }
            std::thread::yield_now();
        }
    });
    for _ in 0..RECORDS {
        let id = writer.next_id();
        while writer.write(&event(id)).is_err() {
            std::thread::yield_now();
        }
    }
    follower.join().unwrap();
    drop(writer);
    journal.stop().unwrap();
    assert!(std::fs::read_dir(dir.path().join("journal")).unwrap().count() > 20, "there were many segments");
}

#[test]
fn each_of_many_passes_is_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options(), Vec::new()).unwrap();
    let mut writer = writers.remove(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let id = writer.next_id();
                while writer.write(&event(id)).is_err() {
                    std::thread::yield_now();
                }
                // About what a busy worker does; without it the passes would never end.
                std::thread::park_timeout(Duration::from_micros(20));
            }
        });
        for _ in 0..60 {
            let found: Vec<_> = ids(dir.path()).iter().map(|id| id.sequence).collect();
            assert!(found.iter().copied().eq(0..found.len() as u64));
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(writer);
    journal.stop().unwrap();
}

#[test]
fn a_record_is_read_before_it_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options(), Vec::new()).unwrap();
    let id = writers[0].next_id();
    writers[0].write(&event(id)).unwrap();
    assert_eq!(ids(dir.path()), [id]);
    drop(writers);
    journal.stop().unwrap();
    assert_eq!(ids(dir.path()), [id]);
}

#[test]
fn reading_starts_where_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options(), Vec::new()).unwrap();
    let mut write = |records: u64| {
        for _ in 0..records {
            let id = writers[0].next_id();
            while writers[0].write(&event(id)).is_err() {
                std::thread::yield_now();
            }
        }
    };
    write(2000);
    let from = |start| JournalReader::open(dir.path(), start).unwrap();
    let sequences = |reader: &mut JournalReader| {
        std::iter::from_fn(|| reader.next_record())
            .map(|record| record.unwrap().event().unwrap().id.sequence)
            .collect::<Vec<_>>()
    };
    let first_us = 1_795_224_023_000_000;
    assert!(sequences(&mut from(Start::Since(first_us + 1500))).into_iter().eq(1500..2000));
    let mut at_end = from(Start::End);
    assert_eq!(sequences(&mut at_end), []);
    write(10);
    assert!(sequences(&mut at_end).into_iter().eq(2000..2010));
    drop(writers);
    journal.stop().unwrap();
    assert_eq!(sequences(&mut at_end), []);
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read_dir(&dir.path().join("none")).is_err());
    assert_eq!(read_dir(dir.path()).unwrap().count(), 0, "an empty directory is an empty journal");
}
