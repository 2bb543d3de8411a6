//! One line at a time, for those who look for lines: whether a filter admits it, and when it happened.

use std::fmt;
use std::vec;
use std::vec::Vec;

use super::ndjson::NdjsonRows;
use crate::query::Plan;
use crate::time::moment_of;
use crate::{Filter, Query, TIME_FIELD};

/// Reads single lines of JSON.
pub struct LineReader {
    plan: Plan,
    rows: NdjsonRows,
}

/// What a line that is a JSON object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether the filter admits it.
    pub is_admitted: bool,
    /// When it happened, microseconds since 1970-01-01T00:00:00Z, by its field [`TIME_FIELD`].
    pub moment_us: Option<u64>,
}

impl LineReader {
    /// A reader with a filter; without one every object is admitted.
    #[must_use]
    pub fn new(filter: Option<Filter>) -> Self {
        let group_by = vec![TIME_FIELD.into()];
        let plan = Query { filter, group_by, measures: Vec::new(), ..Query::usage() }.plan();
        Self { rows: NdjsonRows::new(&plan), plan }
    }

    /// Reads a line; `None` when it is no JSON object.
    pub fn read(&mut self, line: &[u8]) -> Option<Line> {
        let Self { plan, rows } = self;
        rows.of_line(plan, line, |cells| Line {
            is_admitted: plan.predicate.as_ref().is_none_or(|predicate| predicate.admits(cells)),
            moment_us: moment_of(&cells[plan.group_by[0]]),
        })
    }
}

impl fmt::Debug for LineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader").field("plan", &self.plan).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(bool, Option<u64>)>) {
        let found = LineReader::new(None).read(line.as_bytes());
        assert_eq!(found.map(|line| (line.is_admitted, line.moment_us)), expected, "{line}");
    }

    #[test]
    fn a_line_says_when_it_happened() {
        check("{\"ts\":\"1970-01-01T00:00:01Z\"}", Some((true, Some(1_000_000))));
        check("{\"a\":1,\"ts\":2}\n", Some((true, Some(2_000_000))));
        check("{}", Some((true, None)));
        check("{\"ts\":\"soon\"}", Some((true, None)));
        for line in ["", "ts", "[1]", "{\"ts\":}", "{} {}", "\u{fffd}"] {
            check(line, None);
        }
    }

    #[test]
    fn a_filter_admits_lines() {
        let mut reader = LineReader::new(Some("status >= 500".parse().unwrap()));
        let mut admits = |line: &str| reader.read(line.as_bytes()).map(|line| line.is_admitted);
        assert_eq!(admits("{\"status\":503}"), Some(true));
        assert_eq!(admits("{\"status\":200}"), Some(false));
        assert_eq!(admits("{\"a\":503}"), Some(false));
        assert_eq!(admits("status 503"), None);
    }
}
