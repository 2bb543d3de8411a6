//! What is said beside the answer: lines that could not be read, and why the answer may be less than expected.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use lockgate_analytics::input::Outcome;
use lockgate_analytics::{Datum, Number, Report, Role};

use crate::failure::Failure;
use crate::table::harmless;

const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// What is to be said; nothing if all is well.
pub(super) fn of(found: &Outcome<'_>, report: &Report, is_usage: bool, time_field: &str) -> String {
    let mut text = String::new();
    let mut warn = |what: &str, why: &[String]| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{WARNING}warning{WARNING:#}: {what}");
        why.iter().for_each(|why| text.extend(["  ", why, "\n"]));
    };
    if found.malformed > 0 {
        let (malformed, lines) = (grouped(found.malformed), grouped(found.lines));
        warn(&format!("{malformed} of {lines} lines could not be read"), &places(found));
    }
    let timeless = found.partial.timeless();
    if timeless > 0 {
        let lines =
            if timeless == 1 { "1 line says".into() } else { format!("{} lines say", grouped(timeless)) };
        warn(&format!("{lines} no moment in `{time_field}`, and are in no period"), &[]);
    }
    if report.rows.is_empty() {
        let rows = grouped(found.partial.rows());
        warn(&format!("nothing is found in {rows} lines"), &[]);
    } else if is_usage && counts_nothing(report) {
        warn("no line has a `value` to add up; `--measure count` counts lines", &[]);
    }
    text
}

/// Why there is no answer at all.
pub(super) fn nothing_readable(found: &Outcome<'_>) -> Failure {
    let failure = Failure::new(format!("none of {} lines could be read", grouped(found.lines)));
    let failure = places(found).into_iter().fold(failure, Failure::because);
    failure.hint(
        "say what the input is, if it was not found out: `--input-format ndjson`, csv, combined or segment",
    )
}

/// The first malformed lines, and how many more there are.
fn places(found: &Outcome<'_>) -> Vec<String> {
    let place =
        found.places.iter().map(|place| format!("{}:{}: {}", harmless(&place.input), place.line, place.what));
    let more = found.malformed - found.places.len() as u64;
    place.chain((more > 0).then(|| format!("and {} more", grouped(more)))).collect()
}

/// Whether the first measure is 0 everywhere.
fn counts_nothing(report: &Report) -> bool {
    let first = report.columns.iter().position(|column| column.role == Role::Measure);
    first.is_some_and(|at| report.rows.iter().all(|row| row.get(at) == Some(&Datum::Number(Number(0)))))
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
