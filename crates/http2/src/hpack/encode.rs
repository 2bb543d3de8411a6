//! Fields to blocks.

use super::static_table::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE, STATUS};
use super::{huffman, integer, static_table};

/// A literal that others may keep in a table on their way (RFC 7541 §6.2.2).
const WITHOUT_INDEXING: u8 = 0x00;
/// A literal that nobody may keep in a table (RFC 7541 §6.2.3).
const NEVER_INDEXED: u8 = 0x10;

/// Appends a field: its index where the static table has it, else a literal, by the index of its name where that table has one. The
/// name is written in lower case (RFC 9113 §8.2.1); text is Huffman-coded where that is shorter.
///
/// What proves who somebody is goes as never to be indexed (RFC 7541 §7.1.3): `authorization`, `cookie`, `proxy-authorization` and
/// `set-cookie`.
pub fn encode_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let Some(index) = static_table::index_of_name(name) else {
        out.push(WITHOUT_INDEXING);
        encode_text(name.iter().map(u8::to_ascii_lowercase), out);
        encode_text(value.iter().copied(), out);
        return;
    };
    if matches!(index, AUTHORIZATION | COOKIE | PROXY_AUTHORIZATION | SET_COOKIE) {
        encode_value(NEVER_INDEXED, index, value, out);
    } else if let Some(index) = static_table::index_of_value(index, value) {
        out.push(0x80 | index);
    } else {
        encode_value(WITHOUT_INDEXING, index, value, out);
    }
}

/// Appends `:status`, by its index for the seven that have one (RFC 7541 Appendix A).
pub fn encode_status(status: u16, out: &mut Vec<u8>) {
    let index = match status {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        _ => {
            let mut digits = itoa::Buffer::new();
            return encode_value(WITHOUT_INDEXING, STATUS, digits.format(status).as_bytes(), out);
        }
    };
    out.push(0x80 | index);
}

/// Says that this side keeps no dynamic table (RFC 7541 §6.3): to stand at the start of the first block.
pub fn encode_no_table(out: &mut Vec<u8>) {
    out.push(0x20);
}

/// Appends a literal with the name of an index of the static table.
fn encode_value(pattern: u8, index: u8, value: &[u8], out: &mut Vec<u8>) {
    integer::encode(usize::from(index), 4, pattern, out);
    encode_text(value.iter().copied(), out);
}

/// Appends a string, Huffman-coded where that is shorter (RFC 7541 §5.2).
#[inline]
fn encode_text(text: impl ExactSizeIterator<Item = u8> + Clone, out: &mut Vec<u8>) {
    let (plain, coded) = (text.len(), huffman::encoded_len(text.clone()));
    out.reserve(coded.min(plain) + 8);
    if coded < plain {
        integer::encode(coded, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer::encode(plain, 7, 0, out);
        out.extend(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Decoder;
    use super::*;

    fn encoded(name: &str, value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encode_field(name.as_bytes(), value.as_bytes(), &mut out);
        out
    }

    fn decoded(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields = Vec::new();
        let keep = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
        Decoder::new(4096).decode(block, &mut Vec::new(), keep).unwrap();
        fields
    }

    #[test]
    fn each_entry_of_the_static_table_is_one_byte_unless_it_is_sensitive() {
        for index in 1_u8..=61 {
            let (name, value) = static_table::get(usize::from(index)).unwrap();
            let mut out = Vec::new();
            encode_field(name, value, &mut out);
            match index {
                AUTHORIZATION | COOKIE | PROXY_AUTHORIZATION | SET_COOKIE => {
                    assert_eq!(out, [0x1f, index - 15, 0]);
                }
                _ => assert_eq!(out, [0x80 | index]),
            }
            assert_eq!(decoded(&out), [(name.to_vec(), value.to_vec())]);
        }
    }

    #[test]
    fn a_known_name_goes_by_its_index() {
        assert_eq!(encoded(":path", "/sample/path"), *b"\x04\x89\x61\x03\xa6\xba\x0a\xc5\x63\x4c\xff");
        assert_eq!(encoded("Via", "{}"), *b"\x0f\x2d\x02{}");
        assert_eq!(encoded("ETag", "\""), *b"\x0f\x13\x01\"");
    }

    #[test]
    fn an_unknown_name_goes_in_lower_case() {
        assert_eq!(encoded("Custom-Key", "{"), *b"\x00\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x01{");
        assert_eq!(encoded("XY", "{"), *b"\x00\x02xy\x01{");
        assert_eq!(encoded("", ""), [0, 0, 0]);
    }

    #[test]
    fn what_proves_identity_is_never_indexed() {
        for name in ["Authorization", "cookie", "Proxy-Authorization", "set-cookie"] {
            assert_eq!(encoded(name, "secret")[0] & 0xf0, 0x10, "{name}");
        }
        assert_eq!(encoded("www-authenticate", "basic")[0] & 0xf0, 0x00);
    }

    #[test]
    fn every_status_reads_back() {
        for (status, expected) in [(200, &[0x88][..]), (500, &[0x8e]), (302, &[0x08, 0x82, 0x64, 0x02])] {
            let mut out = Vec::new();
            encode_status(status, &mut out);
            assert_eq!(out, expected);
        }
        for status in 100..1000 {
            let (mut out, mut as_field) = (Vec::new(), Vec::new());
            encode_status(status, &mut out);
            encode_field(b":status", status.to_string().as_bytes(), &mut as_field);
            assert_eq!(out, as_field);
            assert_eq!(decoded(&out), [(b":status".to_vec(), status.to_string().into_bytes())]);
        }
    }

    #[test]
    fn a_block_may_begin_with_the_end_of_the_table() {
        let mut out = Vec::new();
        encode_no_table(&mut out);
        encode_status(204, &mut out);
        assert_eq!(decoded(&out), [(b":status".to_vec(), b"204".to_vec())]);
    }

    fn name() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[A-Za-z-]{0,20}".prop_map(String::into_bytes),
            (1_usize..=61).prop_map(|index| static_table::get(index).unwrap().0.to_ascii_uppercase()),
            proptest::collection::vec(any::<u8>(), 0..300),
        ]
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[ -~]{0,40}".prop_map(String::into_bytes),
            (1_usize..=61).prop_map(|index| static_table::get(index).unwrap().1.to_vec()),
            proptest::collection::vec(any::<u8>(), 0..300),
        ]
    }

    proptest! {
        #[test]
        fn fields_read_back_in_lower_case(fields in proptest::collection::vec((name(), value()), 0..20)) {
            let mut block = Vec::new();
            for (name, value) in &fields {
                encode_field(name, value, &mut block);
            }
            let expected: Vec<_> =
                fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
            prop_assert_eq!(decoded(&block), expected);
        }
    }
}
