//! Users, keys, limits and usage through the running program, on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics or prints is doing its work"
)]

mod api;
mod books;
mod conservation;
mod customers;
mod databases;
mod keys;
mod limits;
mod metering;
mod metrics;
mod nodes;
mod trouble;

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");
