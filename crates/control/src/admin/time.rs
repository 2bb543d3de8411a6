//! Times and spans as the API says them: RFC 3339, `30d`.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_event::{Timestamp, parse_date, parse_rfc3339};
use serde::{Serialize, Serializer};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: u64 = 3600 * SECOND_US as u64;
/// Most digits of a span's number.
const SPAN_DIGITS_MAX: usize = 6;

/// A time, microseconds since 1970-01-01T00:00:00Z, printed as RFC 3339.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) u64);

impl Time {
    pub(super) fn of_hour(hour: u64) -> Self {
        Self(hour.saturating_mul(HOUR_US))
    }

    pub(super) fn text(self) -> String {
        Timestamp::from_unix_us(self.0).to_string()
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Vec::with_capacity(27);
        Timestamp::from_unix_us(self.0).write_rfc3339(&mut text);
        serializer.serialize_str(&String::from_utf8_lossy(&text))
    }
}

/// The time now, microseconds since 1970-01-01T00:00:00Z.
pub(super) fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// The whole hour of a time, in hours since 1970-01-01T00:00:00Z.
pub(super) fn hour_of(us: u64) -> u64 {
    us / HOUR_US
}

/// Reads `2026-11-21` or `2026-11-21T01:20:23.5+01:00` (RFC 3339, section 5.6). Times before 1970 are taken for its beginning.
pub(super) fn read_time(text: &str) -> Result<u64, Cow<'static, str>> {
    let us = parse_rfc3339(text.as_bytes()).or_else(|| parse_date(text.as_bytes()));
    let us = us.ok_or("must be a date, or a time with its offset from UTC, by RFC 3339")?;
    Ok(us.try_into().unwrap_or(0))
}

/// Reads a whole number of `s`, `m`, `h` or `d`; the answer is in microseconds.
pub(super) fn read_span(text: &str) -> Result<u64, Cow<'static, str>> {
    span_us(text)
        .ok_or_else(|| "must be a whole number of at most six digits and `s`, `m`, `h` or `d`".into())
}

fn span_us(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    if digits.len() > SPAN_DIGITS_MAX {
        return None;
    }
    Some(number(digits)? as u64 * seconds * SECOND_US as u64)
}

/// A number of digits only: `str::parse` would take a sign.
fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_by_rfc_3339() {
        let check = |text: &str, expected: Option<&str>| {
            let read = read_time(text).ok().map(|us| Time(us).text());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("1970-01-01", Some("1970-01-01T00:00:00.000000Z"));
        check("2024-02-29", Some("2024-02-29T00:00:00.000000Z"));
        check("2023-02-29", None);
        check("2000-02-29T23:59:60Z", Some("2000-03-01T00:00:00.000000Z"));
        check("2026-11-21T01:20:23.1234567Z", Some("2026-11-21T01:20:23.123456Z"));
        check("2026-11-21t01:20:23.5z", Some("2026-11-21T01:20:23.500000Z"));
        check("2026-11-21T01:20:23+01:30", Some("2026-11-20T23:50:23.000000Z"));
        check("2026-12-31T23:30:00-00:30", Some("2027-01-01T00:00:00.000000Z"));
        check("9999-12-31T23:59:59-23:59", Some("10000-01-01T23:58:59.000000Z"));
        check("0001-01-01T00:00:00Z", Some("1970-01-01T00:00:00.000000Z"));
        for wrong in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-01",
            "2026-1-01",
            "2026-11-31",
            "2026-11-2",
            "2026-11-21T",
            "2026-11-21T01:20:23",
            "2026-11-21T01:20Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T01:20:23.Z",
            "2026-11-21T01:20:23+0100",
            "2026-11-21T01:20:23+24:00",
            "2026-11-21T+1:20:23Z",
            "+026-11-21",
            "2026-11-\u{0662}1",
            "2026-11-21T01:20:23Zz",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn every_day_is_read_back_as_it_is_printed() {
        for day in 0..300_000 {
            let us = day * 86_400 * SECOND_US as u64 + 1;
            assert_eq!(read_time(&Time(us).text()), Ok(us));
        }
    }

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(read_span(text).ok(), seconds.map(|seconds| seconds * 1_000_000), "{text}");
        };
        check("0s", Some(0));
        check("90s", Some(90));
        check("15m", Some(900));
        check("24h", Some(86_400));
        check("30d", Some(30 * 86_400));
        check("999999d", Some(999_999 * 86_400));
        for wrong in ["", "d", "30", "-1d", "+1d", "1.5h", "1000000s", "3w", "3\u{e9}"] {
            check(wrong, None);
        }
    }
}
