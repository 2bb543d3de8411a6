//! Metered amounts as decimal text: exact, never through a float.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{Value, decimal};

const MILLIONTHS: u64 = 1_000_000;

/// A text that is not an amount this gateway can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseValueError {
    /// Not `[-]digits[.digits]`.
    Malformed,
    /// Beyond ±9,223,372,036,854.775807.
    OutOfRange,
}

impl fmt::Display for ParseValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a decimal number of the form `12` or `-0.5`",
            Self::OutOfRange => "amount outside of ±9223372036854.775807",
        })
    }
}

impl core::error::Error for ParseValueError {}

impl Value {
    /// Appends the amount as a decimal with at least one digit behind the point, such as `1.0`.
    pub fn write_decimal(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let amount = self.0.unsigned_abs();
        decimal::write_u64(amount / MILLIONTHS, out);
        out.push(b'.');
        let fraction = amount % MILLIONTHS;
        for digits in [fraction / 10_000, fraction / 100 % 100, fraction % 100] {
            out.extend_from_slice(decimal::pair(digits));
        }
        let zeros = out.iter().rev().take(5).take_while(|&&digit| digit == b'0').count();
        out.truncate(out.len() - zeros);
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write_decimal(&mut text);
        f.pad(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Value {
    type Err = ParseValueError;

    /// Reads a decimal number and rounds it half to even at a millionth.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(ParseValueError::Malformed);
        }
        let whole: i64 = whole.parse().map_err(|_| ParseValueError::OutOfRange)?;
        let amount =
            i128::from(whole) * i128::from(MILLIONTHS) + i128::from(rounded_millionths(fraction.as_bytes()));
        let amount = if negative { -amount } else { amount };
        amount.try_into().map(Self).map_err(|_| ParseValueError::OutOfRange)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The first six digits behind the point, rounded half to even by those that follow.
fn rounded_millionths(fraction: &[u8]) -> i64 {
    let kept = (0..6).fold(0, |sum, place| sum * 10 + i64::from(fraction.get(place).map_or(0, |d| d - b'0')));
    let rest = fraction.get(6..).unwrap_or(&[]);
    let beyond_half = match rest.split_first() {
        None | Some((b'0'..=b'4', _)) => false,
        Some((b'5', tail)) => tail.iter().any(|&d| d != b'0') || kept % 2 == 1,
        Some(_) => true,
    };
    kept + i64::from(beyond_half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, ParseValueError>) {
        assert_eq!(text.parse::<Value>().map(|v| v.0), expected, "{text}");
    }

    #[test]
    fn half_goes_to_the_even_millionth() {
        check("0.0000005", Ok(0));
        check("0.0000015", Ok(2));
        check("0.0000025", Ok(2));
        check("0.00000250000000000000000000000000000001", Ok(3));
        check("-0.0000015", Ok(-2));
        check("1.9999995", Ok(2_000_000));
        check("0.00000049999", Ok(0));
    }

    #[test]
    fn the_range_ends_where_the_integer_does() {
        check("9223372036854.775807", Ok(i64::MAX));
        check("-9223372036854.775808", Ok(i64::MIN));
        check("9223372036854.775808", Err(ParseValueError::OutOfRange));
        check("9223372036854.7758075", Err(ParseValueError::OutOfRange));
        check("99999999999999999999", Err(ParseValueError::OutOfRange));
    }

    #[test]
    fn only_plain_decimals_are_numbers() {
        for text in ["", "-", "+1", "1.", ".5", "1e3", "0x1", " 1", "1 ", "--1", "1.2.3", "NaN", "١"] {
            check(text, Err(ParseValueError::Malformed));
        }
    }

    #[test]
    fn whole_amounts_keep_one_digit_behind_the_point() {
        assert_eq!(Value::ONE.to_string(), "1.0");
        assert_eq!(Value(-1).to_string(), "-0.000001");
        assert_eq!(Value(1_500_000).to_string(), "1.5");
        assert_eq!(Value::ZERO.to_string(), "0.0");
        assert_eq!(format!("{:>6}", Value::ONE), "   1.0");
    }

    proptest! {
        #[test]
        fn text_round_trips(amount: i64) {
            prop_assert_eq!(Value(amount).to_string().parse(), Ok(Value(amount)));
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text in ".{0,40}") {
            let _ = text.parse::<Value>();
        }
    }
}
