//! The question, as it is written in a dict.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use lockgate_analytics::input::{Format, Options};
use lockgate_analytics::{Configuration, Plan, Query, read_configuration, with_causes};
use pyo3::prelude::*;

use crate::errors;

/// Threads that one call may have.
const THREADS_MAX: usize = 1024;

/// What is asked, and how it is read.
pub(crate) struct Question {
    pub(crate) plan: Plan,
    pub(crate) options: Options,
    /// The first columns of the plan are asked for; those behind them only tell what a row counts.
    asked: usize,
}

impl Question {
    /// Reads what the arguments say.
    pub(crate) fn read(
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        format: Option<&str>,
        threads: Option<isize>,
    ) -> PyResult<Self> {
        let wrong = |what: String| errors::configuration(py, what);
        let text = config.map_or_else(|| Ok("{}".into()), as_json)?;
        let Configuration { query, strict } =
            read_configuration(text.as_bytes()).map_err(|error| wrong(with_causes(&error)))?;
        let format =
            format.map(|name| Format::named(name).ok_or_else(|| wrong(no_format(name)))).transpose()?;
        let within = |count: isize| {
            let count = usize::try_from(count).ok().filter(|count| *count <= THREADS_MAX);
            let no_count = || wrong(format!("`threads` must be from 1 to {THREADS_MAX}"));
            count.and_then(NonZeroUsize::new).ok_or_else(no_count)
        };
        let threads = threads.map(within).transpose()?;
        let options = Options { format, strict, threads };
        Ok(Self { plan: query.plan(), options, asked: fields(&query) })
    }

    /// Whether a column of the plan is asked for, and not only looked at to tell what a row counts.
    pub(crate) fn asks_for(&self, slot: usize) -> bool {
        slot < self.asked
    }

    /// The fields that are looked at, in the plan's order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.plan.columns().names().iter().map(|name| &**name)
    }
}

/// How many different fields a question names.
fn fields(query: &Query) -> usize {
    let mut names: BTreeSet<String> = query.group_by.iter().map(|name| name.to_string()).collect();
    names.extend(
        query.measures.iter().filter_map(|measure| measure.field.as_ref()).map(|name| name.to_string()),
    );
    names.extend(query.every.map(|_| query.time_field.to_string()));
    if let Some(filter) = &query.filter {
        filter.bind(&mut |name| {
            names.insert(name.to_owned());
            0
        });
    }
    names.len()
}

/// A dict as JSON: the core reads the words of a question from there, for all languages alike.
fn as_json(config: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = config.py();
    let wrong = |error: PyErr| match error.is_instance_of::<pyo3::exceptions::PyException>(py) {
        true => errors::configuration(py, format!("the configuration is no JSON object: {error}")),
        false => error,
    };
    py.import("json")?.call_method1("dumps", (config,)).map_err(wrong)?.extract()
}

fn no_format(name: &str) -> String {
    format!("`{name}` is no format: say ndjson, csv, combined or segment, or nothing to have it found out")
}
