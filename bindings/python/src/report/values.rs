//! Reports as dicts.

use std::time::{Duration, UNIX_EPOCH};

use lockgate_analytics::{Datum, Number, Report};
use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::kind::{Kind, as_i64};

/// A dict for each row.
pub(super) fn dicts<'py>(py: Python<'py>, report: &Report, kinds: &[Kind]) -> PyResult<Bound<'py, PyList>> {
    let maker = Maker { py, decimal: py.import("decimal")?.getattr("Decimal")? };
    let names: Vec<_> = report.columns.iter().map(|column| PyString::new(py, &column.name)).collect();
    let list = PyList::empty(py);
    for row in &report.rows {
        let dict = PyDict::new(py);
        for ((name, datum), kind) in names.iter().zip(row).zip(kinds) {
            dict.set_item(name, maker.value(datum, kind)?)?;
        }
        list.append(dict)?;
    }
    Ok(list)
}

struct Maker<'py> {
    py: Python<'py>,
    decimal: Bound<'py, PyAny>,
}

impl<'py> Maker<'py> {
    fn value(&self, datum: &Datum, kind: &Kind) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        match datum {
            Datum::Null => Ok(py.None().into_bound(py)),
            Datum::Bool(is) => is.into_bound_py_any(py),
            Datum::Number(number) => self.number(*number, kind),
            Datum::Time(us) => (UNIX_EPOCH + Duration::from_micros(*us)).into_bound_py_any(py),
            Datum::Text(text) => (**text).into_bound_py_any(py),
            Datum::Top(values) => {
                let kind = if let Kind::Top(kind) = kind { kind } else { &Kind::Mixed };
                self.list(values.iter().map(|(value, count)| {
                    let item = PyDict::new(py);
                    item.set_item(intern!(py, "value"), self.value(value, kind)?)?;
                    item.set_item(intern!(py, "count"), *count)?;
                    Ok(item)
                }))
            }
            Datum::Bars(bars) => self.list(bars.iter().map(|bar| {
                let item = PyDict::new(py);
                item.set_item(intern!(py, "lower"), bar.lower.to_f64())?;
                item.set_item(intern!(py, "upper"), bar.upper.to_f64())?;
                item.set_item(intern!(py, "count"), bar.count)?;
                Ok(item)
            })),
        }
    }

    fn list(&self, items: impl Iterator<Item = PyResult<Bound<'py, PyDict>>>) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::empty(self.py);
        items.into_iter().try_for_each(|item| list.append(item?))?;
        Ok(list.into_any())
    }

    /// A number as its column has it, or, among values of several kinds, as it would be alone.
    fn number(&self, number: Number, kind: &Kind) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let is_exact = |number: Number| Number::from_f64(number.to_f64()) == Some(number);
        match (kind, as_i64(number), number.as_whole()) {
            (Kind::Float64, ..) => number.to_f64().into_bound_py_any(py),
            (Kind::Decimal, ..) => self.decimal.call1((number.to_string(),)),
            (_, Some(whole), _) => whole.into_bound_py_any(py),
            (_, None, Some(whole)) => whole.into_bound_py_any(py),
            _ if is_exact(number) => number.to_f64().into_bound_py_any(py),
            _ => self.decimal.call1((number.to_string(),)),
        }
    }
}
