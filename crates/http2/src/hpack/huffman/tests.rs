//! The code against the examples of RFC 7541, and what a decoder has to refuse.

use proptest::prelude::*;

use super::code::{BITS, CODES, END, SYMBOLS};
use super::*;
use crate::hpack::Malformed;

fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(text.iter().copied(), &mut out);
    assert_eq!(out.len(), encoded_len(text.iter().copied()));
    out
}

fn decoded(coded: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut room = vec![0; decoded_max(coded.len())];
    let written = decode(coded, &mut room)?;
    room.truncate(written);
    Ok(room)
}

/// Bits, written as `0` and `1`, as bytes; blanks are for the eye.
fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    assert_eq!(bits.len() % 8, 0, "whole bytes");
    bits.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

/// A symbol's code as `0` and `1`.
fn code(symbol: u16) -> String {
    let symbol = usize::from(symbol);
    format!("{:0width$b}", CODES[symbol], width = usize::from(BITS[symbol]))
}

/// A decoder that tries every symbol at every place.
fn decoded_slowly(coded: &[u8]) -> Result<Vec<u8>, Malformed> {
    let bits: String = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let codes: Vec<String> = (0..=END).map(code).collect();
    let (mut rest, mut text) = (bits.as_str(), Vec::new());
    while let Some(symbol) = codes.iter().position(|code| rest.starts_with(code.as_str())) {
        text.push(u8::try_from(symbol).map_err(|_| Malformed::Huffman)?);
        rest = &rest[codes[symbol].len()..];
    }
    if rest.len() < 8 && !rest.contains('0') { Ok(text) } else { Err(Malformed::Huffman) }
}

#[test]
fn the_codes_are_those_of_the_rfc() {
    // RFC 7541 Appendix B: the first and last of some lengths.
    for (symbol, expected) in [
        (u16::from(b'0'), "00000"),
        (u16::from(b't'), "01001"),
        (u16::from(b' '), "010100"),
        (u16::from(b'u'), "101101"),
        (u16::from(b':'), "1011100"),
        (u16::from(b'z'), "1111011"),
        (u16::from(b'&'), "11111000"),
        (u16::from(b'Z'), "11111101"),
        (u16::from(b'!'), "1111111000"),
        (u16::from(b'\\'), "1111111111111110000"),
        (0, "1111111111000"),
        (END, "111111111111111111111111111111"),
    ] {
        assert_eq!(code(symbol), expected, "{symbol}");
    }
}

#[test]
fn no_bits_are_without_meaning() {
    let sum: u64 = (0..SYMBOLS).map(|symbol| 1 << (30 - BITS[symbol])).sum();
    assert_eq!(sum, 1 << 30);
}

#[test]
fn the_texts_of_the_examples_read_and_write() {
    // RFC 7541 §C.4, §C.6.
    for (text, coded) in [
        ("www.example.com", &b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"[..]),
        ("no-cache", b"\xa8\xeb\x10\x64\x9c\xbf"),
        ("custom-key", b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f"),
        ("302", b"\x64\x02"),
        ("private", b"\xae\xc3\x77\x1a\x4b"),
        ("gzip", b"\x9b\xd9\xab"),
    ] {
        assert_eq!(encoded(text.as_bytes()), coded, "{text}");
        assert_eq!(decoded(coded), Ok(text.as_bytes().to_vec()), "{text}");
    }
}

#[test]
fn every_byte_reads_back_alone_and_among_others() {
    for byte in 0..=255 {
        for text in [&[byte][..], &[byte; 9], &[b'a', byte, b'0'], &[0, byte, 10]] {
            assert_eq!(decoded(&encoded(text)), Ok(text.to_vec()), "{text:?}");
        }
    }
    let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    assert_eq!(decoded(&encoded(&all)), Ok(all));
}

#[test]
fn the_end_of_a_string_is_no_part_of_it() {
    assert_eq!(decoded(&[0xff; 4]), Err(Malformed::Huffman));
    assert_eq!(decoded(&[0xff; 40]), Err(Malformed::Huffman));
    let within = code(u16::from(b'a')) + &code(END) + &code(u16::from(b'a'));
    assert_eq!(decoded(&bytes(&within)), Err(Malformed::Huffman));
}

#[test]
fn padding_is_at_most_seven_ones() {
    assert_eq!(decoded(&[]), Ok(Vec::new()));
    assert_eq!(decoded(&bytes("00011 111")), Ok(b"a".to_vec()));
    assert_eq!(decoded(&bytes("11111000")), Ok(b"&".to_vec()));
    assert_eq!(decoded(&bytes("1011100 1")), Ok(b":".to_vec()));
    assert_eq!(decoded(&bytes("11111000 1111111000 111111")), Ok(b"&!".to_vec()));
    assert_eq!(decoded(&bytes("010100 1111111000 11111000 1111111000 010100")), Ok(b" !&! ".to_vec()));
    for bits in
        ["11111111", "00011 11111111111", "00011 110", "00011 000", "11111000 11111111", "00011 111 11111111"]
    {
        assert_eq!(decoded(&bytes(bits)), Err(Malformed::Huffman), "{bits}");
    }
}

#[test]
fn a_long_code_that_is_cut_off_is_refused() {
    let cut = code(10);
    assert_eq!(decoded(&bytes(&cut[..24])), Err(Malformed::Huffman));
    let cut = code(0);
    assert_eq!(decoded(&bytes(&cut[..8])), Err(Malformed::Huffman));
}

proptest! {
    #[test]
    fn text_reads_back(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(decoded(&encoded(&text)), Ok(text));
    }

    #[test]
    fn visible_text_reads_back(text in "[ -~]{0,200}") {
        prop_assert_eq!(decoded(&encoded(text.as_bytes())), Ok(text.into_bytes()));
    }

    #[test]
    fn any_bytes_are_read_as_a_slow_decoder_reads_them(coded in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(decoded(&coded), decoded_slowly(&coded));
    }

    #[test]
    fn bytes_of_many_ones_are_read_as_a_slow_decoder_reads_them(
        coded in proptest::collection::vec(prop_oneof![Just(0xff_u8), Just(0xfe), any::<u8>()], 0..20),
    ) {
        prop_assert_eq!(decoded(&coded), decoded_slowly(&coded));
    }
}
