//! Decimal and hexadecimal digits without `fmt`, whose machinery would cost more than the digits.

use alloc::vec::Vec;

const DIGIT_PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Appends `number` in decimal.
pub(crate) fn write_u64(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    while number >= 100 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(pair(number % 100));
        number /= 100;
    }
    if number >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(pair(number));
    } else {
        start -= 1;
        digits[start] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[start..]);
}

/// The two digits of a number below 100.
pub(crate) fn pair(number: u64) -> &'static [u8] {
    let at = (number % 100) as usize * 2;
    &DIGIT_PAIRS[at..at + 2]
}

/// Appends `number` in lower-case hexadecimal, with zeros in front up to `width` digits.
pub(crate) fn write_hex(number: u64, width: usize, out: &mut Vec<u8>) {
    let significant = (64 - number.leading_zeros() as usize).div_ceil(4).max(1);
    for place in (0..significant.max(width)).rev() {
        let digit = if place < 16 { (number >> (place * 4)) & 0xf } else { 0 };
        out.push(b"0123456789abcdef"[digit as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_fmt(number: u64, width in 0_usize..=16) {
            let mut out = Vec::new();
            write_u64(number, &mut out);
            out.push(b' ');
            write_hex(number, width, &mut out);
            prop_assert_eq!(out, format!("{number} {number:0width$x}").into_bytes());
        }
    }
}
