//! Questions about events for programs in C, and in whatever can call C: the core of `lockgate process` behind a dozen functions.
//!
//! What C sees is in `functions`; `include/lockgate.h` is generated from there, and a test compares it. The other files are safe Rust but
//! for the one lifetime that `asked` keeps by hand.
//!
//! - No panic crosses the border: every function that does work runs it in `status::guarded`.
//! - Whoever makes something frees it: a query by `lockgate_query_free`, texts by `lockgate_free`. What `lockgate_last_error` points to is
//!   the library's.
//! - No thread outlives the call that started it: see `threads`.

mod asked;
mod functions;
mod handover;
mod status;
mod threads;

pub use functions::{
    LockgateInputFormat, LockgateOutputFormat, LockgateQuery, lockgate_free, lockgate_last_error,
    lockgate_query_add_bytes, lockgate_query_add_file, lockgate_query_counts, lockgate_query_free,
    lockgate_query_malformed, lockgate_query_new, lockgate_query_report, process_data,
};
pub use status::{LockgateCounts, LockgateStatus};
