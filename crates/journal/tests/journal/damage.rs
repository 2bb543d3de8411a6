//! Bytes that changed on the disk: what is whole is read, what is not is named, and nothing panics.

use std::fs;
use std::path::{Path, PathBuf};

use journal::{DataDir, Journal, JournalOptions, ReadError, SegmentReader, read_dir};
use proptest::prelude::*;

use crate::events::{event, ids};

/// A sealed journal of one segment with many blocks.
fn sealed(dir: &Path, blocks: u64) -> PathBuf {
    let (journal, mut writers) =
        Journal::start(DataDir::open(dir).unwrap(), JournalOptions::default(), Vec::new()).unwrap();
    for block in 0..blocks {
        for _ in 0..=block % 4 {
            let id = writers[0].next_id();
            writers[0].write(&event(id)).unwrap();
        }
        while journal.status().rings[0].used_bytes > 0 {
            std::thread::yield_now();
        }
    }
    drop(writers);
    journal.stop().unwrap();
    segments(dir).remove(0)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Reads a damaged journal: the sequences found, and the offsets that were named.
fn read(dir: &Path) -> (Vec<u64>, Vec<u64>) {
    let (mut found, mut named) = (Vec::new(), Vec::new());
    for record in read_dir(dir).unwrap() {
        match record {
            Ok(record) => found.push(record.event().unwrap().id.sequence),
            Err(ReadError::Damaged { offset, .. }) => named.push(offset),
            Err(error) => panic!("{error}"),
        }
    }
    (found, named)
}

#[test]
fn one_wrong_byte_costs_one_record_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = sealed(dir.path(), 6);
    let whole = fs::read(&path).unwrap();
    let records = ids(dir.path()).len();
    // The first record's host, in the middle of its text.
    let at = whole.windows(7).position(|bytes| bytes == b"example").unwrap();
    let mut damaged = whole;
    damaged[at] ^= 1;
    fs::write(&path, damaged).unwrap();
    let (found, named) = read(dir.path());
    assert!(found.into_iter().eq(1..records as u64));
    assert_eq!(named.len(), 1);
    assert!((named[0]..named[0] + 300).contains(&(at as u64)));
}

#[test]
fn any_damage_is_survived_and_what_is_lost_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = sealed(dir.path(), 12);
    let whole = fs::read(&path).unwrap();
    let records = ids(dir.path()).len() as u64;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) };
    proptest!(config, |(at: prop::sample::Index, bytes in proptest::collection::vec(any::<u8>(), 1..80))| {
        let mut damaged = whole.clone();
        let at = at.index(damaged.len());
        let end = (at + bytes.len()).min(damaged.len());
        damaged[at..end].copy_from_slice(&bytes[..end - at]);
        fs::write(&path, &damaged).unwrap();
        let (found, named) = read(dir.path());
        prop_assert!(found.is_sorted_by(|a, b| a < b), "each once, in order: {found:?}");
        let lost = records - found.len() as u64;
        prop_assert!(lost <= 13, "{lost} of {records} are gone");
        // Behind the last block nothing can follow that would tell damage from an end.
        let reached_the_end = found.last() == Some(&(records - 1));
        prop_assert!(lost == 0 || !named.is_empty() || !reached_the_end);
    });
}

#[test]
fn a_live_segment_cut_anywhere_goes_on_behind_its_last_whole_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = sealed(dir.path(), 5);
    let whole = fs::read(&path).unwrap();
    let records = ids(dir.path()).len() as u64;
    let footer = u64::from_le_bytes(whole[whole.len() - 16..whole.len() - 8].try_into().unwrap()) as usize;
    let header = u32::from_le_bytes(whole[12..16].try_into().unwrap()) as usize;
    for length in (header..=footer).step_by(41).chain([footer]) {
        for later in segments(dir.path()) {
            fs::remove_file(later).unwrap();
        }
        fs::write(&path, &whole[..length]).unwrap();
        let before = ids(dir.path());
        assert!(before.iter().map(|id| id.sequence).eq(0..before.len() as u64));
        let (journal, mut writers) =
            Journal::start(DataDir::open(dir.path()).unwrap(), JournalOptions::default(), Vec::new())
                .unwrap();
        let next = writers[0].next_id();
        writers[0].write(&event(next)).unwrap();
        drop(writers);
        journal.stop().unwrap();
        assert_eq!(ids(dir.path()), [before.as_slice(), &[next]].concat(), "cut at {length}");
        assert!(length < footer || before.len() as u64 == records);
    }
}

#[test]
fn a_footer_says_what_its_segment_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = sealed(dir.path(), 8);
    let records = ids(dir.path());
    let reader = SegmentReader::open(&path).unwrap();
    let footer = reader.footer().unwrap().unwrap();
    assert_eq!((footer.done, footer.part, footer.cut), (records.len() as u64, 0, 0));
    assert_eq!(*footer.routes, [("orders".into(), records.len() as u64)]);
    assert_eq!(footer.users.len(), records.len());
    assert!(footer.names_all_users && footer.names_all_routes);
    let first_us = 1_795_224_023_000_000;
    assert_eq!(footer.ts_us, Some((first_us, first_us + records.len() as u64 - 1)));
}

#[test]
fn the_memory_of_a_reader_does_not_grow_with_the_segment() {
    let dir = tempfile::tempdir().unwrap();
    let path = sealed(dir.path(), 8);
    let mut reader = SegmentReader::open(&path).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        found.push(record.event().unwrap().id);
    }
    assert_eq!(found, ids(dir.path()));
    assert!(reader.buffered_bytes() <= 256 << 10);
}
