//! The mapping: one stretch over the wrap, and nothing where nothing may be.

use super::*;

const IDENTITY: RingIdentity = RingIdentity { node: 1, boot: 1, worker: 0 };

fn map(capacity: usize) -> (Producer, Consumer, Arc<RingMap>) {
    RingMap::create(&tempfile::tempfile().unwrap(), capacity, IDENTITY).unwrap()
}

#[test]
fn a_stretch_goes_over_the_wrap() {
    let capacity = page_bytes();
    let (mut producer, mut consumer, _) = map(capacity);
    assert!(producer.write(capacity - 8, |bytes| bytes.fill(1)));
    consumer.consume_to(capacity as u64 - 8);
    let text: Vec<u8> = (0..64).collect();
    assert!(producer.write(64, |bytes| bytes.copy_from_slice(&text)));
    assert_eq!(consumer.readable_from(capacity as u64 - 8, usize::MAX), text);
}

#[test]
fn a_full_ring_takes_nothing_until_it_is_read() {
    let capacity = page_bytes();
    let (mut producer, mut consumer, _) = map(capacity);
    assert!(producer.write(capacity, |_| ()));
    assert!(!producer.write(8, |_| panic!("there is no room to show")));
    consumer.consume_to(8);
    assert!(producer.write(8, |_| ()));
    assert!(!producer.has_room(8));
}

#[test]
fn positions_outside_of_what_is_published_are_empty() {
    let (mut producer, mut consumer, _) = map(page_bytes());
    assert!(producer.write(64, |_| ()));
    assert!(consumer.readable_from(65, 10).is_empty());
    consumer.consume_to(32);
    assert!(consumer.readable_from(31, 10).is_empty());
    assert_eq!(consumer.readable_from(32, 10).len(), 10);
}

#[test]
fn a_size_that_cannot_be_mapped_twice_is_refused() {
    for capacity in [0, 8, page_bytes() - 1, page_bytes() * 3] {
        assert!(RingMap::create(&tempfile::tempfile().unwrap(), capacity, IDENTITY).is_err(), "{capacity}");
    }
}

#[test]
fn the_file_says_whose_ring_it_is() {
    let file = tempfile::tempfile().unwrap();
    let identity = RingIdentity { node: 0xfeed, boot: 9, worker: 4 };
    let _ring = RingMap::create(&file, page_bytes(), identity).unwrap();
    let mut header = [0; offset::END];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut header, 0).unwrap();
    let number = |at: usize| u64::from_ne_bytes(header[at..at + 8].try_into().unwrap());
    assert_eq!(number(offset::MAGIC), RING_MAGIC);
    assert_eq!([number(offset::NODE), number(offset::BOOT), number(offset::WORKER)], [0xfeed, 9, 4]);
    assert_eq!(file.metadata().unwrap().len(), number(offset::HEADER_BYTES) + number(offset::CAPACITY));
}
