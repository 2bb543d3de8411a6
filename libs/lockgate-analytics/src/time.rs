//! Moments and periods as people write them.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use crate::{Cell, Number};

const SECOND_US: u64 = 1_000_000;
/// Numbers below this are seconds, those below its thousandfold milliseconds, then microseconds, then nanoseconds: each reaches from 1973 on.
const SECONDS_END: u64 = 100_000_000_000;

/// The first microsecond since 1970 that RFC 3339 has no text for in UTC: that of the year 10000.
const END_US: u64 = 253_402_300_800_000_000;

/// Reads a time by RFC 3339, as [`lockgate_event::parse_rfc3339`]; microseconds since 1970, `None` before, and after 9999.
#[must_use]
pub fn parse_rfc3339(text: &[u8]) -> Option<u64> {
    lockgate_event::parse_rfc3339(text).and_then(within)
}

/// Reads the time of an access log, as [`lockgate_event::parse_common_log`]; microseconds since 1970, `None` before, and after 9999.
#[must_use]
pub fn parse_common_log(text: &[u8]) -> Option<u64> {
    lockgate_event::parse_common_log(text).and_then(within)
}

fn within(us: i64) -> Option<u64> {
    us.try_into().ok().filter(|us| *us < END_US)
}

/// The moment a cell says: a moment, its text by RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size.
#[must_use]
pub fn moment_of(cell: &Cell<'_>) -> Option<u64> {
    match cell {
        Cell::Time(us) => Some(*us),
        Cell::Text(text) => parse_rfc3339(text.as_bytes()),
        Cell::Number(Number(millionths)) => {
            let millionths = u128::try_from(*millionths).ok()?;
            let whole = u64::try_from(millionths / 1_000_000).ok()?;
            let us = match whole {
                0..SECONDS_END => millionths,
                whole if whole / 1000 < SECONDS_END => millionths / 1000,
                whole if whole / 1_000_000 < SECONDS_END => whole.into(),
                whole => (whole / 1000).into(),
            };
            u64::try_from(us).ok()
        }
        _ => None,
    }
}

/// A length of time that buckets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(NonZeroU64);

/// A text that is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePeriodError;

impl fmt::Display for ParsePeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period is a number and `ms`, `s`, `m`, `h`, `d` or `w`, as in `5m`")
    }
}

impl core::error::Error for ParsePeriodError {}

impl Period {
    /// Length, microseconds.
    #[must_use]
    pub fn us(self) -> u64 {
        self.0.get()
    }

    /// Start of the bucket a moment lies in, counted from 1970; weeks start on Mondays. Microseconds.
    #[must_use]
    pub fn bucket(self, us: u64) -> u64 {
        const WEEK_US: u64 = 7 * 86_400 * SECOND_US;
        // 1970-01-01 was a Thursday.
        let shift = if self.us().is_multiple_of(WEEK_US) { 4 * 86_400 * SECOND_US } else { 0 };
        match us.checked_sub(shift) {
            Some(us) => us - us % self.us() + shift,
            None => 0,
        }
    }
}

impl FromStr for Period {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let count = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(count);
        let unit_us = match unit {
            "ms" => 1000,
            "s" => SECOND_US,
            "m" | "min" => 60 * SECOND_US,
            "h" => 3600 * SECOND_US,
            "d" => 86_400 * SECOND_US,
            "w" => 7 * 86_400 * SECOND_US,
            _ => return Err(ParsePeriodError),
        };
        let us = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_us));
        us.and_then(NonZeroU64::new).map(Self).ok_or(ParsePeriodError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use lockgate_event::Timestamp;

    #[test]
    fn what_was_before_1970_is_no_moment_here() {
        assert_eq!(parse_rfc3339(b"1970-01-01T00:00:00-00:30"), Some(1_800_000_000));
        assert_eq!(parse_rfc3339(b"1970-01-01T00:00:00+00:30"), None);
        assert_eq!(parse_common_log(b"01/Jan/1970:01:00:01 +0100"), Some(1_000_000));
        assert_eq!(parse_common_log(b"01/Jan/1970:01:00:01 +0200"), None);
    }

    #[test]
    fn numbers_are_moments_by_their_size() {
        for number in ["1795224023", "1795224023000", "1795224023000000", "1795224023000000000"] {
            let cell = Cell::Number(number.parse().unwrap());
            assert_eq!(moment_of(&cell), Some(1_795_224_023_000_000), "{number}");
        }
        assert_eq!(moment_of(&Cell::Number("1795224023.25".parse().unwrap())), Some(1_795_224_023_250_000));
        assert_eq!(moment_of(&Cell::Number("-1".parse().unwrap())), None);
    }

    #[test]
    fn buckets_start_where_people_expect() {
        let bucket = |period: &str, moment: &str| {
            let us = parse_rfc3339(moment.as_bytes()).unwrap();
            Timestamp::from_unix_us(period.parse::<Period>().unwrap().bucket(us)).to_string()
        };
        assert_eq!(bucket("5m", "2026-11-21T01:24:59Z"), "2026-11-21T01:20:00.000000Z");
        assert_eq!(bucket("1d", "2026-11-21T01:24:59Z"), "2026-11-21T00:00:00.000000Z");
        assert_eq!(bucket("1w", "2026-11-21T01:24:59Z"), "2026-11-16T00:00:00.000000Z");
        assert_eq!(bucket("1w", "1970-01-02T00:00:00Z"), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn moments_are_those_of_four_digits_in_utc() {
        assert_eq!(parse_rfc3339(b"9999-12-31T23:59:59.999999Z"), Some(END_US - 1));
        assert_eq!(parse_rfc3339(b"9999-12-31T23:59:59-05:00"), None);
        assert_eq!(parse_common_log(b"31/Dec/9999:23:59:59 -0500"), None);
        assert_eq!(parse_rfc3339(b"1969-12-31T23:59:59Z"), None);
    }

    #[test]
    fn periods_have_a_unit_and_are_not_nothing() {
        for text in ["", "5", "m", "0s", "5y", "-1s", "99999999999999999999s"] {
            assert_eq!(text.parse::<Period>(), Err(ParsePeriodError), "{text}");
        }
    }
}
