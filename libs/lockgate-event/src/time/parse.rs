//! Moments from the texts that name them.

use super::{MONTHS, SECONDS_PER_DAY, days_since_1970};

const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = SECONDS_PER_DAY as i64;

/// Reads `2026-11-21T01:20:23.123456Z` or with an offset (RFC 3339, section 5.6), a space for the `T` allowed; microseconds since
/// 1970-01-01T00:00:00Z, negative before it. What is finer is cut off; a leap second is the first of the next minute.
#[must_use]
pub fn parse_rfc3339(text: &[u8]) -> Option<i64> {
    let (day, rest) = date(text)?;
    let [b'T' | b't' | b' ', rest @ ..] = rest else { return None };
    let (second, rest) = clock(rest)?;
    let (fraction_us, rest) = fraction(rest)?;
    let ahead = match rest {
        b"Z" | b"z" => 0,
        [sign, hours @ .., b':', m1, m2] => offset(*sign, hours, &[*m1, *m2])?,
        _ => return None,
    };
    Some((day * DAY_S + second - ahead) * SECOND_US + fraction_us)
}

/// Reads `2026-11-21` (RFC 3339, section 5.6); its midnight in UTC, microseconds since 1970-01-01T00:00:00Z, negative before it.
#[must_use]
pub fn parse_date(text: &[u8]) -> Option<i64> {
    let (day, rest) = date(text)?;
    rest.is_empty().then_some(day * DAY_S * SECOND_US)
}

/// Reads `21/Nov/2026:01:20:23 +0000`, the form of the common and combined access logs; microseconds since 1970-01-01T00:00:00Z, negative
/// before it.
#[must_use]
pub fn parse_common_log(text: &[u8]) -> Option<i64> {
    let text: &[u8; 26] = text.try_into().ok()?;
    if [text[2], text[6], text[11], text[20]] != *b"//: " {
        return None;
    }
    let month = MONTHS.iter().position(|month| month[..] == text[3..6])?;
    let day = day_of(digits(&text[7..11])?, month as i64 + 1, digits(&text[..2])?)?;
    let (second, _) = clock(&text[12..20])?;
    Some((day * DAY_S + second - offset(text[21], &text[22..24], &text[24..])?) * SECOND_US)
}

/// `2026-11-21` as days since 1970, and what follows.
fn date(text: &[u8]) -> Option<(i64, &[u8])> {
    let (date, rest) = text.split_at_checked(10)?;
    if (date[4], date[7]) != (b'-', b'-') {
        return None;
    }
    Some((day_of(digits(&date[..4])?, digits(&date[5..7])?, digits(&date[8..])?)?, rest))
}

fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then(|| days_since_1970(year, month, day))
}

/// `01:20:23` as seconds since midnight, and what follows.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (clock, rest) = text.split_at_checked(8)?;
    let (hour, minute, second) = (digits(&clock[..2])?, digits(&clock[3..5])?, digits(&clock[6..])?);
    let is_clock = (clock[2], clock[5]) == (b':', b':') && hour < 24 && minute < 60 && second <= 60;
    is_clock.then_some((hour * 3600 + minute * 60 + second, rest))
}

/// Microseconds of a fraction of a second, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(count);
    let digit = |place: usize| fraction.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    (count > 0).then(|| ((0..6).fold(0, |sum, place| sum * 10 + digit(place)), rest))
}

/// How far a clock is ahead of UTC, seconds.
fn offset(sign: u8, hours: &[u8], minutes: &[u8]) -> Option<i64> {
    let (hours, minutes) = (digits(<&[u8; 2]>::try_from(hours).ok()?)?, digits(minutes)?);
    let ahead = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(ahead),
        b'-' => Some(-ahead),
        _ => None,
    }
}

/// A number of a few digits, and nothing else.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Both are compared as moments.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let expected = parse_rfc3339(expected.as_bytes());
        assert!(expected.is_some() && parse_rfc3339(text.as_bytes()) == expected, "{text}");
    }

    #[test]
    fn offsets_fractions_and_leap_seconds_are_understood() {
        assert_eq!(parse_rfc3339(b"2026-11-21T01:20:23.123456Z"), Some(1_795_224_023_123_456));
        check("2000-02-29T23:59:60Z", "2000-03-01T00:00:00Z");
        check("2026-11-21 01:20:23.1234567Z", "2026-11-21T01:20:23.123456Z");
        check("2026-11-21t01:20:23.5z", "2026-11-21T01:20:23.500000Z");
        check("2026-11-21T01:20:23+01:30", "2026-11-20T23:50:23Z");
        check("2026-12-31T23:30:00-00:30", "2027-01-01T00:00:00Z");
        assert_eq!(parse_rfc3339(b"1969-12-31T23:59:59Z"), Some(-1_000_000));
        assert_eq!(parse_rfc3339(b"0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000));
    }

    #[test]
    fn a_date_is_its_midnight() {
        assert_eq!(parse_date(b"2024-02-29"), parse_rfc3339(b"2024-02-29T00:00:00Z"));
        for wrong in
            ["", "2026", "2023-02-29", "2026-13-01", "2026-00-01", "2026-1-01", "2026-11-31", "+026-11-21"]
        {
            assert_eq!(parse_date(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_names_no_moment_is_refused() {
        for wrong in [
            "2026-11-21",
            "2026-11-21T",
            "2026-11-21T01:20:23",
            "2026-11-21T01:20Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T01:20:61Z",
            "2026-11-21T01:20:23.Z",
            "2026-11-21T01:20:23+0100",
            "2026-11-21T01:20:23+24:00",
            "2026-11-21T+1:20:23Z",
            "2026-11-\u{0662}1T01:20:23Z",
            "2026-11-21T01:20:23Zz",
        ] {
            assert_eq!(parse_rfc3339(wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in ["", "21/Nov/2026:01:20:23", "21/nov/2026:01:20:23 +0000", "31/Nov/2026:01:20:23 +0000"]
        {
            assert_eq!(parse_common_log(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_common_log(b"21/Nov/2026:01-20:23 +0000"), None);
        assert_eq!(parse_common_log(b"21/Nov/2026:01:20:23 00000"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(us in 0..253_402_300_799_999_999_u64) {
            let time = Timestamp::from_unix_us(us);
            prop_assert_eq!(parse_rfc3339(time.to_string().as_bytes()), Some(us as i64));
            let mut log = Vec::new();
            time.write_common_log(&mut log);
            prop_assert_eq!(parse_common_log(&log), Some((us - us % 1_000_000) as i64));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>) {
            let _ = (parse_rfc3339(&text), parse_date(&text), parse_common_log(&text));
        }
    }
}
