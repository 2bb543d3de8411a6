//! The ring against a queue, at every size and over many laps.

use std::collections::VecDeque;

use lockgate_event::{Event, Tls, TlsVersion, decode};
use proptest::prelude::*;

use super::*;
use crate::map::{Consumer, RingMap};
use crate::segment::frames;

const CAPACITY: usize = 64 << 10;

fn ring() -> (RingWriter, Consumer) {
    let identity = RingIdentity { node: 7, boot: 3, worker: 2 };
    let file = tempfile::tempfile().unwrap();
    let (producer, consumer, _) = RingMap::create(&file, CAPACITY, identity).unwrap();
    (RingWriter::new(producer, identity, PathBuf::new()), consumer)
}

fn event(id: EventId, path_bytes: usize, kind: Kind) -> Event {
    let plain = crate::drainer::plain_event(id);
    Event { path: "p".repeat(path_bytes).into(), kind, ..plain.to_event() }
}

/// Takes up to `records` records off the ring.
fn take(consumer: &mut Consumer, records: usize) -> Vec<Event> {
    let start = consumer.tail();
    let bytes = consumer.readable_from(start, usize::MAX);
    let taken: Vec<_> = frames(bytes).take(records).collect();
    let end = taken.last().map_or(0, |frame| frame.end());
    let events = taken.iter().map(|frame| decode(frame.record).unwrap().to_event()).collect();
    consumer.consume_to(start + end as u64);
    events
}

#[derive(Clone, Debug)]
enum Step {
    Write { path_bytes: usize, kind: Kind },
    Take(usize),
    Reserve(usize),
    WriteReserved { path_bytes: usize },
    Release,
    Drop,
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::Done), Just(Kind::Part), Just(Kind::Cut)];
    prop_oneof![
        8 => (0..1024_usize, kind).prop_map(|(path_bytes, kind)| Step::Write { path_bytes, kind }),
        3 => (0..80_usize).prop_map(Step::Take),
        2 => (0..9000_usize).prop_map(Step::Reserve),
        2 => (0..1024_usize).prop_map(|path_bytes| Step::WriteReserved { path_bytes }),
        1 => Just(Step::Release),
        1 => Just(Step::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ring_is_a_queue_that_counts_what_it_refuses(steps in proptest::collection::vec(any_step(), 1..1500)) {
        let (mut writer, mut consumer) = ring();
        let mut queue = VecDeque::new();
        let mut lost = [0_u64; 3];
        let mut held: Vec<Reservation> = Vec::new();
        for step in steps {
            let used: usize = queue.iter().map(|e: &Event| RingWriter::room_for(&e.as_ref())).sum();
            let reserved: usize = held.iter().map(Reservation::bytes).sum();
            match step {
                Step::Write { path_bytes, kind } => {
                    let event = event(writer.next_id(), path_bytes, kind);
                    let fits = used + reserved + RingWriter::room_for(&event.as_ref()) <= CAPACITY;
                    prop_assert_eq!(writer.write(&event.as_ref()).is_ok(), fits);
                    if fits { queue.push_back(event) } else { lost[kind as usize] += 1 }
                }
                Step::Take(records) => {
                    let expected: Vec<_> = queue.drain(..records.min(queue.len())).collect();
                    prop_assert_eq!(take(&mut consumer, records), expected);
                }
                Step::Reserve(bytes) => {
                    let fits = used + reserved + bytes.next_multiple_of(8) <= CAPACITY;
                    let reservation = writer.reserve(bytes);
                    prop_assert_eq!(reservation.is_ok(), fits);
                    held.extend(reservation);
                }
                Step::WriteReserved { path_bytes } => if let Some(reservation) = held.last_mut() {
                    let event = event(writer.next_id(), path_bytes, Kind::Cut);
                    let room = RingWriter::room_for(&event.as_ref());
                    let fits = room <= reservation.bytes() || used + reserved + room <= CAPACITY;
                    prop_assert_eq!(writer.write_reserved(reservation, &event.as_ref()).is_ok(), fits);
                    if fits { queue.push_back(event) } else { lost[Kind::Cut as usize] += 1 }
                },
                Step::Release => if let Some(reservation) = held.pop() { writer.release(reservation) },
                Step::Drop => drop(held.pop()),
            }
        }
        prop_assert_eq!(take(&mut consumer, usize::MAX), Vec::from(queue));
        let header = consumer.header();
        let counted = [&header.lost_done, &header.merged_parts, &header.lost_cut].map(|n| n.load(Ordering::Relaxed));
        prop_assert_eq!(counted, lost);
    }
}

#[test]
fn ids_count_from_zero_and_name_their_ring() {
    let (mut writer, _consumer) = ring();
    let ids: Vec<_> = (0..3).map(|_| writer.next_id()).collect();
    let expected = [0, 1, 2].map(|sequence| EventId { node: 7, boot: 3, worker: 2, sequence });
    assert_eq!(ids, expected);
}

#[test]
fn two_threads_pass_every_record_once_and_in_order() {
    const RECORDS: u64 = 20_000;
    let (mut writer, mut consumer) = ring();
    let sender = std::thread::spawn(move || {
        for _ in 0..RECORDS {
            let event = event(writer.next_id(), (writer.next_sequence % 900) as usize, Kind::Part);
            while writer.write(&event.as_ref()).is_err() {
                std::thread::yield_now();
            }
        }
    });
    let mut next = 0;
    while next < RECORDS {
        for event in take(&mut consumer, usize::MAX) {
            assert_eq!(event.id.sequence, next);
            assert_eq!(event.path.len(), ((next + 1) % 900) as usize);
            next += 1;
        }
        std::thread::yield_now();
    }
    sender.join().unwrap();
}

#[test]
fn room_for_texts_is_enough_whatever_else_is_known() {
    let (mut writer, _) = ring();
    let id = writer.next_id();
    let known = Event {
        parent: Some(id),
        tls: Some(Tls {
            version: TlsVersion::Tls13,
            resumed: true,
            server_name: Some("n".repeat(255).into()),
            client_fingerprint: Some([7; 32]),
        }),
        ..event(id, 1024, Kind::Done)
    };
    let texts = [&*known.route, &known.method, &known.host, &known.path, &known.upstream, &known.trace];
    let text_bytes = 255 + texts.iter().map(|text| text.len()).sum::<usize>();
    assert_eq!(RingWriter::room_for_texts(text_bytes), RingWriter::room_for(&known.as_ref()));
}

#[test]
fn padding_is_zero_whatever_was_there() {
    let (mut writer, mut consumer) = ring();
    for lap in 0..2000 {
        let event = event(writer.next_id(), lap % 61, Kind::Done);
        writer.write(&event.as_ref()).unwrap();
        let start = consumer.tail();
        let bytes = consumer.readable_from(start, usize::MAX);
        let length = encoded_len(&event.as_ref());
        assert!(bytes[FRAME_HEADER_BYTES + length..].iter().all(|&b| b == 0));
        assert_eq!(bytes[4..8], [0; 4]);
        let end = start + bytes.len() as u64;
        consumer.consume_to(end);
    }
}
