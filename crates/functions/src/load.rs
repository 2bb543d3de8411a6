//! From a `.wasm` file to a function: read, refuse, compile or take from the cache, link, start once.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::backtrace::excerpt_of;
use crate::engine::Model;
use crate::host::Host;
use crate::linker::{self, link};
use crate::meter::Meter;
use crate::outbound::Hooks;
use crate::room::Needs;
use crate::{Failure, Function, Runtime, RuntimeError, Settings, stacks};

pub use crate::linker::Import;

/// Largest component, bytes.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// What a component's file begins with (the binary format's version and its layer).
const COMPONENT_MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";

/// What a core module's file begins with.
const MODULE_MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// Why a file is not a function.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("the component cannot be read")]
    Read(#[source] io::Error),
    /// The file is too large.
    #[error("the component is larger than {} MiB", COMPONENT_BYTES_MAX >> 20)]
    TooLarge,
    /// The file is native code, which is never taken from outside.
    #[error("the file is compiled code; give the `.wasm` component it was made of")]
    Precompiled,
    /// The file is something else.
    #[error("the file is not a WebAssembly component: {hint}")]
    NotComponent {
        /// What it is, or how to make a component of it.
        hint: &'static str,
    },
    /// The component is not valid, or could not be compiled.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// There is nothing to run the component in.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The component imports what functions are not given.
    #[error("the component imports what functions are not given: {}", names(.0))]
    Imports(Vec<Import>),
    /// The component does not fit `wasi:http`.
    #[error("the component cannot be called: {0}")]
    World(String),
    /// The component was linked, and its first instance failed.
    #[error("the component cannot be started: {0}")]
    Start(#[source] Failure),
}

fn names(refused: &[Import]) -> String {
    let each = refused.iter().map(|import| {
        let hint = import.refused.unwrap_or_default();
        format!("`{}` ({hint})", import.name)
    });
    each.collect::<Vec<_>>().join(", ")
}

/// What is known of a component that was looked at.
#[derive(Clone, Debug)]
pub struct Checked {
    /// `wasi:http/proxy@0.2` or `wasi:http/service@0.3`.
    pub world: &'static str,
    /// What it imports.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<String>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub component_hash: String,
    /// Size of the file.
    pub component_bytes: usize,
    /// Size of the compiled code.
    pub compiled_bytes: usize,
    /// How long compiling took; `None`: it was in the cache.
    pub compile_time: Option<Duration>,
    /// How long the first instance took to start.
    pub start_time: Duration,
    /// Memory of an instance that has just started, bytes.
    pub start_memory_bytes: u64,
}

/// A component that is compiled.
struct Loaded {
    host: Arc<Host>,
    component: Component,
    hash: String,
    component_bytes: usize,
    compiled_bytes: usize,
    compile_time: Option<Duration>,
    /// Most stacks that an instance holds at once.
    stacks: u32,
}

/// What the first instance showed.
struct Started {
    time: Duration,
    memory_bytes: u64,
    /// How many garbage-collected heaps it has: one or none.
    heaps: u32,
}

impl Runtime {
    /// Loads a function. It blocks, and may take half a minute where JavaScript or Python is to be compiled.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn load(&self, component: &Path, settings: Settings) -> Result<Arc<Function>, LoadError> {
        let loaded = self.component(component)?;
        self.start(&loaded, settings).map(|(function, _)| Arc::new(function))
    }

    /// Says what a component is, what it wants, and how it starts under these settings.
    ///
    /// # Errors
    ///
    /// Whatever [`Runtime::load`] would refuse it for.
    pub fn check(&self, component: &Path, settings: Settings) -> Result<Checked, LoadError> {
        let loaded = self.component(component)?;
        let (function, started) = self.start(&loaded, settings)?;
        Ok(Checked {
            world: function.world(),
            imports: linker::imports(&loaded.component),
            exports: linker::exports(&loaded.component),
            component_hash: loaded.hash,
            component_bytes: loaded.component_bytes,
            compiled_bytes: loaded.compiled_bytes,
            compile_time: loaded.compile_time,
            start_time: started.time,
            start_memory_bytes: started.memory_bytes,
        })
    }

    fn component(&self, path: &Path) -> Result<Loaded, LoadError> {
        let bytes = read(path)?;
        let hash = hex(&Sha256::digest(&bytes));
        let component_bytes = bytes.len();
        if let Some(cache) = &self.cache
            && let Some(code) = cache.get(&hash)
        {
            let host = self.host(code.model())?;
            match code.map(&host.engine) {
                Ok(component) => {
                    let compiled_bytes = code.as_bytes().len();
                    let compile_time = None;
                    return Ok(Loaded {
                        host,
                        component,
                        hash,
                        component_bytes,
                        compiled_bytes,
                        compile_time,
                        stacks: stacks_of(code.model(), &bytes),
                    });
                }
                Err(error) => cache.discard(&hash, &format!("{error:#}")),
            }
        }
        // It may take a while, and whoever waits should know for what.
        tracing::info!(target: "function", component = %path.display(), bytes = component_bytes, "compiling a function");
        let began = Instant::now();
        let code = self.compile(&bytes)?;
        let compile_time = Some(began.elapsed());
        let host = self.host(code.model())?;
        let component = code.map(&host.engine).map_err(|error| LoadError::Compile(format!("{error:#}")))?;
        if let Some(cache) = &self.cache {
            cache.put(&hash, &code);
        }
        let compiled_bytes = code.as_bytes().len();
        let stacks = stacks_of(code.model(), &bytes);
        Ok(Loaded { host, component, hash, component_bytes, compiled_bytes, compile_time, stacks })
    }

    /// Links a component and starts it once, which shows what its instances take.
    fn start(&self, loaded: &Loaded, settings: Settings) -> Result<(Function, Started), LoadError> {
        let mut function = self.link(loaded, settings)?;
        let started = function.start_once()?;
        let mut needs = Needs::of(&loaded.component, loaded.stacks);
        needs.memories = needs.memories.saturating_add(started.heaps);
        function.take_places(self.room.needed(needs));
        Ok((function, started))
    }

    fn link(&self, loaded: &Loaded, settings: Settings) -> Result<Function, LoadError> {
        let pre = link(&loaded.host.linker, &loaded.component).map_err(|error| {
            let mut refused = linker::imports(&loaded.component);
            refused.retain(|import| import.refused.is_some());
            if refused.is_empty() {
                LoadError::World(format!("{error:#}"))
            } else {
                LoadError::Imports(refused)
            }
        })?;
        let room = self.room.clone();
        Ok(Function::new(loaded.host.engine.clone(), pre, settings, loaded.hash.clone(), room))
    }
}

/// Most stacks that an instance holds at once: without the async component model, that of its one call.
fn stacks_of(model: Model, component: &[u8]) -> u32 {
    match model {
        Model::Sync => 1,
        Model::Async => stacks::needed(component),
    }
}

/// Reads a component, and refuses what is none by its first bytes.
fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    // To open a pipe would be to wait for whoever writes into it.
    if !fs::metadata(path).map_err(LoadError::Read)?.is_file() {
        return Err(LoadError::Read(io::Error::new(io::ErrorKind::InvalidInput, "not a file")));
    }
    let file = File::open(path).map_err(LoadError::Read)?;
    file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(LoadError::Read)?;
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge);
    }
    if Engine::detect_precompiled(&bytes).is_some() || bytes.starts_with(b"\x7fELF") {
        return Err(LoadError::Precompiled);
    }
    let hint = match bytes.get(..COMPONENT_MAGIC.len()) {
        Some(COMPONENT_MAGIC) => return Ok(bytes),
        Some(MODULE_MAGIC) => {
            "it is a core module; build for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
        }
        _ if bytes.starts_with(b"(") => "it is text; build it, or convert it with `wasm-tools parse`",
        _ => "it does not begin like one",
    };
    Err(LoadError::NotComponent { hint })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Function {
    /// Starts one instance under the function's own limits and drops it: what cannot start is found before traffic comes.
    fn start_once(&self) -> Result<Started, LoadError> {
        // A thread of its own, since the caller's may have a runtime already.
        std::thread::scope(|scope| scope.spawn(|| self.start_here()).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            .map_err(LoadError::Start)
    }

    fn start_here(&self) -> Result<Started, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::Instantiation(error.to_string()))?;
        let place = runtime.block_on(self.room().place_to_start());
        let meter = Arc::new(Meter::new(self.facts().clone(), None));
        let hooks = Hooks::new(meter.clone(), None, false);
        let mut instance = self.new_instance(hooks);
        instance.place = Some(place);
        let began = Instant::now();
        let started = runtime.block_on(meter.watch(instance.start(self)));
        instance.store.data().log.end_call();
        match started? {
            Ok(()) => Ok(Started {
                time: began.elapsed(),
                memory_bytes: instance.store.data().memory.bytes(),
                heaps: u32::from(instance.store.gc_heap_capacity() > 0),
            }),
            Err(error) => Err(match instance.failure(&error) {
                Failure::Trapped { .. } => Failure::Instantiation(excerpt_of(&error)),
                failure => failure,
            }),
        }
    }
}
