//! What runs the components of one model: an engine with its pool of instances, and the interfaces they may import.

use wasmtime::component::Linker;
use wasmtime::{Engine, Result};

use crate::engine::{self, Model};
use crate::guest::Guest;
use crate::linker;

pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
}

impl Host {
    /// One with a pool of that many instances.
    pub(crate) fn new(model: Model, instances: usize) -> Result<Self> {
        let engine = engine::engine(model, instances)?;
        let linker = linker::linker(&engine, model)?;
        Ok(Self { engine, linker })
    }
}
