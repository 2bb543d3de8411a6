//! Bytes in memory: those that nobody can change are read where they are, others are copied.

use std::ops::{Deref, Range};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyMemoryView};

/// Bytes that stay as they are while threads read them.
pub(crate) enum Bytes {
    /// A part of a `bytes`, which cannot change.
    Shared(PyBackedBytes, Range<usize>),
    Copied(Vec<u8>),
}

impl Bytes {
    /// The bytes of an object; `None` when it has none.
    ///
    /// # Errors
    ///
    /// When there is no memory for a copy.
    pub(crate) fn of(data: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(bytes) = data.cast::<PyBytes>() {
            return Ok(Some(Self::whole(bytes)));
        }
        let Ok(buffer) = PyBuffer::<u8>::get(data) else { return Ok(None) };
        let shared = Self::behind_view(data, &buffer)?;
        let bytes = match shared {
            Some(shared) => shared,
            None => Self::copied(data.py(), &buffer)?,
        };
        Ok(Some(bytes))
    }

    fn whole(bytes: &Bound<'_, PyBytes>) -> Self {
        let backed = PyBackedBytes::from(bytes.clone());
        let all = 0..backed.len();
        Self::Shared(backed, all)
    }

    /// A file that is mapped may be larger than memory: what cannot be copied is an error, and ends nothing else.
    fn copied(py: Python<'_>, buffer: &PyBuffer<u8>) -> PyResult<Self> {
        let size = buffer.len_bytes();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| no_memory(size))?;
        bytes.resize(size, 0);
        buffer.copy_to_slice(py, &mut bytes)?;
        Ok(Self::Copied(bytes))
    }

    /// What a view shows of a `bytes`, if it shows it without gaps. A view of anything else may change while it is read, even one that is
    /// read-only itself.
    fn behind_view(view: &Bound<'_, PyAny>, buffer: &PyBuffer<u8>) -> PyResult<Option<Self>> {
        if !view.is_instance_of::<PyMemoryView>() || !buffer.is_c_contiguous() {
            return Ok(None);
        }
        let behind = view.getattr("obj")?;
        let Ok(bytes) = behind.cast::<PyBytes>() else { return Ok(None) };
        let backed = PyBackedBytes::from(bytes.clone());
        let start = buffer.buf_ptr().addr().wrapping_sub(backed.as_ptr().addr());
        let range = start..start.saturating_add(buffer.len_bytes());
        Ok(backed.get(range.clone()).is_some().then_some(Self::Shared(backed, range)))
    }
}

fn no_memory(size: usize) -> PyErr {
    PyMemoryError::new_err(format!("there is no memory for a copy of the {size} bytes of `data`"))
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes, range) => &bytes[range.clone()],
            Self::Copied(bytes) => bytes,
        }
    }
}
