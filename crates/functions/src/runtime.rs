//! What all functions of a process share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::CompilerProgram;
use crate::cache::{Cache, CachePlace};
use crate::engine::{self, Model};
use crate::host::Host;
use crate::room::Room;

/// The engines with their pools of instances, the interfaces guests may import, and the cache of compiled code.
pub struct Runtime {
    /// Runs what needs no async component model, as most do.
    sync_host: Arc<Host>,
    /// Runs what needs it; made with the first.
    async_host: Mutex<Option<Arc<Host>>>,
    instances: usize,
    pub(crate) cache: Option<Cache>,
    pub(crate) compiler: Option<CompilerProgram>,
    pub(crate) room: Arc<Room>,
}

/// What a runtime is made of.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// Most instances at once, over all functions. Each reserves address space (4 GiB; twice that once there is a component of
    /// WASI 0.3), no memory.
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
        let sync_host = host(Model::Sync, options.instances)?;
        let cache = options.cache.as_ref().map(|place| Cache::open(place, &sync_host.engine)).transpose();
        let cache = cache.map_err(|error| RuntimeError::Cache(error.to_string()))?;
        Ok(Arc::new(Self {
            sync_host,
            async_host: Mutex::default(),
            instances: options.instances,
            cache,
            compiler: options.compiler.clone(),
            room: Arc::new(Room::new(options.instances)),
        }))
    }

    /// What runs components of that model.
    pub(crate) fn host(&self, model: Model) -> Result<Arc<Host>, RuntimeError> {
        match model {
            Model::Sync => Ok(self.sync_host.clone()),
            Model::Async => {
                let mut made = self.async_host.lock().unwrap_or_else(PoisonError::into_inner);
                let host = made.take().map_or_else(|| host(model, self.instances), Ok)?;
                Ok(made.insert(host).clone())
            }
        }
    }
}

fn host(model: Model, instances: usize) -> Result<Arc<Host>, RuntimeError> {
    let host = Host::new(model, instances)
        .map_err(|error| RuntimeError::Engine { instances, message: format!("{error:#}") })?;
    engine::start_ticker(&host.engine).map_err(RuntimeError::Ticker)?;
    Ok(Arc::new(host))
}
