//! The events that are asked about: as lines of JSON, and as a segment of a journal.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use lockgate_event::segment::{Footer, RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{EventId, EventRef, Value, write_ndjson};

/// Users there are.
pub(crate) const USERS: u64 = 50_000;
/// What the drainer finds in a ring under load, bytes.
const BLOCK_BYTES: usize = 256 << 10;
const START_US: u64 = 1_795_224_023_000_000;
const RING: RingId = RingId { boot: 1, worker: 0 };
const ROUTES: [&str; 5] = ["orders", "users", "search", "images", "billing"];

/// Generated files.
pub(crate) struct Data {
    pub(crate) lines: PathBuf,
    pub(crate) segment: PathBuf,
    /// Size of the lines.
    pub(crate) bytes: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) events: u64,
}

impl Data {
    /// Those of an earlier run, or new ones of at least `bytes` as lines.
    pub(crate) fn prepare(directory: &Path, bytes: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
        let file = |extension| directory.join(format!("events-{}-mb.{extension}", bytes / 1_000_000));
        let (lines, segment, count) = (file("ndjson"), file("segment"), file("count"));
        if !count.is_file() {
            eprintln!("generating {} MB", bytes / 1_000_000);
            let events =
                generate(&lines, &segment, bytes).with_context(|| format!("writing {}", lines.display()))?;
            fs::write(&count, events.to_string())?;
        }
        let events = fs::read_to_string(&count)?.trim().parse().context("reading the number of events")?;
        let size = |path: &Path| fs::metadata(path).with_context(|| format!("reading {}", path.display()));
        let (bytes, segment_bytes) = (size(&lines)?.len(), size(&segment)?.len());
        let data = Self { lines, segment, bytes, segment_bytes, events };
        data.warm()?;
        Ok(data)
    }

    /// Reads everything once: what is compared is programs, not disks.
    fn warm(&self) -> anyhow::Result<()> {
        for path in [&self.lines, &self.segment] {
            std::io::copy(&mut File::open(path)?, &mut std::io::sink())?;
        }
        Ok(())
    }
}

/// Writes the same events both ways; returns how many.
fn generate(lines: &Path, segment: &Path, bytes: u64) -> anyhow::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(lines)?);
    let mut segment = Segment::create(segment)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut line, mut path) = (Vec::new(), String::new());
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        let event = event(number, &mut random, &mut path);
        line.clear();
        write_ndjson(&event, &mut line);
        out.write_all(&line)?;
        segment.add(&event)?;
        written += line.len() as u64;
        number += 1;
    }
    out.flush()?;
    segment.finish(number)?;
    Ok(number)
}

/// An event as a busy gateway has them: few users make most of the requests, few answers are errors.
fn event<'p>(number: u64, random: &mut Random, path: &'p mut String) -> EventRef<'p> {
    use std::fmt::Write as _;
    let route = ROUTES[random.below(5) as usize];
    let user = 1 + random.skewed(USERS);
    path.clear();
    // Writing to a string cannot fail.
    let _ = write!(path, "/{route}/{}", random.below(1_000_003));
    let failed = random.below(50) == 0;
    let upstream_us = 250 + random.skewed(200_000);
    EventRef {
        id: EventId { node: 7_291_408_221, boot: 3, worker: (number % 2) as u16, sequence: number },
        ts_us: START_US + number * 700,
        route,
        user_id: Some(user),
        key_id: Some(user * 2),
        value: Some(Value((1 + random.below(400) as i64) * 12_500)),
        method: if random.below(4) == 0 { "POST" } else { "GET" },
        path,
        status: if failed { 503 } else { 200 },
        reason: failed.then_some("upstream_timeout"),
        bytes_in: random.skewed(10_000),
        bytes_out: random.skewed(1_000_000),
        latency_us: upstream_us + 40 + random.below(100),
        upstream_us: Some(upstream_us),
        client: IpAddr::V4(Ipv4Addr::new(203, 0, 113, random.below(254) as u8)),
        ..EventRef::EXAMPLE
    }
}

/// A segment as the journal writes them.
struct Segment {
    out: BufWriter<File>,
    frames: Vec<u8>,
    block: Vec<u8>,
    offset: u64,
    position: u64,
}

impl Segment {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        let header =
            SegmentHeader { node: 1, boot: 1, created_us: START_US, positions: vec![(RING, 0)] }.to_bytes();
        out.write_all(&header)?;
        Ok(Self { out, frames: Vec::new(), block: Vec::new(), offset: header.len() as u64, position: 0 })
    }

    fn add(&mut self, event: &EventRef<'_>) -> anyhow::Result<()> {
        append_frame(event, &mut self.frames);
        if self.frames.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if self.frames.is_empty() {
            return Ok(());
        }
        self.block.clear();
        self.position += append_block(RING, self.position, &self.frames, &mut self.block) as u64;
        self.out.write_all(&self.block)?;
        self.offset += self.block.len() as u64;
        self.frames.clear();
        Ok(())
    }

    fn finish(mut self, events: u64) -> anyhow::Result<()> {
        self.flush()?;
        let ts_us = Some((START_US, START_US + events * 700));
        let footer =
            Footer { ts_us, done: events, positions: vec![(RING, self.position)], ..Footer::default() };
        self.out.write_all(&footer.to_bytes(self.offset))?;
        Ok(self.out.flush()?)
    }
}

/// Xorshift: every machine generates the same events.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Below `limit`, small numbers far more often: each twofold range is about as frequent as the one before it.
    fn skewed(&mut self, limit: u64) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((limit as f64 + 1.0).powf(share) - 1.0) as u64 % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_segment_hold_the_same_events() {
        use lockgate_analytics::Query;
        use lockgate_analytics::input::{Input, Options, Source, analyze};
        let directory = tempfile::tempdir().unwrap();
        let data = Data::prepare(directory.path(), 2_000_000).unwrap();
        let plan = Query::usage().plan();
        let mut reports = Vec::new();
        for file in [&data.lines, &data.segment] {
            let input = Input { name: "events".into(), source: Source::File(file.clone()) };
            let outcome = analyze(&plan, vec![input], Options::default(), &()).unwrap();
            assert_eq!((outcome.lines, outcome.malformed), (data.events, 0));
            reports.push(outcome.partial.report());
        }
        assert!(reports[0] == reports[1] && reports[0].rows.len() > 500, "{}", reports[0].rows.len());
        let (bytes, events) = (data.bytes, data.events);
        let again = Data::prepare(directory.path(), 2_000_000).unwrap();
        assert_eq!((again.bytes, again.events), (bytes, events));
    }
}
