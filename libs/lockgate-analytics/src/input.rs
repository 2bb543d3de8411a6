//! Files and streams as rows: in pieces, in parallel, never a whole file in memory.

mod ndjson;
mod sink;

pub(crate) use sink::{Rows, Sink};

/// Longest line that is read, bytes; a longer one counts as malformed.
pub const LINE_BYTES_MAX: usize = 16 << 20;
