//! Segments say what their events say, each once, over any damage.

mod generated;

use std::boxed::Box;
use std::io::{self, Cursor, Read};
use std::vec::Vec;

use lockgate_event::segment::{Footer, SegmentHeader};
use lockgate_event::write_ndjson;
use proptest::prelude::*;

use self::generated::{FIELDS, Written, any_events, any_written, event, ring};
use super::super::ndjson::NdjsonRows;
use super::super::sink::{Found, Rows, Sink};
use super::*;
use crate::query::{Plan, Query};
use crate::{Datum, Filter, Measure, Number, Partial, Report};

/// Counts and sums by some fields.
fn query(group_by: &[&str], filter: Option<&str>) -> Query {
    let measures = ["count", "count(value)", "sum(value)", "max(latency_us)", "distinct(path)"];
    Query {
        group_by: group_by.iter().map(|field| Box::from(*field)).collect(),
        filter: filter.map(|filter| filter.parse().unwrap()),
        measures: measures.iter().map(|measure| measure.parse::<Measure>().unwrap()).collect(),
        ..Query::usage()
    }
}

fn read_piece(plan: &Plan, input: impl Read, piece: Piece) -> (Report, Found) {
    let mut sink = Sink::new(plan);
    read_segment(input, piece, &mut sink, &mut |_| {}).unwrap();
    (sink.partial.report(), sink.found)
}

/// Reads segments one after the other; whole, or in pieces of some size.
fn read_all(plan: &Plan, segments: &[&[u8]], piece_bytes: Option<u64>) -> (Report, u64) {
    let mut passed = Passed::default();
    let mut partial = Partial::new(plan);
    let mut malformed = 0;
    for bytes in segments {
        let entry = passed.enter(&mut Cursor::new(bytes), bytes.len() as u64).unwrap();
        let pieces = match piece_bytes {
            Some(piece_bytes) => pieces(&mut Cursor::new(bytes), &entry, piece_bytes).unwrap(),
            None => std::vec![entry.whole],
        };
        for piece in pieces {
            let mut sink = Sink::new(plan);
            let input = &bytes[piece.start as usize..];
            read_segment(input, piece, &mut sink, &mut |_| {}).unwrap();
            malformed += sink.found.malformed;
            partial.merge(sink.partial).unwrap();
        }
    }
    (partial.report(), malformed)
}

/// What events say that are added one by one.
fn of_events<'e>(plan: &Plan, events: impl IntoIterator<Item = &'e lockgate_event::Event>) -> Report {
    let mut partial = Partial::new(plan);
    for event in events {
        partial.add_event(&event.as_ref()).unwrap();
    }
    partial.report()
}

fn of_ndjson(plan: &Plan, events: &[lockgate_event::Event]) -> Report {
    let mut lines = Vec::new();
    events.iter().for_each(|event| write_ndjson(&event.as_ref(), &mut lines));
    let mut sink = Sink::new(plan);
    NdjsonRows::new(plan).read(&lines, &mut sink).unwrap();
    assert_eq!(sink.found.malformed, 0);
    sink.partial.report()
}

#[test]
fn a_segment_of_before_there_was_tls_in_records_says_what_it_said() {
    // Three requests to a route, and one that matched none.
    let bytes = include_bytes!("../../../../../testdata/journal/format-1.segment");
    for (fields, expected) in [(&["route", "status"][..], 2), (&["path"], 4), (&["tls", "sni", "resumed"], 1)]
    {
        let (report, malformed) = read_all(&query(fields, None).plan(), &[bytes], None);
        assert_eq!((malformed, report.rows.len()), (0, expected), "{fields:?}");
    }
    let (report, _) = read_all(&query(&[], Some("tls is null and http = '1.1'")).plan(), &[bytes], None);
    let usage = [Number::whole(4), Number::whole(3), Number::whole(3)].map(Datum::Number);
    assert_eq!(report.rows[0][..3], usage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn segment_events_and_lines_of_json_say_the_same(events in any_events(), field in 0..FIELDS.len(), other in 0..FIELDS.len()) {
        for query in [
            query(&[FIELDS[field]], None),
            query(&[FIELDS[field], FIELDS[other]], Some("status >= 300 or user_id = 2")),
            Query { every: Some("1m".parse().unwrap()), ..query(&["kind"], Some("kind = 'done'")) },
        ] {
            let plan = query.plan();
            let segment = Written::of(&events).to_bytes();
            let (report, malformed) = read_all(&plan, &[&segment], None);
            prop_assert_eq!(malformed, 0);
            prop_assert_eq!(&report, &of_events(&plan, &events));
            prop_assert_eq!(&report, &of_ndjson(&plan, &events));
        }
    }

    #[test]
    fn pieces_count_what_the_whole_counts(written in any_written(), piece_bytes in 1_u64..2000) {
        let plan = Query::usage().plan();
        let bytes = written.to_bytes();
        let (whole, _) = read_all(&plan, &[&bytes], None);
        prop_assert_eq!(&whole, &of_events(&plan, written.counted_once()));
        prop_assert_eq!(read_all(&plan, &[&bytes], Some(piece_bytes)), (whole, 0));
    }

    #[test]
    fn damage_is_told_or_costs_nothing(written in any_written(), at: prop::sample::Index, byte: u8) {
        let plan = query(&["user_id"], None).plan();
        let mut bytes = written.to_bytes();
        let (sound, _) = read_all(&plan, &[&bytes], None);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let (report, malformed) = read_all(&plan, &[&bytes], None);
        prop_assert!(report == sound || malformed > 0);
        let (in_pieces, _) = read_all(&plan, &[&bytes], Some(300));
        prop_assert_eq!(in_pieces, report);
    }

    #[test]
    fn what_is_not_whole_at_the_end_does_not_count(written in any_written(), at: prop::sample::Index) {
        let plan = Query::usage().plan();
        let bytes = written.to_bytes();
        let at = at.index(bytes.len());
        let (cut, malformed) = read_all(&plan, &[&bytes[..at]], None);
        // A live segment that grows beyond the length it had when it was opened.
        let (grown, found) = read_piece(&plan, &bytes[..], Piece::whole(at as u64, Positions::default()));
        prop_assert_eq!(malformed, u64::from(at < HEADER_FIXED_BYTES));
        if at >= HEADER_FIXED_BYTES {
            prop_assert_eq!((grown, found.malformed), (cut, 0));
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..500), like_a_segment: bool) {
        let plan = Query::usage().plan();
        let header = SegmentHeader { node: 1, boot: 1, created_us: 1, positions: Vec::new() };
        let mut start = if like_a_segment { header.to_bytes() } else { Vec::new() };
        start.extend_from_slice(&bytes);
        read_all(&plan, &[&start], Some(1));
    }

    #[test]
    fn how_the_bytes_come_changes_nothing(written in any_written(), steps in proptest::collection::vec(1_usize..700, 1..9)) {
        let plan = Query::usage().plan();
        let bytes = written.to_bytes();
        let whole = || Piece::whole(bytes.len() as u64, Positions::default());
        let (at_once, _) = read_piece(&plan, &bytes[..], whole());
        let dripping = Dripping { bytes: &bytes, steps: steps.iter().copied().cycle() };
        prop_assert_eq!(read_piece(&plan, dripping, whole()).0, at_once);
    }

    #[test]
    fn no_segment_is_passed_over_that_has_an_answer(events in any_events(), filter in 0..FILTERS.len()) {
        let filter: Filter = FILTERS[filter].parse().unwrap();
        let plan = Query { filter: Some(filter.clone()), ..query(&["id"], None) }.plan();
        let has_answer = !of_events(&plan, &events).rows.is_empty();
        let footer = Written::of(&events).footer();
        prop_assert!(may_admit(&filter, &footer) || !has_answer);
    }
}

const FILTERS: [&str; 9] = [
    "user_id = 2",
    "user_id is null",
    "user_id = 99",
    "route = 'orders'",
    "route = 'none such'",
    "not route = 'orders' and kind = 'cut'",
    "ts >= '2026-11-21T01:21:00Z'",
    "ts < '2026-11-21T01:20:30Z' and status = 200",
    "path contains '/' or user_id = 99",
];

/// Gives a few bytes at a time.
struct Dripping<'a, I> {
    bytes: &'a [u8],
    steps: I,
}

impl<I: Iterator<Item = usize>> Read for Dripping<'_, I> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let step = self.steps.next().unwrap_or(1).min(out.len());
        (&mut self.bytes).take(step as u64).read(out)
    }
}

#[track_caller]
fn check_pruned(filter: &str, expected: bool) {
    let events: Vec<_> = (1..4).map(event).collect();
    let footer = Written::of(&events).footer();
    assert_eq!(may_admit(&filter.parse().unwrap(), &footer), expected, "{filter}");
}

#[test]
fn a_footer_tells_what_its_segment_cannot_have() {
    check_pruned("user_id = 2", true);
    check_pruned("user_id = 7", false);
    check_pruned("user_id is null", true);
    check_pruned("route = 'orders' and user_id in (8, 9)", false);
    check_pruned("route = 'images'", false);
    check_pruned("kind = 'part'", false);
    check_pruned("ts > '2026-11-22T00:00:00Z'", false);
    check_pruned("ts >= '2026-11-21T00:00:00Z'", true);
    check_pruned("status = 500", true);
    assert!(!may_admit(&"status = 500".parse().unwrap(), &Footer::default()), "nothing is in it");
}

#[test]
fn a_record_in_two_segments_counts_once() {
    let plan = query(&["id"], None).plan();
    let events: Vec<_> = (0..20).map(event).collect();
    let first = Written::of(&events[..12]);
    // Written again from the fifth on, by a start that did not know.
    let again_from = first.position_of(5);
    let mut second = Written { created_us: 2, ..Written::of(&[]) };
    second.append(ring(0), again_from, &events[5..]);
    let expected = (of_events(&plan, &events), 0);
    let unaware = second.clone();
    second.positions = std::vec![(ring(0), first.end())];
    for second in [&second, &unaware] {
        assert_eq!(read_all(&plan, &[&first.to_bytes(), &second.to_bytes()], None), expected);
        assert_eq!(read_all(&plan, &[&first.to_live_bytes(), &second.to_bytes()], Some(1)), expected);
    }
    // By its table alone, whatever came before.
    let (alone, _) = read_all(&plan, &[&second.to_bytes()], None);
    assert_eq!(alone, of_events(&plan, &events[12..]));
}

#[test]
fn what_is_no_segment_at_all_is_told() {
    let plan = query(&[], None).plan();
    for size in [1, 100, 5000] {
        let noise = std::vec![0x5a; size];
        for piece_bytes in [None, Some(64), Some(1 << 20)] {
            assert_eq!(read_all(&plan, &[&noise], piece_bytes).1, 1, "{size} {piece_bytes:?}");
        }
    }
}

#[test]
fn a_damaged_header_costs_no_record_and_counts_none_twice() {
    let plan = query(&["id"], None).plan();
    let events: Vec<_> = (0..9).map(event).collect();
    let first = Written::of(&events);
    let mut second = Written { created_us: 2, ..Written::of(&[]) };
    second.append(ring(0), first.position_of(3), &events[3..]);
    let mut damaged = first.to_bytes();
    damaged[30] ^= 1;
    let (report, malformed) = read_all(&plan, &[&damaged, &second.to_bytes()], None);
    assert_eq!((report, malformed), (of_events(&plan, &events), 1));
}

#[test]
fn the_same_segment_twice_counts_once_and_nodes_are_kept_apart() {
    let plan = Query::usage().plan();
    let events: Vec<_> = (0..9).map(event).collect();
    let one = Written::of(&events);
    let other = Written { node: 8, ..one.clone() };
    let (report, _) = read_all(&plan, &[&one.to_bytes(), &one.to_bytes()], None);
    assert_eq!(report, of_events(&plan, &events));
    let (report, _) = read_all(&plan, &[&one.to_bytes(), &other.to_bytes()], None);
    assert_eq!(report, of_events(&plan, events.iter().chain(&events)));
}

#[test]
fn segments_out_of_order_lose_nothing() {
    let plan = Query::usage().plan();
    let events: Vec<_> = (0..9).map(event).collect();
    let first = Written::of(&events[..5]);
    let mut second =
        Written { created_us: 2, positions: std::vec![(ring(0), first.end())], ..Written::of(&[]) };
    second.append(ring(0), first.end(), &events[5..]);
    let (report, _) = read_all(&plan, &[&second.to_bytes(), &first.to_bytes()], None);
    assert_eq!(report, of_events(&plan, &events));
}

#[test]
fn a_damaged_record_is_told_by_its_number() {
    let plan = Query::usage().plan();
    let events: Vec<_> = (0..9).map(event).collect();
    let mut bytes = Written::of(&events).to_bytes();
    let at = bytes.windows(9).position(|bytes| bytes == b"/orders/4").unwrap();
    bytes[at] ^= 1;
    let (report, found) =
        read_piece(&plan, &bytes[..], Piece::whole(bytes.len() as u64, Positions::default()));
    assert_eq!(report, of_events(&plan, events.iter().filter(|event| &*event.path != "/orders/4")));
    assert_eq!((found.lines, found.malformed, &found.places[..]), (9, 1, &[(4, DAMAGED_RECORD)][..]));
}

#[test]
fn a_failing_disk_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no"))
        }
    }
    let plan = Query::usage().plan();
    let outcome =
        read_segment(Failing, Piece::whole(99, Positions::default()), &mut Sink::new(&plan), &mut |_| {});
    assert!(matches!(outcome, Err(SegmentError::Read(_))));
}

#[test]
fn every_byte_of_a_segment_is_told() {
    let plan = Query::usage().plan();
    let written = Written::of(&(0..300).map(event).collect::<Vec<_>>());
    let bytes = written.to_live_bytes();
    let mut told = 0;
    let piece = Piece::whole(bytes.len() as u64, Positions::default());
    read_segment(&bytes[..], piece, &mut Sink::new(&plan), &mut |bytes| told += bytes).unwrap();
    assert_eq!(told, bytes.len() as u64);
    assert_eq!(Number::whole(300), Number(i128::from(written.events().count() as u64) * 1_000_000));
}
