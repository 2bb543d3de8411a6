//! Finds out what is to be read.

use std::fs;
use std::path::PathBuf;

use lockgate_analytics::input::expand;
use lockgate_analytics::with_causes;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::bytes::Bytes;
use crate::errors;
use crate::question::Question;
use crate::rows::Rows;
use crate::table::Table;

const EXPECTED: &str = "a path or several, bytes, a table of pandas, Polars or PyArrow, or dicts";

/// What is to be read.
pub(crate) enum Data<'py> {
    Files(Vec<PathBuf>),
    Bytes(Bytes),
    Table(Table),
    Rows(Rows<'py>),
}

impl<'py> Data<'py> {
    /// Finds out what an argument is.
    pub(crate) fn of(data: &Bound<'py, PyAny>, question: &Question) -> PyResult<Self> {
        if is_path(data)? {
            return Self::files(data.py(), vec![data.extract()?]);
        }
        if let Some(table) = Table::of(data, question)? {
            return Ok(Self::Table(table));
        }
        if let Some(bytes) = Bytes::of(data)? {
            return Ok(Self::Bytes(bytes));
        }
        if data.is_instance_of::<PyMapping>() {
            return Err(PyTypeError::new_err("`data` is one dict, which is one row: put it into a list"));
        }
        let Ok(mut items) = data.try_iter() else {
            let kind = data.get_type().fully_qualified_name()?;
            return Err(PyTypeError::new_err(format!("`data` is a `{kind}`: expected {EXPECTED}")));
        };
        let first = items.next().transpose()?;
        match first {
            Some(first) if is_path(&first)? => {
                let mut paths = vec![first.extract()?];
                for item in items {
                    paths.push(path(&item?)?);
                }
                Self::files(data.py(), paths)
            }
            first => Ok(Self::Rows(Rows::new(first, items))),
        }
    }

    fn files(py: Python<'_>, mut places: Vec<PathBuf>) -> PyResult<Self> {
        // `-` is a file here: standard input is the program's own.
        for place in places.iter_mut().filter(|place| place.as_os_str() == "-") {
            *place = "./-".into();
        }
        let found = py.detach(|| expand(&places));
        found.map(Self::Files).map_err(|error| errors::input(py, with_causes(&error)))
    }

    /// Whether it may be of several formats.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Bytes(_))
    }

    /// How much there is to read of `data`, which this was made of, if it is known: bytes, or rows.
    pub(crate) fn total(&self, data: &Bound<'py, PyAny>) -> Option<u64> {
        match self {
            Self::Files(files) => files.iter().map(size).sum(),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Table(_) | Self::Rows(_) => data.len().ok().map(|rows| rows as u64),
        }
    }
}

fn is_path(data: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(data.is_instance_of::<PyString>() || data.hasattr(intern!(data.py(), "__fspath__"))?)
}

fn path(item: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    if is_path(item)? {
        return item.extract();
    }
    let kind = item.get_type().fully_qualified_name()?;
    Err(PyTypeError::new_err(format!("a `{kind}` stands among paths")))
}

/// Bytes of a file that has a size.
pub(crate) fn size(file: &PathBuf) -> Option<u64> {
    fs::metadata(file).ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
}
