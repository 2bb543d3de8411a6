//! Numbers as exact decimals: integers of a millionth, summed in 128 bits, so that any order of adding gives the same sum.

use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "std")]
use core::ops::Range;
use core::str::FromStr;

use lockgate_event::Value;

#[cfg(feature = "std")]
use crate::swar;

const MILLIONTHS: i128 = 1_000_000;
/// Largest amount that is read: sums of 2^40 such numbers still fit.
const NUMBER_MAX: i128 = i128::MAX >> 40;
/// Digits that always fit 64 bits.
const SHORT_DIGITS: usize = 12;
/// The first number of more than 15 digits.
const SHORT_DECIMAL_END: f64 = 1e15;

/// A decimal number in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub i128);

/// A text that is not a number that can be counted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseNumberError {
    /// Not a number as in RFC 8259, section 6.
    Malformed,
    /// Beyond ±1.5·10²⁰.
    OutOfRange,
}

impl fmt::Display for ParseNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a number",
            Self::OutOfRange => "a number beyond ±1.5e20",
        })
    }
}

impl core::error::Error for ParseNumberError {}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// A whole number.
    #[must_use]
    pub const fn whole(number: u64) -> Self {
        Self(number as i128 * MILLIONTHS)
    }

    /// The whole number this is, if it is one.
    #[must_use]
    pub fn as_whole(self) -> Option<u64> {
        if self.0 % MILLIONTHS == 0 { u64::try_from(self.0 / MILLIONTHS).ok() } else { None }
    }

    /// The nearest binary number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / MILLIONTHS as f64
    }

    /// The decimal nearest to a binary number, as its shortest decimal form says it; `None` when it is not finite or too large.
    #[must_use]
    pub fn from_f64(number: f64) -> Option<Self> {
        // Up to 15 digits, a decimal and its nearest binary number tell each other: no other decimal of so few digits is as near.
        let millionths = number * MILLIONTHS as f64;
        if millionths.abs() < SHORT_DECIMAL_END {
            let rounded = if millionths < 0.0 { millionths - 0.5 } else { millionths + 0.5 } as i64;
            if rounded as f64 / MILLIONTHS as f64 == number {
                return Some(Self(rounded.into()));
            }
        }
        if !number.is_finite() {
            return None;
        }
        alloc::format!("{number:e}").parse().ok()
    }

    /// Reads a number as it stands in JSON, rounding half to even at a millionth.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a number, or one that is too large.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, ParseNumberError> {
        short(text).map_or_else(|| long(text), Ok)
    }

    /// Reads a number that stands in a longer text: bytes behind it may be looked at, which makes it cheaper.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn parse_within(text: &[u8], place: Range<usize>) -> Result<Self, ParseNumberError> {
        short_within(text, place.clone()).map_or_else(|| Self::parse(&text[place]), Ok)
    }

    /// Appends the shortest decimal form, such as `12` or `-0.5`.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let amount = self.0.unsigned_abs();
        write_digits(amount / MILLIONTHS as u128, out);
        let fraction = (amount % MILLIONTHS as u128) as u32;
        if fraction > 0 {
            out.push(b'.');
            let mut unit = 100_000;
            let mut rest = fraction;
            while rest > 0 {
                out.push(b'0' + (rest / unit) as u8);
                rest %= unit;
                unit /= 10;
            }
        }
    }
}

fn write_digits(mut number: u128, out: &mut Vec<u8>) {
    let mut digits = [0; 39];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// A number of few digits, which nearly all are; `None` for any other text.
#[inline]
fn short(text: &[u8]) -> Option<Number> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut amount = 0_i64;
    let mut whole_digits = 0;
    while let Some(digit) =
        digits.get(whole_digits).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
    {
        if whole_digits == SHORT_DIGITS {
            return None;
        }
        amount = amount * 10 + i64::from(digit);
        whole_digits += 1;
    }
    if whole_digits == 0 || (whole_digits > 1 && digits[0] == b'0') {
        return None;
    }
    amount *= MILLIONTHS as i64;
    match &digits[whole_digits..] {
        [] => {}
        [b'.', fraction @ ..] if (1..=6).contains(&fraction.len()) => amount += short_fraction(fraction)?,
        _ => return None,
    }
    Some(Number(i128::from(if negative { -amount } else { amount })))
}

/// Up to eight digits and up to six behind a point, each read as one word; `None` for any other text.
#[cfg(feature = "std")]
#[inline(always)]
fn short_within(text: &[u8], place: Range<usize>) -> Option<Number> {
    const UNITS: [u64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let word = |at: usize| Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?));
    let length = place.end.checked_sub(place.start)?;
    let first = word(place.start)?;
    let whole_digits = swar::leading_digits(first).min(length);
    if whole_digits == 0 || (whole_digits > 1 && first as u8 == b'0') {
        return None;
    }
    let whole = swar::number(first, whole_digits) * UNITS[0];
    if whole_digits == length {
        return Some(Number(whole.into()));
    }
    let digits = length - whole_digits - 1;
    let point = place.start + whole_digits;
    let unit = UNITS.get(digits).filter(|_| text[point] == b'.' && digits > 0)?;
    let fraction = word(point + 1)?;
    (swar::leading_digits(fraction) >= digits)
        .then(|| Number((whole + swar::number(fraction, digits) * unit).into()))
}

#[inline]
fn short_fraction(digits: &[u8]) -> Option<i64> {
    let mut amount = 0;
    let mut unit = MILLIONTHS as i64 / 10;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        amount += i64::from(digit) * unit;
        unit /= 10;
    }
    Some(amount)
}

/// Any number: sign, whole part, fraction, exponent.
#[cold]
fn long(text: &[u8]) -> Result<Number, ParseNumberError> {
    use ParseNumberError::{Malformed, OutOfRange};
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (whole, rest) = digits_of(rest);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => match digits_of(rest) {
            ([], _) => return Err(Malformed),
            parts => parts,
        },
        _ => (&[][..], rest),
    };
    if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
        return Err(Malformed);
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => exponent_of(rest)?,
        _ => return Err(Malformed),
    };
    // Place of the point behind the millionths, counted from the first digit.
    let end = whole.len() as i64 + exponent + 6;
    let mut amount = 0_u128;
    let mut digits = whole.iter().chain(fraction).map(|byte| u128::from(byte - b'0'));
    for _ in 0..end.min((whole.len() + fraction.len()) as i64) {
        let digit = digits.next().unwrap_or(0);
        amount = amount.checked_mul(10).and_then(|amount| amount.checked_add(digit)).ok_or(OutOfRange)?;
    }
    for _ in (whole.len() + fraction.len()) as i64..end {
        if amount == 0 {
            break;
        }
        amount = amount.checked_mul(10).ok_or(OutOfRange)?;
    }
    let beyond_half = if end < 0 { false } else { rounds_up(&mut digits, amount % 2 == 1) };
    let amount = i128::try_from(amount).ok().and_then(|amount| amount.checked_add(beyond_half.into()));
    let amount = amount.filter(|amount| *amount <= NUMBER_MAX).ok_or(OutOfRange)?;
    Ok(Number(if negative { -amount } else { amount }))
}

/// Whether the digits behind a number round it up, half to even.
fn rounds_up(digits: &mut impl Iterator<Item = u128>, is_odd: bool) -> bool {
    match digits.next() {
        None | Some(0..=4) => false,
        Some(5) => is_odd || digits.any(|digit| digit != 0),
        Some(_) => true,
    }
}

fn digits_of(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(count)
}

fn exponent_of(text: &[u8]) -> Result<i64, ParseNumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseNumberError::Malformed);
    }
    // Beyond a few hundred every exponent means nothing or too much.
    let exponent =
        digits.iter().fold(0_i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(100_000_000));
    Ok(if negative { -exponent } else { exponent })
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(i128::from(number) * MILLIONTHS)
    }
}

impl From<Value> for Number {
    fn from(value: Value) -> Self {
        Self(value.0.into())
    }
}

impl FromStr for Number {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write(&mut text);
        f.pad(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i128, ParseNumberError>) {
        assert_eq!(text.parse::<Number>().map(|number| number.0), expected, "{text}");
        assert_eq!(long(text.as_bytes()).map(|number| number.0), expected, "{text}, the long way");
    }

    #[test]
    fn numbers_of_json_are_read_exactly() {
        check("0", Ok(0));
        check("-0", Ok(0));
        check("12", Ok(12_000_000));
        check("-0.5", Ok(-500_000));
        check("1.234567", Ok(1_234_567));
        check("1e3", Ok(1_000_000_000));
        check("12.5E-1", Ok(1_250_000));
        check("18446744073709551615", Ok(18_446_744_073_709_551_615_000_000));
        check("123456789012.123456", Ok(123_456_789_012_123_456));
    }

    #[test]
    fn half_goes_to_the_even_millionth() {
        check("0.0000005", Ok(0));
        check("0.0000015", Ok(2));
        check("0.00000250000000000000000000000001", Ok(3));
        check("15e-7", Ok(2));
        check("5e-7", Ok(0));
        check("6e-7", Ok(1));
        check("6e-8", Ok(0));
        check("1e-400", Ok(0));
        check("0.00000000000000000000000000000000000000000000000001e50", Ok(1_000_000));
    }

    #[test]
    fn what_cannot_be_summed_is_refused() {
        check("1e21", Err(ParseNumberError::OutOfRange));
        check("1e99999999999999999999", Err(ParseNumberError::OutOfRange));
        check("0e99999999999999999999", Ok(0));
        check("1e20", Ok(100_000_000_000_000_000_000_000_000));
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "", "-", "+1", "1.", ".5", "01", "-01.5", "0x1", " 1", "1 ", "--1", "1.2.3", "NaN", "1e", "1e+",
            "1e5x", "١",
        ] {
            check(text, Err(ParseNumberError::Malformed));
        }
    }

    #[track_caller]
    fn check_binary(number: f64) {
        let expected = alloc::format!("{number:e}").parse().ok();
        assert_eq!(Number::from_f64(number), expected, "{number:e}");
    }

    #[test]
    fn binary_numbers_are_what_their_shortest_decimal_says() {
        for number in [
            0.0,
            -0.0,
            0.1,
            -0.3,
            1.0000005,
            0.0000005,
            0.0000015,
            999_999_999.999_999,
            1e9,
            123_456_789.123_456_7,
            0.1 + 0.2,
            1e15,
            9_007_199_254_740_993.0,
            1.5e20,
            1e21,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ] {
            check_binary(number);
        }
    }

    proptest! {
        #[cfg(feature = "std")]
        #[test]
        fn a_number_within_a_text_is_the_same(
            text in "(0|-?[0-9]{1,10})(\\.[0-9]{0,8})?([eE][0-9])?|.{0,5}",
            more in "[0-9,.e}]{0,12}",
        ) {
            let whole = alloc::format!("\"{text}{more}");
            let within = Number::parse_within(whole.as_bytes(), 1..1 + text.len());
            prop_assert_eq!(within, Number::parse(text.as_bytes()));
        }

        #[test]
        fn any_binary_number_is_what_its_shortest_decimal_says(number: f64, millionths in -2_000_000_000_000_000_i64..2_000_000_000_000_000) {
            check_binary(number);
            check_binary(millionths as f64 / 1e6);
            check_binary(millionths as f64 / 1e7);
        }

        #[test]
        fn text_round_trips(amount in -NUMBER_MAX..=NUMBER_MAX) {
            prop_assert_eq!(Number(amount).to_string().parse(), Ok(Number(amount)));
        }

        #[test]
        fn both_ways_of_reading_agree(text in "-?[0-9]{1,14}(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?") {
            let read = Number::parse(text.as_bytes());
            prop_assert_eq!(read, long(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_a_number_or_an_error(text in proptest::collection::vec(any::<u8>(), 0..30)) {
            let _ = Number::parse(&text);
        }
    }
}
