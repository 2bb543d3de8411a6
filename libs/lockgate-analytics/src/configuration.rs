//! A question as JSON, as the bindings take it: the words are those of `lockgate process`.

use std::string::String;
use std::vec;
use std::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Filter, Measure, ParseFilterError, ParseMeasureError, ParsePeriodError, Period, Query, TIME_FIELD,
};

/// A question, and how its inputs are read.
///
/// An object with any of `by` and `measure` (lists of texts), `where`, `every` and `time_field` (texts) and `strict`; what is left out is as
/// `lockgate process` has it.
#[derive(Debug)]
pub struct Configuration {
    /// The question.
    pub query: Query,
    /// Whether the first malformed line fails the call.
    pub strict: bool,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    by: Vec<String>,
    measure: Vec<String>,
    r#where: Option<String>,
    every: Option<String>,
    time_field: String,
    strict: bool,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            by: vec!["user_id".into()],
            measure: Vec::new(),
            r#where: None,
            every: None,
            time_field: TIME_FIELD.into(),
            strict: false,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It is no JSON, or no object.
    #[error("the configuration is no JSON object")]
    Json(#[source] serde_json::Error),
    /// A key is unknown, or its value is of another kind.
    #[error("the configuration says something it cannot")]
    Keys(#[source] serde_json::Error),
    /// A measure is none.
    #[error("`measure`")]
    Measure(#[from] ParseMeasureError),
    /// The condition is none.
    #[error("`where`")]
    Where(#[from] ParseFilterError),
    /// The period is none.
    #[error("`every`")]
    Every(#[from] ParsePeriodError),
}

/// Reads a configuration.
///
/// # Errors
///
/// When it is no JSON object, has keys nobody knows, or one of them says what it cannot.
pub fn read_configuration(text: &[u8]) -> Result<Configuration, ConfigurationError> {
    let object: Map<String, Value> = serde_json::from_slice(text).map_err(ConfigurationError::Json)?;
    let written: Written = serde_json::from_value(Value::Object(object)).map_err(ConfigurationError::Keys)?;
    let measures = written.measure.iter().map(|text| text.parse()).collect::<Result<Vec<Measure>, _>>()?;
    let filter = written.r#where.as_deref().map(str::parse::<Filter>).transpose()?;
    let every = written.every.as_deref().map(str::parse::<Period>).transpose()?;
    let usage = Query::usage();
    let query = Query {
        filter,
        group_by: unique(&written.by).map(|field| field.as_str().into()).collect(),
        measures: if measures.is_empty() { usage.measures } else { unique(&measures).cloned().collect() },
        every,
        time_field: written.time_field.into(),
    };
    Ok(Configuration { query, strict: written.strict })
}

/// Each once: two columns of one name cannot be told apart.
fn unique<T: PartialEq>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().enumerate().filter(|(at, one)| !all[..*at].contains(one)).map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::format;
    use std::string::ToString;

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = read_configuration(text.as_bytes()).unwrap_err();
        let told = format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default());
        assert!(told.contains(expected), "{text}: {told}");
    }

    #[test]
    fn nothing_said_asks_for_usage_per_user() {
        let Configuration { query, strict } = read_configuration(b"{}").unwrap();
        assert_eq!((&query.group_by[..], &*query.time_field, strict), (&["user_id".into()][..], "ts", false));
        assert_eq!(query.measures, Query::usage().measures);
        assert!(query.filter.is_none() && query.every.is_none());
    }

    #[test]
    fn every_word_is_understood_and_columns_are_there_once() {
        let text = br#"{"by":["a","b","a"],"measure":["count","avg(x)","mean(x)"],"where":"a=1",
            "every":"5m","time_field":"at","strict":true}"#;
        let Configuration { query, strict } = read_configuration(text).unwrap();
        assert_eq!(query.group_by, ["a".into(), "b".into()]);
        assert_eq!(query.measures, ["count".parse().unwrap(), "mean(x)".parse().unwrap()]);
        assert_eq!((query.every, query.filter), (Some("5m".parse().unwrap()), Some("a=1".parse().unwrap())));
        assert_eq!((&*query.time_field, strict), ("at", true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused("", "no JSON object");
        check_refused("[]", "no JSON object");
        check_refused("{} {}", "trailing characters");
        check_refused(r#"{"group":["a"]}"#, "unknown field `group`");
        check_refused(r#"{"by":"a"}"#, "expected a sequence");
        check_refused(r#"{"measure":["sum"]}"#, "name a field in parentheses");
        check_refused(r#"{"where":"status >="}"#, "`where`: ");
        check_refused(r#"{"every":"soon"}"#, "`every`: ");
    }
}
