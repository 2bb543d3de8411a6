//! Bytes to coded text.

use super::code::{BITS, CODES};

/// Bytes that the text takes when coded.
#[inline]
pub(in crate::hpack) fn encoded_len(text: impl Iterator<Item = u8>) -> usize {
    text.map(|byte| usize::from(BITS[usize::from(byte)])).sum::<usize>().div_ceil(8)
}

/// Appends the coded text, padded to a whole byte with ones, the first bits of the end of a string (RFC 7541 §5.2).
#[inline]
pub(in crate::hpack) fn encode(text: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    // The last `count` bits of `bits` are still to be written: fewer than 32 between two symbols.
    let (mut bits, mut count) = (0_u64, 0_u32);
    for byte in text {
        let byte = usize::from(byte);
        bits = bits << BITS[byte] | u64::from(CODES[byte]);
        count += u32::from(BITS[byte]);
        if count >= 32 {
            count -= 32;
            out.extend_from_slice(&((bits >> count) as u32).to_be_bytes());
        }
    }
    let padding = (8 - count % 8) % 8;
    bits = bits << padding | ((1 << padding) - 1);
    count += padding;
    while count > 0 {
        count -= 8;
        out.push((bits >> count) as u8);
    }
}
