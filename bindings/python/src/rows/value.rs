//! Values of Python as cells: what `json.dumps` writes and a line of JSON says, they say here; moments beside.

use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_analytics::input::LINE_BYTES_MAX;
use lockgate_analytics::{Cell, Number};
use pyo3::exceptions::{PyRecursionError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{
    PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType, PyTzInfo,
};

use crate::report::{TIME_END_US, TOO_LARGE, TOO_LONG};

const NO_TEXT: &str = "a text that is not Unicode";

/// A value taken out of a row.
pub(crate) enum Taken {
    Null,
    Bool(bool),
    Number(Number),
    Time(u64),
    Text(PyBackedStr),
}

impl Taken {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(is) => Cell::Bool(*is),
            Self::Number(number) => Cell::Number(*number),
            Self::Time(us) => Cell::Time(*us),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

/// What a value says: a cell, or what is wrong with it; `None` when it is nothing that a field can be.
type Said = Option<Result<Taken, &'static str>>;

/// Reads values.
pub(crate) struct Reader<'py> {
    decimal: Bound<'py, PyType>,
    dumps: Bound<'py, PyAny>,
}

impl<'py> Reader<'py> {
    pub(crate) fn new(py: Python<'py>) -> PyResult<Self> {
        let decimal = py.import("decimal")?.getattr("Decimal")?.cast_into()?;
        Ok(Self { decimal, dumps: py.import("json")?.getattr("dumps")? })
    }

    /// Reads a value; the usual kinds first.
    pub(crate) fn take(&self, value: &Bound<'py, PyAny>) -> PyResult<Said> {
        if value.is_none() {
            return Ok(Some(Ok(Taken::Null)));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return text_of(text);
        }
        if let Ok(is) = value.cast::<PyBool>() {
            return Ok(Some(Ok(Taken::Bool(is.is_true()))));
        }
        if value.is_instance_of::<PyInt>() {
            return Ok(Some(whole(value)));
        }
        if let Ok(number) = value.cast::<PyFloat>() {
            return Ok(Some(float(number.extract()?)));
        }
        self.take_other(value)
    }

    #[cold]
    fn take_other(&self, value: &Bound<'py, PyAny>) -> PyResult<Said> {
        if value.is_instance_of::<PyDateTime>() {
            return moment(value).map(Some);
        }
        if value.is_instance_of::<PyDate>() {
            let parts = ["year", "month", "day"].map(|part| value.getattr(part));
            let [year, month, day] = parts;
            return moment(&value.py().get_type::<PyDateTime>().call1((year?, month?, day?))?).map(Some);
        }
        if value.is_instance(&self.decimal)? {
            return Ok(Some(decimal(value)?));
        }
        if is_nested(value) {
            return self.nested(value);
        }
        Ok(of_numpy(value))
    }

    /// In a line of JSON, an array or an object is its text. One that holds other values, or itself, or is too deep, has none.
    fn nested(&self, value: &Bound<'py, PyAny>) -> PyResult<Said> {
        let py = value.py();
        match self.dumps.call1((value,)) {
            Ok(text) => text_of(text.cast()?),
            Err(error)
                if error.is_instance_of::<PyTypeError>(py)
                    || error.is_instance_of::<PyValueError>(py)
                    || error.is_instance_of::<PyRecursionError>(py) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Why a value is nothing that a field can be.
pub(crate) fn refusal(value: &Bound<'_, PyAny>) -> &'static str {
    if is_nested(value) { "which JSON cannot write" } else { "which is no value of a field" }
}

fn is_nested(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyDict>() || value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()
}

/// Scalars of NumPy, and the null of pandas.
fn of_numpy(value: &Bound<'_, PyAny>) -> Said {
    let kind = value.get_type().name().ok()?;
    if kind == "NAType" {
        return Some(Ok(Taken::Null));
    }
    if let Ok(is) = value.extract::<bool>() {
        return Some(Ok(Taken::Bool(is)));
    }
    if let Ok(index) = value.call_method0(intern!(value.py(), "__index__")) {
        return Some(whole(&index));
    }
    value.extract::<f64>().ok().map(float)
}

fn text_of(text: &Bound<'_, PyString>) -> PyResult<Said> {
    match PyBackedStr::try_from(text.clone()) {
        Ok(text) if text.len() > LINE_BYTES_MAX => Ok(Some(Err(TOO_LONG))),
        Ok(text) => Ok(Some(Ok(Taken::Text(text)))),
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(text.py()) => Ok(Some(Err(NO_TEXT))),
        Err(error) => Err(error),
    }
}

fn whole(value: &Bound<'_, PyAny>) -> Result<Taken, &'static str> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Taken::Number(Number::from(number)));
    }
    // Python writes no number of more than some thousand digits.
    let text = value.str().map_err(|_| TOO_LARGE)?;
    parsed(&text.to_cow().map_err(|_| TOO_LARGE)?)
}

/// What is no number is nothing, as in tables.
fn float(number: f64) -> Result<Taken, &'static str> {
    if !number.is_finite() {
        return Ok(Taken::Null);
    }
    Number::from_f64(number).map(Taken::Number).ok_or(TOO_LARGE)
}

fn decimal(value: &Bound<'_, PyAny>) -> PyResult<Result<Taken, &'static str>> {
    if !value.call_method0(intern!(value.py(), "is_finite"))?.is_truthy()? {
        return Ok(Ok(Taken::Null));
    }
    Ok(parsed(&value.str()?.to_cow()?))
}

fn parsed(text: &str) -> Result<Taken, &'static str> {
    text.parse().map(Taken::Number).map_err(|_| TOO_LARGE)
}

/// A moment; one that says no time zone is in UTC. What is before 1970 or after 9999, and pandas' NaT, are nothing.
fn moment(value: &Bound<'_, PyAny>) -> PyResult<Result<Taken, &'static str>> {
    let py = value.py();
    let zone = intern!(py, "tzinfo");
    let is_naive = value.getattr(zone)?.is_none();
    let aware = if is_naive {
        let utc = PyDict::new(py);
        utc.set_item(zone, PyTzInfo::utc(py)?)?;
        value.call_method("replace", (), Some(&utc))?
    } else {
        value.clone()
    };
    let since = aware.extract::<SystemTime>().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let us = since.and_then(|since| u64::try_from(since.as_micros()).ok()).filter(|us| *us < TIME_END_US);
    Ok(Ok(us.map_or(Taken::Null, Taken::Time)))
}
