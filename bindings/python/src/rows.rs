//! Dicts as rows: read by the calling thread, which holds the interpreter.

mod value;

use lockgate_analytics::{Cell, Partial};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyMapping, PyString};

use self::value::{Reader, Taken, refusal};
use crate::errors;
use crate::files;
use crate::question::Question;
use crate::report::{Answer, Counts, PLACES_MAX};
use crate::work::Progress;

/// Rows between two looks at signals and at the clock.
const LOOK_EVERY: u64 = 256;

/// Dicts, one for each row.
pub(crate) struct Rows<'py> {
    /// Has been taken to see what it is.
    first: Option<Bound<'py, PyAny>>,
    rest: Bound<'py, PyIterator>,
}

impl<'py> Rows<'py> {
    pub(crate) fn new(first: Option<Bound<'py, PyAny>>, rest: Bound<'py, PyIterator>) -> Self {
        Self { first, rest }
    }
}

/// Folds dicts.
pub(crate) fn fold<'py>(
    question: &Question,
    rows: Rows<'py>,
    progress: &mut Progress<'py>,
) -> PyResult<Answer> {
    let py = rows.rest.py();
    let raised = |failure| errors::failure(py, &failure);
    let reader = Reader::new(py)?;
    let names: Vec<Bound<'py, PyString>> = question.fields().map(|name| PyString::new(py, name)).collect();
    let mut partial = Partial::new(&question.plan);
    let (mut counts, mut places) = (Counts::default(), Vec::new());
    let mut taken = Vec::with_capacity(names.len());
    for row in rows.first.into_iter().map(Ok).chain(rows.rest) {
        let row = row?;
        counts.lines += 1;
        if counts.lines % LOOK_EVERY == 0 {
            progress.look(py, counts.lines)?;
        }
        match take(&row, &names, &reader, question, &mut taken, counts.lines)? {
            Ok(()) => {
                let cells: Vec<Cell<'_>> = taken.iter().map(Taken::cell).collect();
                partial.add(&cells).map_err(|error| raised(error.into()))?;
            }
            Err(what) if question.options.strict => return Err(raised(files::malformed(counts.lines, what))),
            Err(what) => {
                counts.malformed += 1;
                if places.len() < PLACES_MAX {
                    places.push(files::place(counts.lines, what));
                }
            }
        }
    }
    counts.rows = partial.rows();
    counts.timeless = partial.timeless();
    Ok(Answer { report: partial.report(), done: counts.lines, counts, places })
}

/// Takes the fields of a row; what is wrong with it if one cannot be counted with.
fn take<'py>(
    row: &Bound<'py, PyAny>,
    names: &[Bound<'py, PyString>],
    reader: &Reader<'py>,
    question: &Question,
    taken: &mut Vec<Taken>,
    number: u64,
) -> PyResult<Result<(), &'static str>> {
    taken.clear();
    let row = Row::of(row, number)?;
    for (slot, name) in names.iter().enumerate() {
        let Some(value) = row.get(name)? else {
            taken.push(Taken::Null);
            continue;
        };
        match reader.take(&value)? {
            Some(Ok(value)) => taken.push(value),
            Some(Err(what)) => return Ok(Err(what)),
            None if !question.asks_for(slot) => taken.push(Taken::Null),
            None => {
                let kind = value.get_type().fully_qualified_name()?;
                let what = format!("`{name}` of row {number} is a `{kind}`, {}", refusal(&value));
                return Err(PyTypeError::new_err(what));
            }
        }
    }
    Ok(Ok(()))
}

/// A row: a dict, or something that is like one.
enum Row<'r, 'py> {
    Dict(&'r Bound<'py, PyDict>),
    Mapping(&'r Bound<'py, PyMapping>),
}

impl<'r, 'py> Row<'r, 'py> {
    fn of(row: &'r Bound<'py, PyAny>, number: u64) -> PyResult<Self> {
        if let Ok(dict) = row.cast() {
            return Ok(Self::Dict(dict));
        }
        row.cast().map(Self::Mapping).or_else(|_| {
            let kind = row.get_type().fully_qualified_name()?;
            Err(PyTypeError::new_err(format!("row {number} is a `{kind}`, not a dict")))
        })
    }

    fn get(&self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Dict(dict) => dict.get_item(name),
            Self::Mapping(mapping) if mapping.contains(name)? => mapping.get_item(name).map(Some),
            Self::Mapping(_) => Ok(None),
        }
    }
}
