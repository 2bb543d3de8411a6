//! What all functions of a process share.

use std::fmt;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::CompilerProgram;
use crate::cache::{Cache, CachePlace};
use crate::function::KeptRoom;
use crate::guest::Guest;
use crate::{engine, linker};

/// The engine with its pool of instances, the interfaces guests may import, and the cache of compiled code.
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) cache: Option<Cache>,
    pub(crate) compiler: Option<CompilerProgram>,
    pub(crate) room: Arc<KeptRoom>,
}

/// What a runtime is made of.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// Most instances at once, over all functions. Each reserves address space (4 GiB), no memory.
    pub instances: usize,
    /// Where compiled code is kept; `None`: nowhere.
    pub cache: Option<CachePlace>,
    /// A program that compiles in a process of its own; `None`: this process compiles.
    pub compiler: Option<CompilerProgram>,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self { instances: 1000, cache: None, compiler: None }
    }
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine could not be made; most often for want of address space (`ulimit -v`).
    #[error("functions cannot be run here with {instances} instances: {message}")]
    Engine {
        /// How many instances were asked for.
        instances: usize,
        /// What the engine says.
        message: String,
    },
    /// The cache's folder or key could not be made or is not ours alone.
    #[error("the cache of compiled functions cannot be used: {0}")]
    Cache(String),
    /// The thread that interrupts guests could not be started.
    #[error("the thread that interrupts functions cannot be started")]
    Ticker(#[source] std::io::Error),
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Makes a runtime and starts the thread that interrupts its guests.
    ///
    /// # Errors
    ///
    /// See [`RuntimeError`].
    pub fn new(options: &RuntimeOptions) -> Result<Arc<Self>, RuntimeError> {
        let engine_error = |error: wasmtime::Error| RuntimeError::Engine {
            instances: options.instances,
            message: format!("{error:#}"),
        };
        let engine = engine::engine(options.instances).map_err(engine_error)?;
        let linker = linker::linker(&engine).map_err(engine_error)?;
        let cache = options.cache.as_ref().map(|place| Cache::open(place, &engine)).transpose();
        let cache = cache.map_err(|error| RuntimeError::Cache(error.to_string()))?;
        engine::start_ticker(&engine).map_err(RuntimeError::Ticker)?;
        let room = Arc::new(KeptRoom::new(options.instances / 2));
        Ok(Arc::new(Self { engine, linker, cache, compiler: options.compiler.clone(), room }))
    }
}
