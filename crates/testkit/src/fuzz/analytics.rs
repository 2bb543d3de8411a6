//! The readers of logs, as a list of promises: nothing is lost without a word, and how a log is read changes nothing.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use lockgate_analytics::input::{Format, Input, Options, Source, analyze, is_compressed};
use lockgate_analytics::{Function, Measure, Partial, Query, Report};
use lockgate_event::segment::{FRAME_HEADER_BYTES, RingId, SegmentHeader, append_block, frame_bytes};

/// Takes the bytes for lines of JSON.
pub fn analytics_ndjson(data: &[u8]) {
    check(data, Format::Ndjson);
}

/// Takes the bytes for a header and records of CSV.
pub fn analytics_csv(data: &[u8]) {
    check(data, Format::Csv);
}

/// Takes the bytes for lines of an access log.
pub fn analytics_combined(data: &[u8]) {
    check(data, Format::Combined);
}

/// Takes the bytes for a segment, and for the records of a segment whose checksums are right: whatever is damaged is told, however it is read.
pub fn analytics_segment(data: &[u8]) {
    check_segment(data);
    check_segment(&sealed(data));
}

/// Takes the bytes for what another worker has seen: what is believed says the same when it is handed on.
pub fn analytics_partial(data: &[u8]) {
    let plan = asked().plan();
    let merged = |bytes: &[u8]| {
        let mut partial = Partial::new(&plan);
        partial.merge_bytes(bytes).map(|()| partial)
    };
    let Ok(mut partial) = merged(data) else { return };
    let mut written = Vec::new();
    partial.write(&mut written);
    let again = merged(&written).expect("what was written is read");
    assert_eq!((again.rows(), again.timeless()), (partial.rows(), partial.timeless()));
    assert_eq!(again.report(), partial.report());
    // Twice as much may be too much.
    if partial.merge_bytes(data).is_ok() {
        assert_eq!(partial.report().rows.len(), again.report().rows.len(), "the groups are the same");
    }
}

/// The question of the seeds.
fn asked() -> Query {
    let functions = [
        Function::Sum,
        Function::Mean,
        Function::Min,
        Function::Max,
        Function::Histogram,
        Function::Distinct,
        Function::Top(3),
    ];
    let measures = functions.map(|function| Measure::new(function, Some("value"))).into();
    Query { measures, ..Query::usage() }
}

/// What is told of a log.
#[derive(Debug, PartialEq)]
struct Told {
    report: Report,
    rows: u64,
    lines: u64,
    malformed: u64,
    bytes: u64,
    places: Vec<(u64, &'static str)>,
}

fn check(data: &[u8], format: Format) {
    if is_compressed(data) {
        return;
    }
    let in_memory = read(Source::Bytes(data), format);
    assert!(
        in_memory.rows + in_memory.malformed <= in_memory.lines,
        "a line is a row, or malformed, or empty"
    );
    assert_eq!(in_memory.malformed > 0, !in_memory.places.is_empty());
    let ends = data.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(in_memory.lines <= ends + 1, "lines are those of the text");
    let streamed = read(Source::Stream(Box::new(InBits(data))), format);
    assert_eq!(in_memory, streamed, "memory and streams tell the same");
}

fn check_segment(data: &[u8]) {
    if is_compressed(data) {
        return;
    }
    let in_memory = read(Source::Bytes(data), Format::Segment);
    assert_eq!(in_memory.rows + in_memory.malformed, in_memory.lines, "a record is a row, or malformed");
    assert_eq!(in_memory.malformed > 0, !in_memory.places.is_empty());
    assert!(in_memory.bytes <= data.len() as u64, "no byte is told twice");
    let streamed = read(Source::Stream(Box::new(InBits(data))), Format::Segment);
    assert_eq!(in_memory, streamed, "memory and streams tell the same");
}

/// A segment made of the bytes: blocks of one record each. Three bytes tell a block's ring, its position there and the record's length;
/// the record follows.
fn sealed(mut data: &[u8]) -> Vec<u8> {
    let mut segment = SegmentHeader { node: 7, boot: 3, created_us: 1, positions: Vec::new() }.to_bytes();
    while let [worker, position, length, rest @ ..] = data {
        let (record, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let mut frame = vec![0; frame_bytes(record.len())];
        frame[..4].copy_from_slice(&u32::from(*length).to_le_bytes());
        frame[FRAME_HEADER_BYTES..][..record.len()].copy_from_slice(record);
        let ring = RingId { boot: 3, worker: u16::from(worker % 4) };
        append_block(ring, u64::from(*position) * 8, &frame, &mut segment);
        data = rest;
    }
    segment
}

fn read(source: Source<'_>, format: Format) -> Told {
    let query = Query {
        group_by: vec!["user_id".into(), "path".into(), "ts".into()],
        measures: vec![
            Measure::new(Function::Count, None),
            Measure::new(Function::Sum, Some("value")),
            Measure::new(Function::Distinct, Some("agent")),
        ],
        ..Query::usage()
    };
    let plan = query.plan();
    let options = Options { format: Some(format), strict: false, threads: NonZeroUsize::new(1) };
    let input = Input { name: "data".into(), source };
    let outcome = analyze(&plan, vec![input], options, &()).expect("bytes in memory can be read");
    Told {
        report: outcome.partial.report(),
        rows: outcome.partial.rows(),
        lines: outcome.lines,
        malformed: outcome.malformed,
        bytes: outcome.bytes,
        places: outcome.places.iter().map(|place| (place.line, place.what)).collect(),
    }
}

/// A stream that gives a few bytes at once.
struct InBits<'a>(&'a [u8]);

impl Read for InBits<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds of another layout, or of another question, would be refused at their start.
    #[test]
    fn seeds_of_partials_are_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/analytics_partial");
        let plan = asked().plan();
        for (name, rows) in [("empty", 0), ("one", 1), ("kinds", 5), ("many", 1100)] {
            let seed = std::fs::read(format!("{folder}/{name}")).unwrap();
            let mut partial = Partial::new(&plan);
            assert_eq!(partial.merge_bytes(&seed), Ok(()), "{name}");
            assert_eq!(partial.rows(), rows, "{name}");
        }
    }
}
