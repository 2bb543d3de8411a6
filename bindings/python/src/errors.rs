//! What is raised, and when.

use lockgate_analytics::input::{InputError, Place};
use lockgate_analytics::with_causes;
use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// Why reading ended before the end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("none of {lines} lines could be read; `{}`, line {}: {}", .first.input, .first.line, .first.what)]
    Unreadable { lines: u64, first: Place },
    #[error("the table cannot be read: {0}")]
    Table(String),
    #[error("threads cannot be started: {0}")]
    Threads(String),
}

impl From<lockgate_analytics::TooManyGroups> for Failure {
    fn from(error: lockgate_analytics::TooManyGroups) -> Self {
        Self::Input(error.into())
    }
}

/// The classes of our exceptions.
struct Classes {
    error: Py<PyType>,
    configuration: Py<PyType>,
    input: Py<PyType>,
    malformed: Py<PyType>,
}

impl Classes {
    fn of(py: Python<'_>) -> PyResult<&Self> {
        static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
        CLASSES.get_or_try_init(py, || Self::make(py))
    }

    fn make(py: Python<'_>) -> PyResult<Self> {
        let base = py.get_type::<PyException>();
        let error = class(
            py,
            "Error",
            "What Lockgate raises, unless an argument is of a wrong type or too large to copy.",
            &[base],
        )?;
        let of = |name, about, builtin| class(py, name, about, &[error.clone(), builtin]).map(Bound::unbind);
        Ok(Self {
            configuration: of(
                "ConfigurationError",
                "The question says something it cannot.",
                py.get_type::<PyValueError>(),
            )?,
            input: of(
                "InputError",
                "Something cannot be found, or not be read to its end, or is of no known format.",
                py.get_type::<PyOSError>(),
            )?,
            malformed: of(
                "MalformedError",
                "A line is malformed, and the question is strict: `input`, `line` and `what` say which and why.",
                py.get_type::<PyValueError>(),
            )?,
            error: error.unbind(),
        })
    }
}

/// A class with these bases, which PyO3's own way of making exceptions has no word for.
fn class<'py>(
    py: Python<'py>,
    name: &str,
    about: &str,
    bases: &[Bound<'py, PyType>],
) -> PyResult<Bound<'py, PyType>> {
    let content = PyDict::new(py);
    content.set_item("__doc__", about)?;
    content.set_item("__module__", "lockgate")?;
    let made = py.get_type::<PyType>().call1((name, PyTuple::new(py, bases)?, content))?;
    Ok(made.cast_into()?)
}

/// Makes the classes known under their names.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let Classes { error, configuration, input, malformed } = Classes::of(py)?;
    [error, configuration, input, malformed].into_iter().try_for_each(|class| {
        let class = class.bind(py);
        module.add(class.name()?, class)
    })
}

/// A question or an argument that says what it cannot.
pub(crate) fn configuration(py: Python<'_>, what: String) -> PyErr {
    raised(py, |classes| &classes.configuration, what)
}

/// Something that cannot be found or read.
pub(crate) fn input(py: Python<'_>, what: String) -> PyErr {
    raised(py, |classes| &classes.input, what)
}

/// A defect of ours: the message of the panic has gone to standard error.
pub(crate) fn defect(py: Python<'_>) -> PyErr {
    let what = "the library failed within: this is a defect of it";
    raised(py, |classes| &classes.error, what.into())
}

/// Why reading ended, as an exception.
pub(crate) fn failure(py: Python<'_>, failure: &Failure) -> PyErr {
    let what = with_causes(failure);
    match failure {
        Failure::Input(InputError::Malformed(place)) => malformed(py, place, what),
        Failure::Input(InputError::Groups(_) | InputError::Interrupted) | Failure::Threads(_) => {
            raised(py, |classes| &classes.error, what)
        }
        Failure::Input(_) | Failure::Unreadable { .. } | Failure::Table(_) => input(py, what),
    }
}

fn malformed(py: Python<'_>, place: &Place, what: String) -> PyErr {
    let error = raised(py, |classes| &classes.malformed, what);
    let value = error.value(py);
    let set = value.setattr("input", &place.input);
    let set = set.and_then(|()| value.setattr("line", place.line));
    set.and_then(|()| value.setattr("what", place.what)).err().unwrap_or(error)
}

fn raised(py: Python<'_>, choose: impl Fn(&Classes) -> &Py<PyType>, what: String) -> PyErr {
    match Classes::of(py) {
        Ok(classes) => PyErr::from_type(choose(classes).bind(py).clone(), what),
        Err(error) => error,
    }
}
