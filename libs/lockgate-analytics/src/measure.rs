//! What is measured of a group's rows: `count`, `sum(bytes_out)`, `p99(latency_us)`, `top5(path)`.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

/// Most values a `top` lists.
const TOP_MAX: usize = 1000;

/// One column of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measure {
    /// What is done with the rows.
    pub function: Function,
    /// The field it is done with; `None` only for a count of rows.
    pub field: Option<Box<str>>,
    /// The column's name.
    pub name: Box<str>,
}

/// What is done with the rows of a group. Rows whose field is null are passed over.
///
/// Rows of events count as their kind says: `done` 1, `part` 0, `cut` −1. Sums add the fields of all kinds; whatever tells of single values
/// (least, greatest, mean, quantiles, distinct, top) sees `done` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Number of rows, or of those whose field is there.
    Count,
    /// Sum, exact.
    Sum,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Arithmetic mean, the exact sum divided and rounded at a millionth.
    Mean,
    /// The value that this many millionths of the values do not exceed, within [`QUANTILE_ERROR`](crate::QUANTILE_ERROR).
    Quantile(u32),
    /// How many values lie between which bounds: at most [`HISTOGRAM_BARS_MAX`](crate::HISTOGRAM_BARS_MAX) bars between round numbers.
    Histogram,
    /// Number of different values: exact up to [`DISTINCT_EXACT`](crate::DISTINCT_EXACT), an estimate beyond.
    Distinct,
    /// The most frequent values.
    Top(usize),
}

/// A text that is no measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseMeasureError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for ParseMeasureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no measure: {}", self.text, self.what)
    }
}

impl core::error::Error for ParseMeasureError {}

impl Measure {
    /// A measure named as it is written.
    #[must_use]
    pub fn new(function: Function, field: Option<&str>) -> Self {
        let mut measure = Self { function, field: field.map(Into::into), name: Box::default() };
        measure.name = measure.written().into();
        measure
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    fn written(&self) -> String {
        match &self.field {
            None => self.function.to_string(),
            Some(field) => alloc::format!("{}({field})", self.function),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Sum => f.write_str("sum"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
            Self::Quantile(millionths) => write!(f, "p{}", crate::Number(i128::from(*millionths) * 100)),
            Self::Histogram => f.write_str("histogram"),
            Self::Distinct => f.write_str("distinct"),
            Self::Top(count) => write!(f, "top{count}"),
        }
    }
}

impl FromStr for Measure {
    type Err = ParseMeasureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what| ParseMeasureError { text: text.into(), what };
        let (function, field) = match text.trim().split_once('(') {
            None => (text.trim(), None),
            Some((function, rest)) => {
                let field = rest.strip_suffix(')').ok_or_else(|| wrong("the parenthesis is not closed"))?;
                (function.trim(), Some(field.trim()).filter(|field| !field.is_empty() && *field != "*"))
            }
        };
        let function = function_of(function)
            .ok_or_else(|| wrong("write count, sum, min, max, mean, median, p99, p99.9, histogram, distinct or top5, and a field in parentheses"))?;
        if field.is_none() && function != Function::Count {
            return Err(wrong("name a field in parentheses, as in `sum(value)`"));
        }
        Ok(Self::new(function, field))
    }
}

fn function_of(word: &str) -> Option<Function> {
    let word = word.to_ascii_lowercase();
    Some(match word.as_str() {
        "count" => Function::Count,
        "sum" => Function::Sum,
        "min" => Function::Min,
        "max" => Function::Max,
        "mean" | "avg" => Function::Mean,
        "median" => Function::Quantile(500_000),
        "histogram" => Function::Histogram,
        "distinct" => Function::Distinct,
        "top" => Function::Top(10),
        _ => {
            if let Some(count) = word.strip_prefix("top") {
                return count.parse().ok().filter(|count| (1..=TOP_MAX).contains(count)).map(Function::Top);
            }
            let percent: crate::Number = word.strip_prefix('p')?.parse().ok()?;
            let millionths = u32::try_from(percent.0 / 100).ok()?;
            return (millionths <= 1_000_000 && percent.0 % 100 == 0)
                .then_some(Function::Quantile(millionths));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let written =
            text.parse::<Measure>().map_or_else(|error| error.to_string(), |measure| measure.name.into());
        assert!(written.contains(expected), "{text}: {written}");
    }

    #[test]
    fn measures_are_named_as_they_are_written() {
        for text in [
            "count",
            "count(value)",
            "sum(value)",
            "min(ts)",
            "mean(bytes_out)",
            "p99(latency_us)",
            "p99.99(latency_us)",
            "p0(a)",
            "p100(a)",
            "histogram(latency_us)",
            "distinct(client)",
            "top5(path)",
        ] {
            check(text, text);
        }
        check("count(*)", "count");
        check(" AVG( latency_us ) ", "mean(latency_us)");
        check("median(x)", "p50(x)");
        check("top(path)", "top10(path)");
    }

    #[test]
    fn what_is_no_measure_says_why() {
        check("sum", "name a field");
        check("sum(value", "not closed");
        check("total(value)", "write count, sum");
        check("p101(a)", "write count");
        check("top0(a)", "write count");
        check("p99.99999(a)", "write count");
    }
}
