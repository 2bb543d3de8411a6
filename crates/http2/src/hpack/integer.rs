//! Integers that begin within a byte (RFC 7541 §5.1).

use super::Malformed;

/// Reads an integer whose first `prefix` bits, 1 to 8, are the last ones of the first byte; answers it with what follows it.
///
/// # Errors
/// No end within five more bytes, which is enough for what is accepted: anything below 2³².
#[inline]
pub(super) fn decode(bytes: &[u8], prefix: u32) -> Result<(usize, &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed::Truncated)?;
    let full = (1 << prefix) - 1;
    let value = usize::from(first) & full;
    if value < full { Ok((value, rest)) } else { decode_rest(value, rest) }
}

/// Reads the bytes behind a prefix that is full.
fn decode_rest(prefix: usize, mut rest: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let mut value = prefix as u64;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, after) = rest.split_first().ok_or(Malformed::Truncated)?;
        rest = after;
        value += u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let value = u32::try_from(value).map_err(|_| Malformed::Integer)?;
            return Ok((value as usize, rest));
        }
    }
    Err(Malformed::Integer)
}

/// Appends an integer behind `pattern`, whose last `prefix` bits, 1 to 8, are zero.
#[inline]
pub(super) fn encode(value: usize, prefix: u32, pattern: u8, out: &mut Vec<u8>) {
    let full = (1 << prefix) - 1;
    if value < full {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | full as u8);
    let mut left = value - full;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_read_and_write() {
        // RFC 7541 §C.1.
        for (value, prefix, bytes) in [(10, 5, &[0x0a][..]), (1337, 5, &[0x1f, 0x9a, 0x0a]), (42, 8, &[0x2a])]
        {
            let mut out = Vec::new();
            encode(value, prefix, 0, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(decode(bytes, prefix), Ok((value, &[][..])));
        }
    }

    #[test]
    fn bits_before_the_prefix_are_no_part_of_the_integer() {
        assert_eq!(decode(&[0xea, 7], 5), Ok((10, &[7][..])));
        assert_eq!(decode(&[0xff, 0x9a, 0x0a, 7], 5), Ok((1337, &[7][..])));
    }

    #[test]
    fn an_integer_without_end_is_truncated() {
        for bytes in [&[][..], &[0x1f], &[0x1f, 0x80], &[0x1f, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(decode(bytes, 5), Err(Malformed::Truncated));
        }
    }

    #[test]
    fn an_integer_beyond_32_bits_is_refused() {
        let most = [0x1f, 0xe0, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(decode(&most, 5), Ok((u32::MAX as usize, &[][..])));
        for bytes in [[0x1f, 0xe1, 0xff, 0xff, 0xff, 0x0f, 0], [0x1f, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]] {
            assert_eq!(decode(&bytes, 5), Err(Malformed::Integer));
        }
    }

    #[test]
    fn zeros_do_not_make_an_integer_long() {
        assert_eq!(decode(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00], 5), Ok((31, &[][..])));
        assert_eq!(decode(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 5), Err(Malformed::Integer));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in 0..=u32::MAX as usize, prefix in 1_u32..=8) {
            let mut out = Vec::new();
            encode(value, prefix, 0, &mut out);
            prop_assert_eq!(decode(&out, prefix), Ok((value, &[][..])));
        }
    }
}
