//! WebAssembly components run inside the gateway through `wasi:http`.
//!
//! A [`Runtime`] holds what all functions share: the engines with their pools of instances, the interfaces a guest may import, the
//! cache of compiled code. [`Runtime::load`] turns a `.wasm` component into a [`Function`], of which each [`Function::call`] runs
//! one instance on the caller's own thread, under the limits of its [`Settings`], to the end of everything it does.
//!
//! A guest is given no files, no sockets, no environment and no arguments; its requests go through the caller's [`Outbound`].

mod backtrace;
pub mod body;
pub mod bridge;
mod cache;
mod call;
mod clock;
mod code;
mod compiler;
mod counts;
mod engine;
mod entrance;
mod failure;
mod function;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod guest;
mod host;
mod limits;
mod linker;
mod load;
mod log;
mod meter;
mod nowhere;
mod outbound;
mod room;
mod runtime;
mod settings;
mod stacks;

pub use cache::CachePlace;
pub use call::Call;
pub use compiler::{CompilerProgram, compile_worker};
pub use counts::{Counts, FAILURE_REASONS};
pub use entrance::{Busy, Permit};
pub use failure::Failure;
pub use function::Function;
pub use load::{Checked, Import, LoadError};
pub use outbound::{Destination, Outbound, SentResponse, Timeouts, UPSTREAM};
pub use runtime::{Runtime, RuntimeError, RuntimeOptions};
pub use settings::Settings;
pub use wasmtime_wasi_http::{Error as HttpError, WasiBody};
