//! A process killed at random instants under load, again and again, over one data directory.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::{DataDir, Journal, JournalOptions, JournalReader, RingWriter, Start};
use lockgate_event::EventId;

use crate::events::{event, ids};

/// Where the child writes; without it the child is an ordinary test.
const CHILD_DIR: &str = "JOURNAL_KILL_TEST_DIR";
const WORKERS: usize = 2;
/// Records after which a child only waits for its end.
const RECORDS_MAX: u64 = 3000;

fn options() -> JournalOptions {
    // Small, so that rings wrap and segments end within the short life of a child.
    JournalOptions {
        workers: WORKERS,
        ring_bytes: 64 << 10,
        segment_bytes: 128 << 10,
        ..JournalOptions::default()
    }
}

/// Writes records and tells for each, once it is in the ring, that it is there.
fn write_and_tell(mut writer: RingWriter, records: u64) {
    for n in 0..records {
        let id = writer.next_id();
        let mut record = event(id);
        record.path = &"/a/path/of/some/length"[..(n % 22) as usize];
        while writer.write(&record).is_err() {
            std::thread::yield_now();
        }
        let told = writeln!(std::io::stdout().lock(), "wrote {} {}", id.worker, id.sequence);
        if told.is_err() {
            return;
        }
    }
}

#[test]
fn a_writing_process() {
    let own = tempfile::tempdir().unwrap();
    let as_child = std::env::var_os(CHILD_DIR);
    let dir = as_child.as_deref().map_or(own.path(), Path::new);
    let (journal, writers) = Journal::start(DataDir::open(dir).unwrap(), options(), Vec::new()).unwrap();
    let threads: Vec<_> = writers
        .into_iter()
        .map(|writer| std::thread::spawn(move || write_and_tell(writer, RECORDS_MAX)))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    if as_child.is_some() {
        loop {
            std::thread::park();
        }
    }
    journal.stop().unwrap();
    assert_eq!(ids(dir).len(), WORKERS * RECORDS_MAX as usize);
}

/// Runs a child, kills it once it told of `lines` records, and returns what it told, all in all: the last sequence by worker.
fn run_and_kill(dir: &Path, lines: usize) -> HashMap<u16, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::a_writing_process", "--exact", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = HashMap::new();
    let mut seen = 0;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    loop {
        if seen == lines {
            child.kill().unwrap();
        }
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // A line without an end was cut off by the kill.
        if let Some([worker, sequence]) = numbers(&line) {
            told.insert(worker as u16, sequence);
            seen += 1;
        }
    }
    child.wait().unwrap();
    told
}

fn numbers(line: &str) -> Option<[u64; 2]> {
    // The test harness may have begun the line.
    let (_, rest) = line.strip_suffix('\n')?.split_once("wrote ")?;
    let (worker, sequence) = rest.split_once(' ')?;
    Some([worker.parse().ok()?, sequence.parse().ok()?])
}

/// Notes a record of the journal, which must be the next one of its start and worker.
#[track_caller]
fn note(next: &mut HashMap<(u32, u16), u64>, id: EventId) {
    let expected = next.entry((id.boot, id.worker)).or_insert(0);
    assert_eq!(id.sequence, *expected, "start {} worker {}", id.boot, id.worker);
    *expected += 1;
}

#[test]
fn every_record_survives_kills_once() {
    let kills: u32 = std::env::var("JOURNAL_KILLS").map_or(40, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    drop(DataDir::open(dir.path()).unwrap());
    let mut follower = JournalReader::open(dir.path(), Start::Beginning).unwrap();
    let mut followed = HashMap::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for kill in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let told = run_and_kill(dir.path(), (random >> 33) as usize % (WORKERS * RECORDS_MAX as usize));
        while let Some(record) = follower.next_record() {
            note(&mut followed, record.unwrap().event().unwrap().id);
        }
        for (worker, sequence) in told {
            let found = followed.get(&(kill + 2, worker)).copied().unwrap_or(0);
            assert!(found > sequence, "worker {worker} told of {sequence}, and {found} records are there");
        }
    }
    let (journal, writers) =
        Journal::start(DataDir::open(dir.path()).unwrap(), options(), Vec::new()).unwrap();
    drop(writers);
    journal.stop().unwrap();
    let mut read = HashMap::new();
    ids(dir.path()).into_iter().for_each(|id| note(&mut read, id));
    assert_eq!(read, followed);
    assert!(follower.next_record().is_none(), "what was seen in a ring is not shown again from a segment");
}
