//! Questions about events for programs in Python: the core of `lockgate process` behind one function.
//!
//! What Python sees is described in `lockgate.pyi`; a test compares it with what is here. From start to end: `call` takes the
//! arguments, `data` finds out what is to be read, `work` waits for the threads that read, and `report` is what they found.
//!
//! There is no unsafe code: PyO3 and Arrow have it for us.

mod bytes;
mod call;
mod data;
mod errors;
mod files;
mod question;
mod report;
mod rows;
mod table;
mod work;

use pyo3::prelude::*;

/// Questions about events: logs, bytes, dicts and tables of columns, grouped and measured on all cores.
#[pymodule]
mod lockgate {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::call::process_large_dataset;
    #[pymodule_export]
    use crate::report::{Counts, Place, Report};

    #[pymodule_init]
    fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::errors::add_to(module)
    }
}
