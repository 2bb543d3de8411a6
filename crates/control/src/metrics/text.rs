//! Writes the Prometheus text format, version 0.0.4.

use std::fmt::{self, Write};

use super::families::{Family, Kind};
use super::histogram::Histogram;

/// Media type of the format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// An exposition being written.
#[derive(Default)]
pub(crate) struct Text {
    out: String,
}

impl Text {
    /// Begins a metric; its samples follow at once.
    pub(crate) fn family(&mut self, family: Family) -> Samples<'_> {
        let Family { name, kind, help, .. } = family;
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str()));
        Samples { text: self, family }
    }

    /// Writes a metric that has exactly one sample.
    pub(crate) fn single(&mut self, family: Family, figure: impl fmt::Display) {
        self.family(family).put(&[], figure);
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(arguments);
    }
}

/// Where the samples of one metric go.
pub(crate) struct Samples<'a> {
    text: &'a mut Text,
    family: Family,
}

impl Samples<'_> {
    /// Writes one sample; `values` are those of the metric's labels, in their order.
    pub(crate) fn put(&mut self, values: &[&str], figure: impl fmt::Display) {
        debug_assert_ne!(self.family.kind, Kind::Histogram, "a histogram has its own samples");
        self.sample("", values, None, figure);
    }

    /// Writes the samples of one histogram.
    pub(crate) fn put_histogram(&mut self, values: &[&str], histogram: &Histogram) {
        for (le, count) in histogram.cumulative() {
            self.sample("_bucket", values, Some(le), count);
        }
        self.sample("_sum", values, None, Micros(i128::from(histogram.sum_us())));
        self.sample("_count", values, None, histogram.count());
    }

    fn sample(&mut self, suffix: &str, values: &[&str], le: Option<&str>, figure: impl fmt::Display) {
        let Family { name, labels, .. } = self.family;
        debug_assert_eq!(labels.len(), values.len(), "{name} has one value per label");
        self.text.write(format_args!("{name}{suffix}"));
        let pairs = labels.iter().copied().zip(values.iter().copied()).chain(le.map(|le| ("le", le)));
        let mut before = '{';
        for (label, value) in pairs {
            self.text.write(format_args!("{before}{label}=\"{}\"", Escaped(value)));
            before = ',';
        }
        let end = if before == ',' { "}" } else { "" };
        self.text.write(format_args!("{end} {figure}\n"));
    }
}

/// A label's value with backslash, quote and line feed escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['\\', '"', '\n']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'"' => "\\\"",
                _ => "\\n",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// Millionths, printed as an exact decimal.
pub(crate) struct Micros(pub(crate) i128);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (units, rest) = (self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        write!(f, "{sign}{units}.{rest:06}")
    }
}

/// 1 or 0.
pub(crate) fn flag(set: bool) -> u8 {
    u8::from(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Family =
        Family { name: "a_total", kind: Kind::Counter, labels: &["x", "y"], help: "Says a." };
    const TIMES: Family = Family { name: "b", kind: Kind::Histogram, labels: &["x"], help: "Says b." };

    #[test]
    fn label_values_cannot_break_out_of_their_quotes() {
        let mut text = Text::default();
        text.family(PLAIN).put(&["a\"b\\c\nd", "\u{e9}"], 7);
        let expected =
            "# HELP a_total Says a.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\u{e9}\"} 7\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn histograms_are_cumulative_and_end_with_all() {
        let mut histogram = Histogram::default();
        [400, 900, 70_000_000].into_iter().for_each(|us| histogram.observe(us));
        let mut text = Text::default();
        text.family(TIMES).put_histogram(&["r"], &histogram);
        let text = text.finish();
        for line in [
            "b_bucket{x=\"r\",le=\"0.0005\"} 1\n",
            "b_bucket{x=\"r\",le=\"60\"} 2\n",
            "b_bucket{x=\"r\",le=\"+Inf\"} 3\n",
            "b_sum{x=\"r\"} 70.001300\n",
            "b_count{x=\"r\"} 3\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn millionths_are_exact() {
        let check = |micros, expected: &str| assert_eq!(Micros(micros).to_string(), expected);
        check(0, "0.000000");
        check(1, "0.000001");
        check(-1_500_000, "-1.500000");
        check(i128::from(u64::MAX), "18446744073709.551615");
    }
}
