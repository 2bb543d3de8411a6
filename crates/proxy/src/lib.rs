//! The data plane as a library: listen, decode, route, answer, respond, record.
//!
//! Start reading at `pipeline.rs`, which tells the way of one request on one screen. Around it: `listen` and `connection` bring
//! requests, `route` and `snapshot` say what the configuration wants, `answer` and `forward` give answers, `upstream` keeps
//! connections, `record` ends every exchange with its one record. The pipeline speaks to protocols through the traits of
//! [`adapter`]; `h1` implements them for HTTP/1.1, `h2` for HTTP/2.
//!
//! Each worker is one thread with a single-threaded runtime ([`spawn_worker`]); what workers share is the [`Plane`], the
//! endpoints' state, and the limits' counters.

pub mod adapter;
mod answer;
mod buffers;
mod client;
mod clock;
mod connection;
mod exchange;
mod forward;
#[cfg(feature = "functions")]
mod function;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod h1;
mod h2;
mod health;
mod hooks;
mod identify;
mod keys;
mod limiter;
mod limits;
mod listen;
#[cfg(test)]
mod memory;
mod meter;
mod pipeline;
mod record;
mod refusal;
mod route;
mod snapshot;
mod standalone;
mod stream;
mod timers;
mod upstream;
mod worker;

pub use exchange::Exchange;
pub use forward::to_upstream;
#[cfg(feature = "functions")]
pub use function::{FunctionThread, FunctionThreads, spawn_function_thread};
pub use health::HealthChecks;
pub use hooks::{Configured, ProxyHttp, Verdict};
pub use identify::{Admitted, FoundKey, Identity};
pub use keys::KeyTable;
pub use limiter::{Asker, LimitCounts, Limiter, Permits, RouteLimits, Stage};
pub use listen::{HandshakeCounts, Listener};
pub use message::{Request, Response};
pub use meter::{Progress, Tally, header_value};
pub use pipeline::Afterwards;
pub use record::{Occasion, Record, Recorded};
pub use refusal::{Instead, Refusal};
pub use route::Route;
pub use snapshot::{LoadedFunction, Plane, Snapshot};
pub use standalone::{Standalone, StandaloneError};
pub use upstream::{Address, Endpoint, HealthReport, Upstream};
pub use worker::{Drained, WorkerGauges, WorkerHandle, spawn_worker};
