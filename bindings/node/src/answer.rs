//! What a job came to, as texts: a report with what was read, or a failure with its code.

use lockgate_analytics::input::{InputError, Outcome, Place, PlacesError};
use lockgate_analytics::{ConfigurationError, Report, with_causes, write_csv, write_ndjson};
use serde_json::{Value, json};

/// A report and what was read for it.
pub(crate) struct Answer {
    /// JSON: the names of the columns, the counts, the first malformed lines.
    pub(crate) summary: String,
    /// The rows, exact: an object of JSON on each line.
    pub(crate) ndjson: Vec<u8>,
    /// The rows as comma-separated values.
    pub(crate) csv: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(found: &Outcome<'_>) -> Self {
        let report = found.partial.report();
        let columns: Vec<&str> = report.columns.iter().map(|column| &*column.name).collect();
        let summary = json!({
            "columns": columns,
            "counts": {
                "lines": found.lines,
                "rows": found.partial.rows(),
                "malformed": found.malformed,
                "timeless": found.partial.timeless(),
                "bytes": found.bytes,
            },
            "malformed": found.places.iter().map(place).collect::<Vec<_>>(),
        });
        let (ndjson, csv) = rayon::join(|| written(&report, write_ndjson), || written(&report, write_csv));
        Self { summary: summary.to_string(), ndjson, csv }
    }
}

fn written(report: &Report, write: impl Fn(&Report, &mut Vec<u8>)) -> Vec<u8> {
    let mut text = Vec::new();
    write(report, &mut text);
    text
}

fn place(place: &Place) -> Value {
    json!({ "input": place.input, "line": place.line, "what": place.what })
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Places(#[from] PlacesError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("threads cannot be started")]
    Threads(#[source] std::io::Error),
    #[error("the library failed within: this is a defect of it")]
    Panic,
}

impl Failure {
    /// JSON: the code, what went wrong and why in one line, and the place of a malformed line.
    pub(crate) fn told(&self) -> String {
        let mut failure = json!({ "code": self.code(), "message": self.message() });
        if let Self::Input(InputError::Malformed(at)) = self {
            failure["place"] = place(at);
        }
        failure.to_string()
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "ERR_CONFIGURATION",
            Self::Places(_) | Self::Input(InputError::Read { .. }) => "ERR_INPUT",
            Self::Input(InputError::Unknown { .. }) => "ERR_FORMAT",
            Self::Input(InputError::Groups(_)) => "ERR_GROUPS",
            Self::Input(InputError::Malformed(_)) => "ERR_MALFORMED",
            Self::Input(InputError::Interrupted) => "ERR_INTERRUPTED",
            Self::Threads(_) => "ERR_THREADS",
            Self::Panic => "ERR_INTERNAL",
        }
    }

    fn message(&self) -> String {
        with_causes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockgate_analytics::TooManyGroups;
    use std::io;

    #[track_caller]
    fn check(failure: impl Into<Failure>, expected: &Value) {
        assert_eq!(&serde_json::from_str::<Value>(&failure.into().told()).unwrap(), expected);
    }

    #[test]
    fn a_failure_is_told_with_its_code_causes_and_place() {
        let source = io::Error::other("no \"luck\"");
        check(
            InputError::Read { name: "a.log".into(), source },
            &json!({ "code": "ERR_INPUT", "message": "reading `a.log`: no \"luck\"" }),
        );
        check(
            InputError::Malformed(Place { input: "a".into(), line: 3, what: "cut off" }),
            &json!({
                "code": "ERR_MALFORMED", "message": "`a`, line 3: cut off",
                "place": { "input": "a", "line": 3, "what": "cut off" },
            }),
        );
        let groups = TooManyGroups { groups: 7, bytes: 1 << 30 };
        let message = groups.to_string();
        check(InputError::Groups(groups), &json!({ "code": "ERR_GROUPS", "message": message }));
        check(
            Failure::Panic,
            &json!({ "code": "ERR_INTERNAL", "message": "the library failed within: this is a defect of it" }),
        );
    }
}
