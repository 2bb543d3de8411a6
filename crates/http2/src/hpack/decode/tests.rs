//! The examples of RFC 7541 Appendix C, every way to break a block, and blocks of another encoder.

mod examples;
mod reference;

use proptest::prelude::*;

use super::*;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, Malformed> {
    let mut fields = Vec::new();
    // What is left of an earlier block must not matter.
    let mut scratch = vec![0xaa; block.len() / 2];
    decoder.decode(block, &mut scratch, |name, value| fields.push((name.to_vec(), value.to_vec())))?;
    Ok(fields)
}

fn fields(text: &[(&str, &str)]) -> Fields {
    text.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// The dynamic table, the newest first.
fn entries(decoder: &Decoder) -> Fields {
    (0..)
        .map_while(|index| decoder.table.get(index))
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

#[test]
fn a_broken_block_is_refused() {
    for (block, fault) in [
        // Index zero, one beyond the static table while the other is empty, far beyond both, and so as a name.
        (&b"\x80"[..], Malformed::Index),
        (b"\xbe", Malformed::Index),
        (b"\xff\x80\x80\x80\x01", Malformed::Index),
        (b"\x7e\x01a", Malformed::Index),
        (b"\x0f\x2f\x01a", Malformed::Index),
        (b"\x1f\x2f\x01a", Malformed::Index),
        // Integers that are too long.
        (b"\xff\x80\x80\x80\x80\x80\x00", Malformed::Integer),
        (b"\xff\xff\xff\xff\xff\x7f", Malformed::Integer),
        (b"\x00\x7f\xff\xff\xff\xff\x7f", Malformed::Integer),
        // Ends everywhere.
        (b"\xff", Malformed::Truncated),
        (b"\xff\x80", Malformed::Truncated),
        (b"\x40", Malformed::Truncated),
        (b"\x40\x01", Malformed::Truncated),
        (b"\x40\x01a", Malformed::Truncated),
        (b"\x40\x01a\x02b", Malformed::Truncated),
        (b"\x44", Malformed::Truncated),
        (b"\x0f", Malformed::Truncated),
        (b"\x04\x7f\xff\xff\xff\x07", Malformed::Truncated),
        (b"\x04\xff\xff\xff\xff\x07", Malformed::Truncated),
        (b"\x3f", Malformed::Truncated),
        (b"\x3f\x80", Malformed::Truncated),
        // Size updates too late, or for too much.
        (b"\x82\x20", Malformed::SizeUpdatePlace),
        (b"\x20\x82\x3f\xe1\x1f", Malformed::SizeUpdatePlace),
        (b"\x3f\xe2\x1f", Malformed::SizeUpdateTooLarge),
        // The end of a string in a value, and padding that is none, in a name and a value.
        (b"\x04\x84\xff\xff\xff\xff", Malformed::Huffman),
        (b"\x00\x81\x18\x01a", Malformed::Huffman),
        (b"\x04\x82\x1f\xff", Malformed::Huffman),
    ] {
        assert_eq!(decode(&mut Decoder::new(4096), block), Err(fault), "{block:02x?}");
    }
}

#[test]
fn an_empty_block_has_no_fields() {
    assert_eq!(decode(&mut Decoder::new(4096), b""), Ok(Vec::new()));
}

#[test]
fn fields_before_a_fault_are_handed_over() {
    let mut count = 0;
    let result = Decoder::new(4096).decode(b"\x82\x84\x80", &mut Vec::new(), |_, _| count += 1);
    assert_eq!((result, count), (Err(Malformed::Index), 2));
}

#[test]
fn every_entry_of_the_static_table_is_read_by_its_index() {
    for index in 1..=61 {
        let (name, value) = static_table::get(usize::from(index)).unwrap();
        let block = [0x80 | index];
        assert_eq!(decode(&mut Decoder::new(0), &block), Ok(vec![(name.to_vec(), value.to_vec())]));
        let block = [0x40 | index, 1, b'x'];
        assert_eq!(decode(&mut Decoder::new(0), &block), Ok(vec![(name.to_vec(), b"x".to_vec())]));
    }
}

#[test]
fn a_size_update_evicts_at_once() {
    let mut decoder = Decoder::new(4096);
    decode(&mut decoder, b"\x40\x01a\x01b\x40\x01c\x01d").unwrap();
    assert_eq!(decode(&mut decoder, b"\xbe\xbf"), Ok(fields(&[("c", "d"), ("a", "b")])));
    // 67, and 4096 again: one of the two entries of 34 bytes stays.
    assert_eq!(decode(&mut decoder, b"\x3f\x24\x3f\xe1\x1f\xbe"), Ok(fields(&[("c", "d")])));
    assert_eq!(decode(&mut decoder, b"\xbf"), Err(Malformed::Index));
    assert_eq!(decode(&mut decoder, b"\x20"), Ok(Vec::new()));
    assert_eq!(decode(&mut decoder, b"\xbe"), Err(Malformed::Index));
}

#[test]
fn a_table_begins_with_the_initial_size_even_where_more_is_allowed() {
    let mut decoder = Decoder::new(65536);
    let mut block = b"\x40\x01a".to_vec();
    integer::encode(4064, 7, 0, &mut block);
    block.extend([b'v'; 4064]);
    decode(&mut decoder, &block).unwrap();
    assert_eq!(decoder.table.size(), 0);
    block.splice(0..0, *b"\x3f\xe1\xff\x03");
    decode(&mut decoder, &block).unwrap();
    assert_eq!(decoder.table.size(), 4097);
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
    let block = [&b"\x40\x01n\x20"[..], &[b'v'; 32]].concat();
    assert_eq!(decode(&mut decoder, &block), Ok(vec![(b"n".to_vec(), vec![b'v'; 32])]));
    assert_eq!(entries(&decoder), []);
}

#[test]
fn a_name_whose_entry_is_evicted_by_the_new_one_stays_right() {
    // RFC 7541 §4.4.
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, b"\x40\x04name\x14a value of 20 bytes!").unwrap();
    assert_eq!(entries(&decoder).len(), 1);
    for value in ["another value of 28 bytes ok", "a value"] {
        let mut block = vec![0x7e, value.len() as u8];
        block.extend_from_slice(value.as_bytes());
        assert_eq!(decode(&mut decoder, &block), Ok(fields(&[("name", value)])));
        assert_eq!(entries(&decoder), fields(&[("name", value)]));
    }
}

#[test]
fn what_is_in_the_table_is_not_printed() {
    let mut decoder = Decoder::new(4096);
    decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
    assert_eq!(format!("{decoder:?}"), "Decoder { size_max: 4096, size: 34, entries: 1 }");
}

#[test]
fn scratch_keeps_its_memory() {
    let mut scratch = Vec::new();
    let mut decoder = Decoder::new(0);
    let block = b"\x00\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x81\x1f";
    for _ in 0..2 {
        let check = |name: &[u8], value: &[u8]| assert_eq!((name, value), (&b"custom-key"[..], &b"a"[..]));
        decoder.decode(block, &mut scratch, check).unwrap();
    }
    let memory = (scratch.as_ptr(), scratch.capacity());
    decoder.decode(block, &mut scratch, |_, _| {}).unwrap();
    assert_eq!((scratch.as_ptr(), scratch.capacity()), memory);
}

/// Bytes that look more like a block than random ones do.
fn blocklike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        Just(b"\x40\x01a\x02bc".to_vec()),
        Just(b"\x7e\x81\x1f".to_vec()),
        Just(b"\x00\x82\x1f\xff\x00".to_vec()),
        (0x80_u8..0xc4).prop_map(|byte| vec![byte]),
        Just(b"\x5f\x05value".to_vec()),
        Just(b"\x3f\x29".to_vec()),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic_and_all_are_read_the_same_way_twice(
        blocks in proptest::collection::vec(
            prop_oneof![blocklike(), proptest::collection::vec(any::<u8>(), 0..100)], 1..5),
        size_max in prop_oneof![Just(4096_usize), 0_usize..200],
    ) {
        let (mut one, mut two) = (Decoder::new(size_max), Decoder::new(size_max));
        for block in blocks {
            prop_assert_eq!(decode(&mut one, &block), decode(&mut two, &block));
            prop_assert_eq!(entries(&one), entries(&two));
        }
    }
}
