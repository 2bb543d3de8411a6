//! Metered amounts as JSON numbers: exact, never through a float.

use std::borrow::Cow;

use lockgate_event::Value;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

const MILLIONTHS: u128 = 1_000_000;
/// Digits that a number may have before its point once its exponent is written out; more are out of every range.
const WHOLE_DIGITS_MAX: i64 = 20;
/// Zeros behind the point from which on a number rounds to nothing.
const FRACTION_ZEROS_MAX: i64 = 8;

/// An amount in millionths of a unit, printed as a decimal with at least one digit behind the point.
#[derive(Clone, Copy)]
pub(super) struct Amount(pub(super) i128);

impl Amount {
    pub(super) fn text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        let mut text = format!("{sign}{}.{:06}", amount / MILLIONTHS, amount % MILLIONTHS);
        let zeros = text.bytes().rev().take(5).take_while(|digit| *digit == b'0').count();
        text.truncate(text.len() - zeros);
        text
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Reads the text of a JSON number (RFC 8259, section 6), rounded half to even at a millionth; `None` when it is no number, or
/// beyond what an event can hold.
pub(super) fn read_amount(text: &str) -> Option<i128> {
    plain(text)?.parse::<Value>().ok().map(|value| value.0.into())
}

/// Reads the text of a JSON number that has nothing behind its point, as `1`, `1.0` and `1e3` have not.
pub(super) fn read_whole(text: &str) -> Option<i64> {
    let plain = plain(text)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok()).flatten()
}

/// Writes a number without an exponent; `None` when it is too large for any range.
fn plain(text: &str) -> Option<Cow<'_, str>> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Some(text.into()) };
    let exponent = exponent.parse().unwrap_or_else(|_| huge(exponent));
    written_out(mantissa, exponent).map(Cow::Owned)
}

/// Stands for an exponent that no integer holds.
fn huge(exponent: &str) -> i64 {
    if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 }
}

fn written_out(mantissa: &str, exponent: i64) -> Option<String> {
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if whole.is_empty() {
        return None;
    }
    if digits.bytes().all(|digit| digit == b'0') {
        return Some("0".into());
    }
    let leading = digits.bytes().take_while(|digit| *digit == b'0').count();
    let digits = &digits[leading..];
    // Where the point is, counted from the first digit that is not 0.
    let point = (whole.len() as i64 - leading as i64).saturating_add(exponent);
    if point > WHOLE_DIGITS_MAX {
        return None;
    }
    if point <= 0 {
        let zeros = "0".repeat(point.saturating_neg().min(FRACTION_ZEROS_MAX) as usize);
        return Some(format!("{sign}0.{zeros}{digits}"));
    }
    let point = point as usize;
    Some(match digits.split_at_checked(point) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_printed_digit_by_digit() {
        let check = |millionths: i128, text: &str| {
            assert_eq!(serde_json::to_string(&Amount(millionths)).unwrap(), text);
        };
        check(0, "0.0");
        check(12_500_000, "12.5");
        check(-1, "-0.000001");
        check(1_000_010, "1.00001");
        check(123_456_789_012_345_678_901_234_567, "123456789012345678901.234567");
        check(i128::MIN, "-170141183460469231731687303715884.105728");
    }

    #[test]
    fn a_json_number_is_read_exactly() {
        let check =
            |text: &str, millionths: Option<i128>| assert_eq!(read_amount(text), millionths, "{text}");
        check("0", Some(0));
        check("-0", Some(0));
        check("12.5", Some(12_500_000));
        check("0.1", Some(100_000));
        check("9007199254740.993", Some(9_007_199_254_740_993_000));
        check("1e3", Some(1_000_000_000));
        check("1.5E+2", Some(150_000_000));
        check("-1e-05", Some(-10));
        check("2.5e-6", Some(2));
        check("3.5e-6", Some(4));
        check("0.00025e2", Some(25_000));
        check("5e-7", Some(0));
        check("1e-400", Some(0));
        check("1e-99999999999999999999", Some(0));
        check("0e99999999999999999999", Some(0));
        check("123456e-3", Some(123_456_000));
        for wrong in [
            "1e13",
            "1e400",
            "1e99999999999999999999",
            "9223372036855",
            "\"1\"",
            "true",
            "null",
            "[1]",
            ".e1",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let check = |text: &str, whole: Option<i64>| assert_eq!(read_whole(text), whole, "{text}");
        check("7", Some(7));
        check("-7.00", Some(-7));
        check("1.5e1", Some(15));
        check("9223372036854775807", Some(i64::MAX));
        check("-0.0", Some(0));
        for wrong in ["1.5", "1e-1", "9223372036854775808", "1e30", "\"1\"", "null"] {
            check(wrong, None);
        }
    }
}
