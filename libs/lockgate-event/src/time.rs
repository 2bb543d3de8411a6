//! Civil time of a moment in UTC, for the texts that name one.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::decimal;

mod parse;

pub use parse::{parse_common_log, parse_date, parse_rfc3339};

const SECONDS_PER_DAY: u64 = 86_400;
/// No moment that 64 bits of microseconds can tell is in this year or later.
const YEAR_END: i64 = 600_000;
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A moment in UTC, taken apart; prints as RFC 3339 with microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Year of the Gregorian calendar, 1970 or later.
    pub year: u64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59: Unix time has no leap seconds.
    pub second: u8,
    /// 0 to 999,999.
    pub microsecond: u32,
}

impl Timestamp {
    /// The moment `us` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix_us(us: u64) -> Self {
        let seconds = us / 1_000_000;
        let (year, month, day) = civil_date(seconds / SECONDS_PER_DAY);
        let of_day = seconds % SECONDS_PER_DAY;
        Self {
            year,
            month,
            day,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            microsecond: (us % 1_000_000) as u32,
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; `None` when there is no such moment, or the number is too large.
    #[must_use]
    pub fn to_unix_us(&self) -> Option<u64> {
        let year = i64::try_from(self.year).ok().filter(|year| *year < YEAR_END)?;
        let days = days_since_1970(year, self.month.into(), self.day.into());
        let days = u64::try_from(days).ok()?;
        let of_day = u64::from(self.hour) * 3600 + u64::from(self.minute) * 60 + u64::from(self.second);
        let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(of_day)?;
        let us = seconds.checked_mul(1_000_000)?.checked_add(self.microsecond.into())?;
        (Self::from_unix_us(us) == *self).then_some(us)
    }

    /// Appends `2026-11-21T01:20:23.123456Z` (RFC 3339, section 5.6).
    pub fn write_rfc3339(&self, out: &mut Vec<u8>) {
        self.write_year(out);
        for (before, number) in [
            (b'-', self.month),
            (b'-', self.day),
            (b'T', self.hour),
            (b':', self.minute),
            (b':', self.second),
        ] {
            out.push(before);
            out.extend_from_slice(decimal::pair(number.into()));
        }
        out.push(b'.');
        let us = u64::from(self.microsecond);
        for digits in [us / 10_000, us / 100 % 100, us % 100] {
            out.extend_from_slice(decimal::pair(digits));
        }
        out.push(b'Z');
    }

    /// Appends `21/Nov/2026:01:20:23 +0000`, the form of the common and combined access logs.
    pub fn write_common_log(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(decimal::pair(self.day.into()));
        out.push(b'/');
        out.extend_from_slice(MONTHS[usize::from(self.month.clamp(1, 12)) - 1]);
        out.push(b'/');
        self.write_year(out);
        for number in [self.hour, self.minute, self.second] {
            out.push(b':');
            out.extend_from_slice(decimal::pair(number.into()));
        }
        out.extend_from_slice(b" +0000");
    }

    fn write_year(&self, out: &mut Vec<u8>) {
        if self.year > 9999 {
            decimal::write_u64(self.year, out);
        } else {
            out.extend_from_slice(decimal::pair(self.year / 100));
            out.extend_from_slice(decimal::pair(self.year % 100));
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        self.write_rfc3339(&mut text);
        f.pad(&String::from_utf8_lossy(&text))
    }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Counts in years that start on 1 March, so that the leap day is the last of its year and the lengths of the months follow one formula.
fn civil_date(days_since_1970: u64) -> (u64, u8, u8) {
    const DAYS_PER_ERA: u64 = 146_097; // 400 years
    let days = days_since_1970 + 719_468; // from 0000-03-01
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month as u8, day as u8)
}

/// Days from 1970-01-01 to a date, by the same years; negative before it. A date that is none gives some number.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let march_year = year - i64::from(month <= 2);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let leap_days = march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    march_year * 365 + leap_days + (153 * march_month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[track_caller]
    fn check(us: u64, rfc3339: &str, common_log: &str) {
        let time = Timestamp::from_unix_us(us);
        let mut log = Vec::new();
        time.write_common_log(&mut log);
        assert_eq!((time.to_string().as_str(), log.as_slice()), (rfc3339, common_log.as_bytes()));
    }

    #[test]
    fn known_moments_have_their_texts() {
        check(0, "1970-01-01T00:00:00.000000Z", "01/Jan/1970:00:00:00 +0000");
        check(1_795_224_023_123_456, "2026-11-21T01:20:23.123456Z", "21/Nov/2026:01:20:23 +0000");
        check(951_782_400_000_001, "2000-02-29T00:00:00.000001Z", "29/Feb/2000:00:00:00 +0000");
        check(4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z", "28/Feb/2100:23:59:59 +0000");
    }

    /// Days of a year by the plain rule of the calendar.
    fn days_of(year: u64) -> u64 {
        if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) {
            366
        } else {
            365
        }
    }

    #[test]
    fn each_year_starts_where_the_one_before_ends() {
        let mut day = 0;
        for year in 1970..3000 {
            assert_eq!(civil_date(day), (year, 1, 1));
            day += days_of(year);
            assert_eq!(civil_date(day - 1), (year, 12, 31));
        }
    }

    proptest! {
        #[test]
        fn any_number_is_a_moment(us: u64) {
            let time = Timestamp::from_unix_us(us);
            prop_assert!((1..=12).contains(&time.month) && (1..=31).contains(&time.day));
            prop_assert!(time.to_string().ends_with('Z'));
            prop_assert_eq!(time.to_unix_us(), Some(us));
        }

        #[test]
        fn what_is_no_moment_has_no_number(year: u64, fields: [u8; 5], microsecond: u32) {
            let [month, day, hour, minute, second] = fields;
            let time = Timestamp { year: year % 10_000, month, day, hour, minute, second, microsecond };
            prop_assert!(time.to_unix_us().is_none_or(|us| Timestamp::from_unix_us(us) == time));
        }
    }
}
