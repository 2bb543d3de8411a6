//! Measures what reading a segment costs: count and sum by user of two million events, per core.
//!
//! `cargo run --release -p lockgate-analytics --example segment_speed [FILE]` keeps the segment in FILE, for a profiler.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lockgate_analytics::Query;
use lockgate_analytics::input::{Format, Input, Options, Source, analyze};
use lockgate_event::segment::{Footer, RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{EventId, EventRef};

const EVENTS: u64 = 2_000_000;
const USERS: u64 = 50_000;
/// What the drainer finds in a ring under load, bytes.
const BLOCK_BYTES: usize = 256 << 10;
const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let path = given.clone().unwrap_or_else(|| std::env::temp_dir().join("lockgate-segment-speed.segment"));
    if given.is_none() || !path.exists() {
        write(&path)?;
    }
    let bytes = std::fs::metadata(&path)?.len();
    let mut best = Duration::MAX;
    let mut groups = 0;
    for _ in 0..RUNS {
        let (took, rows) = read(&path)?;
        best = best.min(took);
        groups = rows;
    }
    if given.is_none() {
        std::fs::remove_file(&path)?;
    }
    let per_s = |amount: u64| amount as f64 / best.as_secs_f64() / 1e6;
    writeln!(
        io::stdout(),
        "{EVENTS} events, {groups} users, {bytes} bytes: {:.1} million events/s, {:.0} MB/s, {:.0} ns per event on one core",
        per_s(EVENTS),
        per_s(bytes),
        best.as_secs_f64() * 1e9 / EVENTS as f64,
    )?;
    Ok(())
}

/// Processor time of one reading by one thread, and the groups of its report.
fn read(path: &Path) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    let plan = Query::usage().plan();
    let options =
        Options { format: Some(Format::Segment), threads: NonZeroUsize::new(1), ..Options::default() };
    let input = Input { name: path.display().to_string(), source: Source::File(path.into()) };
    let start = processor_time()?;
    let wall = Instant::now();
    let outcome = analyze(&plan, vec![input], options, &())?;
    let took = processor_time()?.zip(start).map_or(wall.elapsed(), |(end, start)| end - start);
    if outcome.lines != EVENTS || outcome.malformed > 0 {
        return Err("the segment was not read whole".into());
    }
    Ok((took, outcome.partial.report().rows.len()))
}

/// What this process has used so far, as the kernel counts it; `None` where it does not say.
fn processor_time() -> io::Result<Option<Duration>> {
    let Ok(text) = std::fs::read_to_string("/proc/self/schedstat") else { return Ok(None) };
    let on_processor_ns = text.split_whitespace().next().and_then(|number| number.parse().ok());
    Ok(on_processor_ns.map(Duration::from_nanos))
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create(path)?);
    let ring = RingId { boot: 1, worker: 0 };
    let header = SegmentHeader { node: 1, boot: 1, created_us: 1, positions: vec![(ring, 0)] }.to_bytes();
    file.write_all(&header)?;
    let (mut offset, mut position) = (header.len() as u64, 0);
    let (mut frames, mut block) = (Vec::new(), Vec::new());
    let mut random = 1;
    for number in 0..EVENTS {
        frame(&mut frames, number, user(&mut random));
        if frames.len() >= BLOCK_BYTES || number + 1 == EVENTS {
            block.clear();
            position += append_block(ring, position, &frames, &mut block) as u64;
            file.write_all(&block)?;
            offset += block.len() as u64;
            frames.clear();
        }
    }
    let ts_us = Some((time_of(0), time_of(EVENTS)));
    let footer = Footer { ts_us, done: EVENTS, positions: vec![(ring, position)], ..Footer::default() };
    file.write_all(&footer.to_bytes(offset))?;
    file.flush()
}

fn time_of(number: u64) -> u64 {
    1_795_224_023_000_000 + number * 50
}

/// Some users ask far more often than others.
fn user(random: &mut u64) -> u64 {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let unit = (*random >> 33) as f64 / (1_u64 << 31) as f64;
    (unit.powi(3) * USERS as f64) as u64
}

fn frame(out: &mut Vec<u8>, number: u64, user: u64) {
    let path = format!("/orders/{}", number % 1000);
    let event = EventRef {
        id: EventId { node: 1, boot: 1, worker: 0, sequence: number },
        ts_us: time_of(number),
        user_id: Some(user),
        key_id: Some(user),
        path: &path,
        ..EventRef::EXAMPLE
    };
    append_frame(&event, out);
}
