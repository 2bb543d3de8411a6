//! Durations and byte sizes as text.

use crate::form::Fault;

const DURATION_HINT: &str = "write a whole number and one of ms, s, m, h, d, such as \"250ms\" or \"10s\"";
const BYTES_HINT: &str =
    "write a whole number and one of B, KB, KiB, MB, MiB, GB, GiB, TB, TiB, such as \"64KiB\"";

/// Units of time in milliseconds, the largest first.
const DURATIONS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Units of size in bytes, the largest first among the binary ones.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
];

/// Reads `10s` as milliseconds.
pub(crate) fn parse_duration(text: &str) -> Result<u64, Fault> {
    parse(text, &DURATIONS, DURATION_HINT)
}

/// Reads `64KiB` or plain digits as bytes.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, Fault> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match plain {
        true => text.parse().map_err(|_| Fault::new("too large").hint(BYTES_HINT)),
        false => parse(text, &SIZES, BYTES_HINT),
    }
}

/// Writes milliseconds in the largest unit that divides them.
pub(crate) fn show_duration(ms: u64) -> String {
    show(ms, &DURATIONS, "s")
}

/// Writes bytes in the largest binary unit that divides them.
pub(crate) fn show_bytes(bytes: u64) -> String {
    show(bytes, &SIZES[..5], "B")
}

fn parse(text: &str, units: &[(&str, u64)], hint: &str) -> Result<u64, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start_matches(' ');
    if number.is_empty() {
        return Err(Fault::new("does not begin with a whole number").hint(hint));
    }
    if unit.is_empty() {
        return Err(Fault::new("a number without a unit").hint(hint));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(Fault::new("unknown unit").hint(hint));
    };
    let value = number.parse().ok().and_then(|number: u64| number.checked_mul(*factor));
    value.ok_or_else(|| Fault::new("too large").hint(hint))
}

fn show(value: u64, units: &[(&str, u64)], zero: &str) -> String {
    let unit = units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", value / factor),
        None => format!("0{zero}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, ms) in
            [("1s", 1000), ("250ms", 250), ("5m", 300_000), ("1h", 3_600_000), ("2 d", 172_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "",
            "1",
            "s",
            "-1s",
            "1.5s",
            "1s ",
            "1 sec",
            "1m30s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_may_be_binary_decimal_or_plain() {
        for (text, bytes) in
            [("64KiB", 65_536), ("1MiB", 1 << 20), ("10GB", 10_000_000_000), ("7", 7), ("7B", 7)]
        {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "1K", "1kb", "KiB", "99999999999999999999", "99999999TiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for ms in [0, 1, 999, 1000, 60_000, 90_000, 86_400_000] {
            assert_eq!(parse_duration(&show_duration(ms)), Ok(ms));
        }
        for bytes in [0, 1, 1000, 1024, 65_536, 1 << 40] {
            assert_eq!(parse_bytes(&show_bytes(bytes)), Ok(bytes));
        }
    }
}
