//! Functions: components that answer requests or stand before an upstream, each with its limits.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// Functions that stand before one route's target.
pub const FUNCTIONS_BEFORE_MAX: usize = 8;

/// `[functions]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSettings {
    /// Threads that run guests; `None`: one per core.
    pub threads: Option<usize>,
    /// Most instances at once over all functions; default 1000.
    pub instances: usize,
}

/// `[function.NAME]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its `.wasm` component, resolved against the configuration's folder. Whether it is there and is one is the loader's to say.
    pub component: PathBuf,
    /// Memories, tables and heap of an instance together, bytes; default 128 MiB; 500.
    pub memory_bytes: u64,
    /// From the start of a call to the end of its response; default 10 s; 504.
    pub time: Duration,
    /// CPU time of a call; default 1 s; 504.
    pub cpu: Duration,
    /// Calls at once; default 64; those beyond it wait.
    pub instances: usize,
    /// Calls that wait for an instance; default 256; 0: none waits; 503.
    pub queue: usize,
    /// How long one waits; default 1 s; 503.
    pub queue_time: Duration,
    /// Largest request body, bytes; default 16 MiB; 0: no limit; 413.
    pub request_bytes: u64,
    /// Largest response body, bytes; default 64 MiB; 0: no limit; 500, or the connection is cut when it has begun.
    pub response_bytes: u64,
    /// Outgoing requests of one call; default 32; the guest gets an error beyond it.
    pub calls: u32,
    /// Log of one call, bytes; default 64 KiB; the rest is dropped and said so.
    pub log_bytes: u64,
    /// Calls that one instance serves; default 1: a fresh one for each.
    pub reuse: u32,
    /// Whom it may call, in the order written; each origin once.
    pub outbound: Vec<Outbound>,
    /// `config`: values for `wasi:config`, by name.
    pub values: Vec<(String, String)>,
    /// `secrets`: as `values`, from the environment or a file; no name is in both.
    pub secrets: Vec<(String, Secret)>,
}

/// One that a function may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// What stands before the path of a request to it, in lower case, without `http://` and the scheme's usual port:
    /// `orders.internal` for the upstream `orders`, `api.example.com:8080` or `https://api.example.com` for an origin.
    pub origin: String,
    /// Index into `Config::upstreams`.
    pub upstream: usize,
}
