//! Digits eight at a time: a word holds the text's bytes, the first one lowest.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many of the first bytes of a word are digits.
#[inline(always)]
pub(crate) fn leading_digits(word: u64) -> usize {
    let distance = word ^ (LOW * b'0' as u64);
    let beyond = (distance & !HIGH) + LOW * (0x7f - 9);
    (((beyond | distance) & HIGH).trailing_zeros() / 8) as usize
}

/// The number that the first `count` bytes of a word are, all of them digits; 1 to 8.
///
/// Neighbors are put together three times: digits to pairs, pairs to fours, fours to eight.
#[inline(always)]
pub(crate) fn number(word: u64, count: usize) -> u64 {
    let digits = (word << (64 - 8 * count as u32)) & (LOW * 0x0f);
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_of_a_word_are_a_number(number_ in 0..100_000_000_u64, more: [u8; 8]) {
            let text = format!("{number_}");
            let mut bytes = more;
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            prop_assert_eq!(number(u64::from_le_bytes(bytes), text.len()), number_);
        }

        #[test]
        fn digits_end_where_another_byte_is(bytes: [u8; 8], digits in "[0-9]{0,8}") {
            let mut bytes = bytes;
            bytes[..digits.len()].copy_from_slice(digits.as_bytes());
            let expected = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            prop_assert_eq!(leading_digits(u64::from_le_bytes(bytes)), expected);
        }
    }
}
