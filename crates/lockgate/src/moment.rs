//! Times for people: the admin API writes them as RFC 3339 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_event::parse_rfc3339;

/// Units of a distance in time, in seconds, the largest first.
const UNITS: [(i64, &str); 5] =
    [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// A time in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// Reads a time by RFC 3339; its fraction of a second is left out.
    pub(crate) fn read(text: &str) -> Option<Self> {
        parse_rfc3339(text.as_bytes()).map(|us| Self(us.div_euclid(1_000_000)))
    }

    /// How far it is from now, in its largest unit: `5 minutes ago`, `in 2 days`.
    pub(crate) fn seen_from(self, now: Self) -> String {
        let seconds = self.0 - now.0;
        let distance = seconds.abs();
        let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| distance >= *unit) else {
            return "now".into();
        };
        let count = distance / unit;
        let plural = if count == 1 { "" } else { "s" };
        if seconds < 0 { format!("{count} {name}{plural} ago") } else { format!("in {count} {name}{plural}") }
    }
}

/// `2026-11-21 01:20` of a time; a text that is none stays as it is.
pub(crate) fn plain(text: &str) -> String {
    match (Moment::read(text), text.get(..16)) {
        (Some(_), Some(minute)) => minute.replacen('T', " ", 1),
        _ => text.to_owned(),
    }
}

/// How far a time is from now; a text that is none stays as it is.
pub(crate) fn relative(text: &str, now: Moment) -> String {
    Moment::read(text).map_or_else(|| text.to_owned(), |moment| moment.seen_from(now))
}

#[cfg(test)]
mod tests {
    use lockgate_event::Timestamp;

    use super::*;

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for seconds in (0..4_000_000_000_u64).step_by(8_640_011).chain([951_782_400, 1_709_164_800]) {
            let written = Timestamp::from_unix_us(seconds * 1_000_000).to_string();
            assert_eq!(Moment::read(&written), Some(Moment(seconds as i64)), "{written}");
        }
    }

    #[test]
    fn what_is_no_time_stays_as_it_is() {
        for text in
            ["", "soon", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z", "T", "-1-2-3T4:5:6Z"]
        {
            assert_eq!((plain(text).as_str(), relative(text, Moment(0)).as_str()), (text, text));
        }
        assert_eq!(plain("2026-11-21T01:20:23.123456Z"), "2026-11-21 01:20");
    }

    #[test]
    fn a_distance_is_in_its_largest_unit() {
        let now = Moment::read("2026-11-21T12:00:00Z").unwrap();
        for (text, expected) in [
            ("2026-11-21T12:00:00Z", "now"),
            ("2026-11-21T11:59:59Z", "1 second ago"),
            ("2026-11-21T11:55:01Z", "4 minutes ago"),
            ("2026-11-20T12:00:00Z", "1 day ago"),
            ("2026-11-23T13:00:00Z", "in 2 days"),
            ("2028-11-23T13:00:00Z", "in 2 years"),
        ] {
            assert_eq!(relative(text, now), expected, "{text}");
        }
    }
}
