//! The format is exact, and reading it ends and holds over any bytes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::collection::vec as many;
use proptest::prelude::*;

use super::*;
use crate::testing::any_event;
use crate::{Event, encode, encoded_len};

fn ring(worker: u16) -> RingId {
    RingId { boot: 3, worker }
}

/// Records as they lie in a ring: framed, without checksums.
fn framed(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    events.iter().for_each(|event| append_frame(&event.as_ref(), &mut bytes));
    bytes
}

fn header(positions: Vec<(RingId, u64)>) -> SegmentHeader {
    SegmentHeader { node: 7, boot: 3, created_us: 11, positions }
}

/// A sealed segment with a block per list of events.
fn segment(blocks: &[Vec<Event>]) -> Vec<u8> {
    let mut bytes = header(vec![(ring(0), 0)]).to_bytes();
    let mut position = 0;
    for block in blocks {
        position += append_block(ring(0), position, &framed(block), &mut bytes) as u64;
    }
    let offset = bytes.len() as u64;
    bytes.extend(Footer::default().to_bytes(offset));
    bytes
}

/// Everything a walker finds, and how often it tells of damage.
fn walk(bytes: &[u8]) -> (Vec<Vec<u8>>, usize, Step) {
    let mut source = bytes;
    let (mut walker, _) = Walker::start(&mut source).unwrap();
    let (mut records, mut damage) = (Vec::new(), 0);
    loop {
        let before = walker.offset();
        match walker.step(&mut source).unwrap() {
            Step::Block => {
                let (_, start) = *walker.block().unwrap();
                for record in walker.records() {
                    let from =
                        start as usize + BLOCK_HEADER_BYTES + record.offset as usize + FRAME_HEADER_BYTES;
                    if record.sound {
                        records.push(bytes[from..from + record.length as usize].to_vec());
                    } else {
                        damage += 1;
                    }
                }
            }
            Step::Damaged { offset, .. } => {
                assert_eq!(offset, before);
                damage += 1;
            }
            end => return (records, damage, end),
        }
        assert!(walker.offset() > before, "every step goes on");
    }
}

fn any_blocks() -> impl Strategy<Value = Vec<Vec<Event>>> {
    many(many(any_event(), 1..4), 0..4)
}

fn any_positions() -> impl Strategy<Value = Vec<(RingId, u64)>> {
    many(
        ((any::<u32>(), any::<u16>()).prop_map(|(boot, worker)| RingId { boot, worker }), any::<u64>()),
        0..5,
    )
}

fn any_footer() -> impl Strategy<Value = Footer> {
    let pairs = || many(any::<(u64, u64)>(), 0..5);
    let routes = many(("[a-zé]{0,9}".prop_map(|name: String| Box::from(name)), any::<u64>()), 0..5);
    (any::<(Option<(u64, u64)>, [u64; 3], [bool; 2])>(), routes, pairs(), pairs(), any_positions()).prop_map(
        |(
            (ts_us, [done, part, cut], [names_all_routes, names_all_users]),
            routes,
            users,
            index,
            positions,
        )| {
            Footer {
                ts_us,
                done,
                part,
                cut,
                routes,
                users,
                names_all_routes,
                names_all_users,
                positions,
                index,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_header_round_trips(positions in any_positions(), at: prop::sample::Index, bit in 0..8_u32) {
        let header = header(positions);
        let mut bytes = header.to_bytes();
        prop_assert_eq!(SegmentHeader::parse(&bytes), Some(header));
        prop_assert_eq!(SegmentHeader::parse(&bytes[..bytes.len() - 1]), None);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert_eq!(SegmentHeader::parse(&bytes), None);
    }

    #[test]
    fn a_footer_round_trips(footer in any_footer(), offset: u64) {
        let bytes = footer.to_bytes(offset);
        let trailer = bytes.len() - TRAILER_BYTES;
        prop_assert_eq!(Footer::offset_of(&bytes[trailer..]), Some(offset));
        let header = BlockHeader::parse(&bytes).unwrap();
        prop_assert_eq!(Footer::parse(&header, &bytes[BLOCK_HEADER_BYTES..trailer]), Some(footer));
    }

    #[test]
    fn any_bytes_are_walked_to_their_end(mut bytes in many(any::<u8>(), 0..600), like_a_segment: bool) {
        if like_a_segment {
            bytes.splice(0..0, header(Vec::new()).to_bytes());
        }
        walk(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_record_of_a_segment_is_found_once(blocks in any_blocks()) {
        let expected: Vec<_> = blocks
            .iter()
            .flatten()
            .map(|event| {
                let mut record = vec![0; encoded_len(&event.as_ref())];
                encode(&event.as_ref(), &mut record);
                record
            })
            .collect();
        prop_assert_eq!(walk(&segment(&blocks)), (expected, 0, Step::Sealed));
    }

    #[test]
    fn no_record_is_found_that_was_not_written(blocks in any_blocks(), at: prop::sample::Index, byte: u8, cut: bool) {
        let whole = segment(&blocks);
        let (written, ..) = walk(&whole);
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let (found, damage, _) = walk(&bytes);
        prop_assert!(found.iter().all(|record| written.contains(record)));
        prop_assert!(cut || found.len() == written.len() || damage > 0 || bytes == whole);
    }
}

/// Two blocks of one event each, and where the second one starts.
fn two_blocks() -> (Vec<u8>, usize) {
    let event = crate::testing::plain_event();
    let bytes = segment(&[vec![event.clone()], vec![event]]);
    let second = bytes.windows(4).rposition(|bytes| bytes == b"BLK1").unwrap();
    (bytes, second)
}

#[track_caller]
fn check(bytes: &[u8], records: usize, damage: usize, end: Step) {
    let (found, told, last) = walk(bytes);
    assert_eq!((found.len(), told, last), (records, damage, end));
}

#[test]
fn damage_costs_what_is_damaged() {
    let (bytes, second) = two_blocks();
    let first = SegmentHeader::length_of(&bytes).unwrap();
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    check(&bytes, 2, 0, Step::Sealed);
    check(&flipped(30), 2, 1, Step::Sealed);
    check(&flipped(first + 5), 1, 1, Step::Sealed);
    check(&flipped(first + BLOCK_HEADER_BYTES + 20), 1, 1, Step::Sealed);
    check(&flipped(first + BLOCK_HEADER_BYTES), 1, 1, Step::Sealed);
    check(&flipped(second + BLOCK_HEADER_BYTES + 20), 1, 1, Step::Sealed);
}

#[test]
fn what_is_not_whole_at_the_end_is_no_damage() {
    let (bytes, second) = two_blocks();
    for end in second..second + 60 {
        check(&bytes[..end], 1, 0, Step::End);
    }
    let whole = second + BlockHeader::parse(&bytes[second..]).unwrap().block_bytes() as usize;
    check(&bytes[..whole], 2, 0, Step::End);
    let mut being_written = bytes[..whole].to_vec();
    being_written[whole - 20] ^= 1;
    check(&being_written, 1, 0, Step::End);
}
