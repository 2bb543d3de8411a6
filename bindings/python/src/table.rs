//! Tables of Arrow: columns are read where they are, chunk by chunk, on all cores.

mod column;

use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_pyarrow::FromPyArrow;
use arrow_schema::{ArrowError, Schema};
use lockgate_analytics::input::{InputError, Place, Watch};
use lockgate_analytics::{Cell, Partial};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice};

use self::column::Column;
use crate::errors::Failure;
use crate::files;
use crate::question::Question;
use crate::report::{Answer, Counts, PLACES_MAX};
use crate::work::Watched;

/// Rows that a thread takes at once.
const SLICE_ROWS: usize = 16 << 10;
/// Rows that are folded at once.
const BATCH_ROWS: usize = 64;

/// A table, and where the question's fields are in it.
pub(crate) struct Table {
    reader: RecordBatchStreamReader,
    /// For each column of the plan, the place of that column in the table.
    places: Vec<Option<usize>>,
}

impl Table {
    /// Opens what can be had as a stream of Arrow; `None` when it cannot.
    ///
    /// # Errors
    ///
    /// When a column that is asked for is of a type that says no value, or names have several levels.
    pub(crate) fn of(data: &Bound<'_, PyAny>, question: &Question) -> PyResult<Option<Self>> {
        if !data.hasattr(intern!(data.py(), "__arrow_c_stream__"))? {
            return Ok(None);
        }
        let data = &needed(data, question)?;
        let reader =
            RecordBatchStreamReader::from_pyarrow_bound(data).map_err(|error| no_table(data, error))?;
        let places = places(&reader.schema(), question)?;
        Ok(Some(Self { reader, places }))
    }
}

/// A column alone is a stream, too. What the stream's owner raises has a class of its own, and stays as it is.
fn no_table(data: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = data.py();
    match data.get_type().fully_qualified_name() {
        Ok(kind) if error.get_type(py).is(py.get_type::<PyValueError>()) => {
            PyTypeError::new_err(format!("`data` is a `{kind}`, whose stream of Arrow is no table: {error}"))
        }
        _ => error,
    }
}

/// A table of pandas with nothing but the columns that are looked at: all others would be converted in vain. Of those of the same name
/// it has the first, as Arrow takes from pandas no name twice.
fn needed<'py>(data: &Bound<'py, PyAny>, question: &Question) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(pandas) = modules.get_item("pandas")? else { return Ok(data.clone()) };
    if !data.is_instance(&pandas.getattr("DataFrame")?)? {
        return Ok(data.clone());
    }
    let columns = data.getattr("columns")?;
    if columns.is_instance(&pandas.getattr("MultiIndex")?)? {
        return Err(PyTypeError::new_err("`data` has names of several levels, and a field has one name"));
    }
    let names: Vec<&str> = question.fields().collect();
    let is_first = columns.call_method0("duplicated")?.bitnot()?;
    let is_needed = columns.call_method1("isin", (names,))?.bitand(is_first)?;
    data.getattr("loc")?.get_item((PySlice::full(py), is_needed))
}

/// Finds the fields; of equal names the first counts, and a field that is not there is nothing in every row.
fn places(schema: &Schema, question: &Question) -> PyResult<Vec<Option<usize>>> {
    let place = |(slot, name): (usize, &str)| {
        let Some(place) = schema.fields().iter().position(|field| field.name() == name) else {
            return Ok(None);
        };
        let kind = schema.field(place).data_type();
        match column::says_values(kind) {
            true => Ok(Some(place)),
            false if !question.asks_for(slot) => Ok(None),
            false => Err(PyTypeError::new_err(format!(
                "column `{name}` is of type {kind}, which is no value of a field"
            ))),
        }
    };
    question.fields().enumerate().map(place).collect()
}

/// Reads a table.
pub(crate) fn fold(question: &Question, table: Table, watch: &Watched) -> Result<Answer, Failure> {
    let count = files::threads(question.options).get();
    let slices = Slices { places: table.places, state: Mutex::new(State::of(table.reader)) };
    let stop = AtomicBool::new(false);
    let worker = Worker { question, slices: &slices, watch, stop: &stop };
    let found = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, || worker.run());
        let others = (1..count).map(start).collect::<io::Result<Vec<_>>>().map_err(|error| {
            // Those that have started end with the scope.
            stop.store(true, Ordering::Relaxed);
            Failure::Threads(error.to_string())
        })?;
        let own = worker.run();
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok::<Vec<_>, Failure>(std::iter::once(own).chain(others).collect())
    })?;
    let mut partial = Partial::new(&question.plan);
    let (mut lines, mut malformed, mut bad) = (0, 0, Vec::new());
    for work in found {
        let work = work?;
        partial.merge(work.partial)?;
        lines += work.lines;
        malformed += work.malformed;
        bad.extend(work.bad);
    }
    bad.sort_unstable();
    bad.truncate(PLACES_MAX);
    let places: Vec<Place> = bad.into_iter().map(|(row, what)| files::place(row + 1, what)).collect();
    if let Some(place) = places.first().filter(|_| question.options.strict) {
        return Err(Failure::Input(InputError::Malformed(place.clone())));
    }
    let counts = Counts { lines, rows: partial.rows(), malformed, timeless: partial.timeless(), bytes: 0 };
    Ok(Answer { report: partial.report(), done: lines, counts, places })
}

/// One of the threads that read.
#[derive(Clone, Copy)]
struct Worker<'w> {
    question: &'w Question,
    slices: &'w Slices,
    watch: &'w Watched,
    stop: &'w AtomicBool,
}

/// What a thread has found.
struct Work<'p> {
    partial: Partial<'p>,
    lines: u64,
    malformed: u64,
    /// The first rows that cannot be counted with, from 0, and why.
    bad: Vec<(u64, &'static str)>,
}

impl<'w> Worker<'w> {
    fn run(self) -> Result<Work<'w>, Failure> {
        let mut work =
            Work { partial: Partial::new(&self.question.plan), lines: 0, malformed: 0, bad: Vec::new() };
        while !self.stop.load(Ordering::Relaxed) {
            let done = self.step(&mut work);
            // Slices are taken in their order: others finish those before this one.
            let is_end = self.question.options.strict && work.malformed > 0;
            if done.is_err() || is_end {
                self.stop.store(true, Ordering::Relaxed);
            }
            if !done? {
                break;
            }
        }
        Ok(work)
    }

    /// Folds the next slice, if there is one.
    fn step(&self, work: &mut Work<'_>) -> Result<bool, Failure> {
        if self.watch.is_interrupted() {
            return Err(Failure::Input(InputError::Interrupted));
        }
        let Some(slice) = self.slices.next()? else { return Ok(false) };
        slice.fold(work)?;
        self.watch.has_read(slice.rows.len() as u64);
        Ok(true)
    }
}

/// Hands out slices of the table to threads.
struct Slices {
    places: Vec<Option<usize>>,
    state: Mutex<State>,
}

struct State {
    reader: RecordBatchStreamReader,
    chunk: Arc<Chunk>,
    /// The first row of the chunk that nobody has taken.
    next: usize,
}

/// A chunk of the table: for each column of the plan, the column.
#[derive(Default)]
struct Chunk {
    columns: Vec<Option<ArrayRef>>,
    rows: usize,
    /// Rows of the chunks before it.
    before: u64,
}

/// Rows of a chunk.
struct Slice {
    chunk: Arc<Chunk>,
    rows: Range<usize>,
}

impl State {
    fn of(reader: RecordBatchStreamReader) -> Self {
        Self { reader, chunk: Arc::default(), next: 0 }
    }
}

impl Slices {
    fn next(&self) -> Result<Option<Slice>, Failure> {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.next == state.chunk.rows {
            let Some(batch) = state.reader.next() else { return Ok(None) };
            let before = state.chunk.before + state.chunk.rows as u64;
            let chunk = batch.and_then(|batch| self.chunk(&batch, before));
            state.chunk = Arc::new(chunk.map_err(|error| Failure::Table(error.to_string()))?);
            state.next = 0;
        }
        let start = state.next;
        state.next = (start + SLICE_ROWS).min(state.chunk.rows);
        Ok(Some(Slice { chunk: Arc::clone(&state.chunk), rows: start..state.next }))
    }

    /// Takes the columns that are needed; what they hold is looked at before it is believed.
    fn chunk(&self, batch: &RecordBatch, before: u64) -> Result<Chunk, ArrowError> {
        let columns =
            self.places.iter().map(|place| place.map(|place| Arc::clone(batch.column(place)))).collect();
        let chunk = Chunk { columns, rows: batch.num_rows(), before };
        let texts =
            chunk.columns.iter().flatten().filter(|column| column::is_to_be_checked(column.data_type()));
        for column in texts {
            column.to_data().validate_full()?;
        }
        Ok(chunk)
    }
}

impl Slice {
    fn fold(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let columns: Vec<Option<Column<'_>>> = self
            .chunk
            .columns
            .iter()
            .map(|array| array.as_ref().map(|array| column::column(array)))
            .collect();
        let width = columns.len();
        let mut cells = vec![Cell::Null; width * BATCH_ROWS];
        let mut filled = 0;
        for row in self.rows.clone() {
            work.lines += 1;
            let place = &mut cells[filled * width..][..width];
            match fill(place, &columns, row) {
                Ok(()) => filled += 1,
                Err(what) => work.bad(self.chunk.before + row as u64, what),
            }
            if filled == BATCH_ROWS {
                work.partial.add_rows(&cells)?;
                filled = 0;
            }
        }
        Ok(work.partial.add_rows(&cells[..filled * width])?)
    }
}

/// Fills in a row, unless something of it cannot be counted with.
#[inline]
fn fill<'a>(cells: &mut [Cell<'a>], columns: &[Option<Column<'a>>], row: usize) -> Result<(), &'static str> {
    for (cell, column) in cells.iter_mut().zip(columns) {
        if let Some(column) = column {
            *cell = column(row)?;
        }
    }
    Ok(())
}

impl Work<'_> {
    #[cold]
    fn bad(&mut self, row: u64, what: &'static str) {
        self.malformed += 1;
        if self.bad.len() < PLACES_MAX {
            self.bad.push((row, what));
        }
    }
}
