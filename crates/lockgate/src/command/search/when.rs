//! Moments of the command line, and of lines that say when they were written.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_analytics::{Period, parse_common_log, parse_rfc3339};

/// Bytes of a line in which the time of an access log is looked for.
const REACH_BYTES: usize = 512;
/// `2026-11-21T01:20:23`
const SECONDS_BYTES: usize = 19;

/// A moment, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct When(pub(super) u64);

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(period) = text.parse::<Period>() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
            return Ok(Self(u64::try_from(now).unwrap_or(u64::MAX).saturating_sub(period.us())));
        }
        parse_rfc3339(text.as_bytes())
            .map(Self)
            .ok_or("write a moment as 2026-11-21T01:20:00Z, or how long ago it was, as 15m, 2h or 7d")
    }
}

/// The moment at the start of a line: RFC 3339, also in brackets, with a space for the `T` or before the zone, or without a zone, which
/// means UTC; else the first time in brackets, as access logs have it.
pub(super) fn moment_of_line(line: &[u8]) -> Option<u64> {
    let start = line.strip_prefix(b"[").unwrap_or(line);
    at_start(start).or_else(|| in_brackets(&line[..line.len().min(REACH_BYTES)]))
}

fn at_start(text: &[u8]) -> Option<u64> {
    let seconds = text.get(..SECONDS_BYTES).filter(|seconds| seconds[0].is_ascii_digit())?;
    let mut moment = [0; SECONDS_BYTES + 16];
    let mut length = SECONDS_BYTES;
    moment[..length].copy_from_slice(seconds);
    // `2026/11/21` is how NGINX writes its error log.
    for slash in [4, 7].into_iter().filter(|at| seconds[*at] == b'/') {
        moment[slash] = b'-';
    }
    let rest = &text[SECONDS_BYTES..];
    let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match rest.first() {
        Some(b'.' | b',') if digits(1) > 0 => 1 + digits(1),
        _ => 0,
    };
    for byte in &rest[..fraction.min(7)] {
        moment[length] = if *byte == b',' { b'.' } else { *byte };
        length += 1;
    }
    let zone = match &rest[fraction..] {
        [b' ', behind @ ..] => zone_of(behind).filter(|zone| is_zone_alone(zone, behind)),
        behind => zone_of(behind),
    };
    let zone = zone.as_ref().map_or(&b"Z"[..], |zone| zone);
    moment[length..length + zone.len()].copy_from_slice(zone);
    parse_rfc3339(&moment[..length + zone.len()])
}

/// The zone that a text starts with, `+02:00` or `+0200`, as `+02:00`.
fn zone_of(text: &[u8]) -> Option<[u8; 6]> {
    match text {
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, ..] | [sign @ (b'+' | b'-'), h1, h2, m1, m2, ..] => {
            Some([*sign, *h1, *h2, b':', *m1, *m2])
        }
        _ => None,
    }
}

/// Whether what stands apart from the time is a zone, not a number or a word that the line goes on with.
fn is_zone_alone(zone: &[u8; 6], text: &[u8]) -> bool {
    let [_, h1, h2, _, m1, m2] = zone;
    let length = if text.get(3) == Some(&b':') { 6 } else { 5 };
    matches!((h1, h2), (b'0' | b'1', b'0'..=b'9') | (b'2', b'0'..=b'3'))
        && matches!((m1, m2), (b'0'..=b'5', b'0'..=b'9'))
        && text.get(length).is_none_or(|behind| matches!(behind, b' ' | b'\t' | b'\r' | b'\n' | b']' | b','))
}

/// The first time in brackets: others, as those around an address of IPv6, say none.
fn in_brackets(text: &[u8]) -> Option<u64> {
    memchr::memchr_iter(b'[', text).find_map(|bracket| {
        let inner = &text[bracket + 1..];
        parse_common_log(&inner[..memchr::memchr(b']', inner)?])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&str>) {
        let expected = expected.map(|text| parse_rfc3339(text.as_bytes()).unwrap());
        assert_eq!(moment_of_line(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn lines_say_when_they_were_written() {
        for line in [
            "2026-11-21T01:20:23Z started",
            "[2026-11-21T01:20:23Z] started",
            "2026-11-21 01:20:23 started",
            "2026-11-21T02:20:23+01:00 started",
            "2026-11-21T02:20:23+0100 started",
            "2026/11/21 01:20:23 [error] 12#12: no such file",
            "2026-11-21 03:20:23 +0200",
            "2026-11-21 03:20:23 +02:00 started",
            "[2026-11-20 23:50:23 -0130] started",
            "2026-11-21 01:20:23 -5000 apples",
            "2026-11-21 01:20:23 +0200000 apples",
            "203.0.113.9 - - [21/Nov/2026:01:20:23 +0000] \"GET / HTTP/1.1\" 200 1",
            "[::1] - [a] [21/Nov/2026:02:20:23 +0100] \"GET /[1] HTTP/1.1\" 200 1",
            "[x] [21/Nov/2026:01:20:23 +0000] [21/Nov/2026:01:20:24 +0000]",
            "[[21/Nov/2026:01:20:23 +0000]",
        ] {
            check(line, Some("2026-11-21T01:20:23Z"));
        }
        check("2026-11-21 01:20:23,125 INFO started", Some("2026-11-21T01:20:23.125Z"));
        check("2026-11-21 03:20:23,125 +0200 INFO started", Some("2026-11-21T01:20:23.125Z"));
        check("2026-11-21T01:20:23.123456789Z started", Some("2026-11-21T01:20:23.123456Z"));
        check("2026-11-21T01:20:23.", Some("2026-11-21T01:20:23Z"));
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in ["", "[", "started", "    at main.rs:10", "2026-13-21T01:20:23Z", "[x] [21/Nov/2026] ["] {
            check(line, None);
        }
        let late = format!("{} [21/Nov/2026:01:20:23 +0000]", "[x]".repeat(REACH_BYTES / 3));
        check(&late, None);
    }

    #[test]
    fn a_moment_is_a_date_or_how_long_ago() {
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(When(1_000_000)));
        let (hour, day) = ("1h".parse::<When>().unwrap(), "1d".parse::<When>().unwrap());
        let between_us = hour.0 - day.0;
        assert!(between_us.abs_diff(23 * 3_600_000_000) < 60_000_000, "{between_us}");
        for wrong in ["", "soon", "5", "5y", "2026-11-21"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
