//! Moments and periods as people write them.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use lockgate_event::Timestamp;

use crate::{Cell, Number};

const SECOND_US: u64 = 1_000_000;
/// Numbers below this are seconds, those below its thousandfold milliseconds, then microseconds, then nanoseconds: each reaches from 1973 on.
const SECONDS_END: u64 = 100_000_000_000;

/// Reads `2026-11-21T01:20:23.123456Z` or with an offset (RFC 3339, section 5.6), a space for the `T` allowed; microseconds since 1970.
#[must_use]
pub fn parse_rfc3339(text: &[u8]) -> Option<u64> {
    let date = text.get(..19)?;
    let number = |at: usize, length: usize| digits(&date[at..at + length]);
    let marks = date[4] == b'-'
        && date[7] == b'-'
        && matches!(date[10], b'T' | b't' | b' ')
        && date[13] == b':'
        && date[16] == b':';
    if !marks {
        return None;
    }
    let (us, rest) = fraction(&text[19..])?;
    let moment = Timestamp {
        year: number(0, 4)?.into(),
        month: number(5, 2)? as u8,
        day: number(8, 2)? as u8,
        hour: number(11, 2)? as u8,
        minute: number(14, 2)? as u8,
        // A leap second is the last moment before the next minute.
        second: number(17, 2)?.min(59) as u8,
        microsecond: us,
    };
    let ahead_s = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let ahead = i64::from(digits(&[*h1, *h2])?) * 3600 + i64::from(digits(&[*m1, *m2])?) * 60;
            if *sign == b'-' { -ahead } else { ahead }
        }
        _ => return None,
    };
    moment.to_unix_us()?.checked_add_signed(-ahead_s * SECOND_US as i64)
}

/// Reads `21/Nov/2026:01:20:23 +0000`, the form of the common and combined access logs; microseconds since 1970.
#[must_use]
pub fn parse_common_log(text: &[u8]) -> Option<u64> {
    let text: &[u8; 26] = text.try_into().ok()?;
    let number = |at: usize, length: usize| digits(&text[at..at + length]);
    let marks = text[2] == b'/'
        && text[6] == b'/'
        && text[11] == b':'
        && text[14] == b':'
        && text[17] == b':'
        && text[20] == b' ';
    let month = MONTHS.iter().position(|month| month[..] == text[3..6])?;
    let moment = Timestamp {
        year: number(7, 4)?.into(),
        month: month as u8 + 1,
        day: number(0, 2)? as u8,
        hour: number(12, 2)? as u8,
        minute: number(15, 2)? as u8,
        second: number(18, 2)?.min(59) as u8,
        microsecond: 0,
    };
    let ahead = i64::from(number(22, 2)?) * 3600 + i64::from(number(24, 2)?) * 60;
    let ahead_s = match text[21] {
        b'+' => ahead,
        b'-' => -ahead,
        _ => return None,
    };
    moment.to_unix_us().filter(|_| marks)?.checked_add_signed(-ahead_s * SECOND_US as i64)
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// Microseconds of a fraction of a second, the rest cut off, and what follows.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let us = (0..6)
        .fold(0, |sum, place| sum * 10 + rest[..count].get(place).map_or(0, |digit| u32::from(digit - b'0')));
    (count > 0).then(|| (us, &rest[count..]))
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
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(parse_rfc3339(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn moments_are_read_with_and_without_offset() {
        check("1970-01-01T00:00:01Z", Some(1_000_000));
        check("1970-01-01 00:00:01.5Z", Some(1_500_000));
        check("1970-01-01T01:00:00.0000019+01:00", Some(1));
        check("1970-01-01T00:00:00-00:30", Some(1_800_000_000));
        check("1970-01-01T00:00:00+00:30", None);
        check("2026-11-21T01:20:23.123456Z", Some(1_795_224_023_123_456));
    }

    #[test]
    fn other_texts_are_no_moments() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T01:20:23",
            "2026-02-30T00:00:00Z",
            "2026-11-21T25:00:00Z",
            "2026-11-21T01:20:23.Z",
            "2026-11-21T01:20:23+1:00",
            "2026x11-21T01:20:23Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn the_time_of_an_access_log_is_read() {
        assert_eq!(parse_common_log(b"01/Jan/1970:01:00:01 +0100"), Some(1_000_000));
        assert_eq!(parse_common_log(b"01/Jan/1970:00:00:01 -0030"), Some(1_801_000_000));
        assert_eq!(parse_common_log(b"01/Foo/1970:00:00:01 +0000"), None);
        assert_eq!(parse_common_log(b"01/Jan/1970"), None);
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
    fn periods_have_a_unit_and_are_not_nothing() {
        for text in ["", "5", "m", "0s", "5y", "-1s", "99999999999999999999s"] {
            assert_eq!(text.parse::<Period>(), Err(ParsePeriodError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(us in 0..253_402_300_800_000_000_u64) {
            let moment = Timestamp::from_unix_us(us);
            let mut common = alloc::vec::Vec::new();
            moment.write_common_log(&mut common);
            prop_assert_eq!(parse_rfc3339(moment.to_string().as_bytes()), Some(us));
            prop_assert_eq!(parse_common_log(&common), Some(us - us % 1_000_000));
        }

        #[test]
        fn any_bytes_are_a_moment_or_none(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (parse_rfc3339(&text), parse_common_log(&text));
        }
    }
}
