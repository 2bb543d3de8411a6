//! What a record costs the worker that writes it, and the thread that drains it: `cargo run --release -p journal --example ring_cost`.
//!
//! With `--count N` it writes that many records and prints nothing but the total: for `valgrind --tool=callgrind`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use journal::{DataDir, Journal, JournalOptions, RingWriter};
use lockgate_event::{EventId, EventRef, RECORD_BYTES_MAX, encode, encoded_len};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count = match arguments.next().as_deref() {
        Some("--count") => Some(arguments.next().unwrap_or_default().parse()?),
        _ => None,
    };
    let dir = std::env::temp_dir().join(format!("lockgate-ring-cost-{}", std::process::id()));
    let outcome = measure(&dir, count).and_then(|()| if count.is_none() { start_cost(&dir) } else { Ok(()) });
    fs::remove_dir_all(&dir)?;
    outcome
}

fn measure(dir: &Path, count: Option<u64>) -> Result<(), Box<dyn Error>> {
    let options =
        JournalOptions { ring_bytes: 64 << 20, segment_bytes: 1 << 30, ..JournalOptions::default() };
    let (journal, mut writers) = Journal::start(DataDir::open(dir)?, options, Vec::new())?;
    let writer = writers.first_mut().ok_or("no ring was made")?;
    if let Some(count) = count {
        println!("{} records written, {} lost", count, write_many(writer, count));
    } else {
        println!("record: {} bytes", encoded_len(&event(writer.next_id())));
        println!("encode alone:       {:6.1} ns", encode_cost());
        println!(
            "encode and publish: {:6.1} ns, best of 20 rounds of 100,000",
            publish_cost(&journal, writer)
        );
        let (cost, records) = drain_cost(&journal, writer);
        println!("drain:              {cost:6.1} ns of the drainer's CPU time per record, {records} records");
    }
    drop(writers);
    Ok(journal.stop()?)
}

/// What a gateway waits for before its first exchange.
fn start_cost(dir: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let data_dir = DataDir::open(dir)?;
    let opened = start.elapsed();
    let options = JournalOptions { workers: 2, ..JournalOptions::default() };
    let (journal, writers) = Journal::start(data_dir, options, Vec::new())?;
    println!("start: {:.2} ms, of which {:.2} ms for the data directory", ms(start.elapsed()), ms(opened));
    drop(writers);
    Ok(journal.stop()?)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Returns the records that found no room.
fn write_many(writer: &mut RingWriter, count: u64) -> u64 {
    let mut lost = 0;
    for _ in 0..count {
        let id = writer.next_id();
        lost += u64::from(writer.write(black_box(&event(id))).is_err());
    }
    lost
}

fn encode_cost() -> f64 {
    const RECORDS: u32 = 1_000_000;
    let mut bytes = [0; RECORD_BYTES_MAX];
    let start = Instant::now();
    for sequence in 0..RECORDS {
        let id = EventId { node: 7, boot: 1, worker: 0, sequence: sequence.into() };
        black_box(encode(black_box(&event(id)), &mut bytes));
    }
    start.elapsed().as_nanos() as f64 / f64::from(RECORDS)
}

/// Rounds that fit the ring, with time in between for the drainer, so that no write meets a full ring.
fn publish_cost(journal: &Journal, writer: &mut RingWriter) -> f64 {
    const RECORDS: u64 = 100_000;
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        let lost = write_many(writer, RECORDS);
        let each = start.elapsed().as_nanos() as f64 / RECORDS as f64;
        assert_eq!(lost, 0, "the ring is large enough for a round");
        best = best.min(each);
        wait_until_drained(journal);
    }
    best
}

fn wait_until_drained(journal: &Journal) {
    while journal.status().rings.iter().any(|ring| ring.used_bytes > 0) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// CPU time of the thread named `journal` over a burst.
fn drain_cost(journal: &Journal, writer: &mut RingWriter) -> (f64, u64) {
    let before = (drainer_cpu_ns(), journal.status().written);
    for _ in 0..40 {
        write_many(writer, 100_000);
        wait_until_drained(journal);
    }
    let records = journal.status().written - before.1;
    ((drainer_cpu_ns() - before.0) as f64 / records as f64, records)
}

/// Nanoseconds on a processor, from the scheduler's account of the thread; 0 where there is none.
fn drainer_cpu_ns() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_drainer = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "journal")
    };
    tasks
        .filter(of_drainer)
        .filter_map(|task| {
            fs::read_to_string(task.path().join("schedstat")).ok()?.split(' ').next()?.parse::<u64>().ok()
        })
        .sum()
}

fn event(id: EventId) -> EventRef<'static> {
    EventRef {
        id,
        ts_us: 1_795_224_023_123_456 + id.sequence,
        user_id: Some(id.sequence % 100),
        trace: "4bf92f3577b34da6a3ce929d0e0e4736",
        ..EventRef::EXAMPLE
    }
}
