//! What was found, as Python sees it.

mod arrow;
mod html;
mod kind;
mod values;

use std::sync::Arc;

use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use lockgate_analytics::input;
use lockgate_analytics::{TableStyle, write_csv, write_json, write_table};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};

use self::kind::Kind;

/// Malformed lines that are remembered: the first ones.
pub(crate) const PLACES_MAX: usize = 10;
/// What is wrong with a row whose number cannot be summed up exactly.
pub(crate) const TOO_LARGE: &str = "a number beyond ±1.5e20";
/// 10000-01-01T00:00:00Z, microseconds since 1970: Python has no moments from here on, so that they are nothing, as those before 1970 are.
pub(crate) const TIME_END_US: u64 = 253_402_300_800_000_000;
/// What is wrong with a row whose text is longer than a line may be.
pub(crate) const TOO_LONG: &str = "a text longer than 16 MiB";
/// Rows that are shown at a prompt.
const SHOWN_ROWS: usize = 20;
/// Characters on a line at a prompt.
const SHOWN_WIDTH: usize = 120;
/// What the interface of Arrow calls a stream.
const STREAM: &std::ffi::CStr = c"arrow_array_stream";

/// What the threads that read have found.
pub(crate) struct Answer {
    pub(crate) report: lockgate_analytics::Report,
    pub(crate) counts: Counts,
    pub(crate) places: Vec<input::Place>,
    /// How far reading was in the end, as progress is told.
    pub(crate) done: u64,
}

/// What has been read.
#[pyclass(frozen, eq, get_all, skip_from_py_object, module = "lockgate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines, records or rows, the malformed ones among them.
    pub(crate) lines: u64,
    /// Rows, whether the condition admitted them or not.
    pub(crate) rows: u64,
    /// Lines that could not be read.
    pub(crate) malformed: u64,
    /// Rows without a moment where the question is about time: they are in no period.
    pub(crate) timeless: u64,
    /// Bytes of content, decompressed; 0 for tables and dicts.
    pub(crate) bytes: u64,
}

#[pymethods]
impl Counts {
    fn __repr__(&self) -> String {
        let Self { lines, rows, malformed, timeless, bytes } = self;
        format!(
            "Counts(lines={lines}, rows={rows}, malformed={malformed}, timeless={timeless}, bytes={bytes})"
        )
    }
}

/// A line that could not be read.
#[pyclass(frozen, eq, get_all, skip_from_py_object, module = "lockgate")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Name of the input.
    input: String,
    /// Number of the line, from 1.
    line: u64,
    /// What is wrong.
    what: String,
}

#[pymethods]
impl Place {
    fn __repr__(&self) -> String {
        format!("Place(input={:?}, line={}, what={:?})", self.input, self.line, self.what)
    }
}

/// The answer to a question: a table of named columns, one row for each group.
///
/// It is a table of Arrow to whatever reads those: pyarrow.table(report), polars.DataFrame(report).
#[pyclass(frozen, module = "lockgate")]
pub(crate) struct Report {
    report: lockgate_analytics::Report,
    /// What each column holds.
    kinds: Vec<Kind>,
    counts: Counts,
    places: Vec<Place>,
}

impl Report {
    pub(crate) fn new(answer: Answer) -> Self {
        let Answer { report, counts, places, .. } = answer;
        let kinds = (0..report.columns.len()).map(|column| Kind::of_column(&report, column)).collect();
        let place =
            |place: input::Place| Place { input: place.input, line: place.line, what: place.what.into() };
        Self { report, kinds, counts, places: places.into_iter().map(place).collect() }
    }

    fn text(&self, write: fn(&lockgate_analytics::Report, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&self.report, &mut out);
        // Names and texts are UTF-8, and what stands between them is ASCII.
        String::from_utf8(out).unwrap_or_default()
    }

    /// The first rows, and how many are left out.
    fn shown(&self, count: usize) -> (lockgate_analytics::Report, usize) {
        let rows = self.report.rows.iter().take(count).cloned().collect();
        let first = lockgate_analytics::Report { columns: self.report.columns.clone(), rows };
        (first, self.report.rows.len().saturating_sub(count))
    }
}

#[pymethods]
impl Report {
    /// Names of the columns: the period if there is one, the fields grouped by, the measures.
    #[getter]
    fn columns(&self) -> Vec<&str> {
        self.report.columns.iter().map(|column| &*column.name).collect()
    }

    /// What has been read.
    #[getter]
    fn counts(&self) -> Counts {
        self.counts.clone()
    }

    /// The first ten lines that could not be read.
    #[getter]
    fn malformed(&self) -> Vec<Place> {
        self.places.clone()
    }

    fn __len__(&self) -> usize {
        self.report.rows.len()
    }

    fn __repr__(&self) -> String {
        let (first, left_out) = self.shown(SHOWN_ROWS);
        let style = TableStyle { width: Some(SHOWN_WIDTH), color: false, bars: true };
        let mut out = Vec::new();
        write_table(&first, &style, &mut out);
        let mut text = String::from_utf8_lossy(&out).trim_end().to_owned();
        if left_out > 0 {
            text.push_str(&format!("\n… and {left_out} more rows"));
        }
        text
    }

    fn _repr_html_(&self) -> String {
        html::written(self)
    }

    /// The report as one JSON array, an object for each row: numbers are exact, moments are texts.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| self.text(write_json))
    }

    /// The report as comma-separated values with a line of names.
    fn to_csv(&self, py: Python<'_>) -> String {
        py.detach(|| self.text(write_csv))
    }

    /// The report as dicts, one for each row.
    fn to_dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        values::dicts(py, &self.report, &self.kinds)
    }

    /// The report as a `pyarrow.Table`.
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("pyarrow")?.call_method1("table", (slf,))
    }

    /// The report as a `polars.DataFrame`.
    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("polars")?.call_method1("DataFrame", (slf,))
    }

    /// The report as a `pandas.DataFrame`; needs pyarrow, too.
    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::to_arrow(slf)?.call_method0(intern!(slf.py(), "to_pandas"))
    }

    /// The report as a stream of Arrow (the PyCapsule interface). No other schema than its own can be had.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets whoever is asked for another schema answer with its own.
        let _ = requested_schema;
        let batch = py.detach(|| arrow::batch(&self.report, &self.kinds));
        let batch = batch.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
        let schema = batch.schema();
        let stream = RecordBatchIterator::new([Ok(batch)], Arc::clone(&schema));
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(stream)), STREAM)
    }
}
