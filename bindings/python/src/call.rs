//! The one function: from its arguments to the report.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::data::Data;
use crate::errors;
use crate::question::Question;
use crate::report::Report;
use crate::work::{Progress, wait_for};
use crate::{files, rows, table};

/// Answers a question about data.
///
/// data: a path (of a file, a folder, a data directory, or a pattern such as 'logs/**/*.gz') or several of them; bytes; anything that is a
/// table of Arrow, as those of pandas, Polars and PyArrow are; dicts, one for each row.
///
/// config: the question, a dict with any of by, measure, where, every, time_field, strict; without it, usage per user.
///
/// format: what files and bytes are, where it is not found out: 'ndjson', 'csv', 'combined' or 'segment'.
///
/// progress: called with what has been read so far and with how much there is (or None), at most ten times a second: bytes of files and of
/// bytes, rows of tables and of dicts.
///
/// threads: how many read, 1 to 1024; one for each core if it is left out.
#[pyfunction]
#[pyo3(signature = (data, config=None, *, format=None, progress=None, threads=None))]
pub(crate) fn process_large_dataset<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    config: Option<&Bound<'py, PyAny>>,
    format: Option<&str>,
    progress: Option<Bound<'py, PyAny>>,
    threads: Option<isize>,
) -> PyResult<Report> {
    let question = Question::read(py, config, format, threads)?;
    let found = Data::of(data, &question)?;
    if question.options.format.is_some() && !found.is_text() {
        return Err(errors::configuration(
            py,
            "`format` is for files and bytes: tables and dicts have none".into(),
        ));
    }
    // Some tables would look for how many rows they have.
    let total = if progress.is_some() { found.total(data) } else { None };
    let mut progress = Progress::new(progress, total);
    let question = Arc::new(question);
    let answer = match found {
        Data::Files(files) => {
            wait_for(py, &mut progress, move |watch| files::fold_files(&question, files, watch))?
        }
        Data::Bytes(bytes) => {
            wait_for(py, &mut progress, move |watch| files::fold_bytes(&question, &bytes, watch))?
        }
        Data::Table(table) => wait_for(py, &mut progress, move |watch| table::fold(&question, table, watch))?,
        Data::Rows(rows) => rows::fold(&question, rows, &mut progress)?,
    };
    progress.finish(py, answer.done)?;
    Ok(Report::new(answer))
}
