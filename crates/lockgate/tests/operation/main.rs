//! The running gateway as its operator meets it: other programs around it, kills, full disks, reloads, long runs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics or prints is doing its work"
)]

mod admin;
mod commands;
mod descriptors;
mod disk;
mod drain;
mod kills;
mod load;
mod log;
mod long_exchanges;
mod memory;
mod nginx;
mod outside;
mod reload;
mod slow_clients;
mod soak;
mod tail;
mod users;
mod websocket_suite;

use testkit::GatewayProcess;

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// Starts a gateway with a configuration.
#[track_caller]
pub(crate) fn start(config: &str) -> GatewayProcess {
    GatewayProcess::start(LOCKGATE, config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}
