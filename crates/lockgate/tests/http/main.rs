//! HTTP/1.1 through the running gateway: what clients may send, what origins get, and what comes back.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]

mod announced;
mod bodies;
mod connections;
mod desync;
mod expect;
mod faults;
mod forwarding;
mod framing;
mod health;
mod limits;
mod proxy_protocol;
mod random_traffic;
mod routing;
mod tunnels;
mod upstreams;

use testkit::{GatewayProcess, Origin, single_upstream};

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// A gateway that sends everything to one origin.
pub(crate) struct Stand {
    pub(crate) origin: Origin,
    pub(crate) gateway: GatewayProcess,
}

impl Stand {
    /// Starts a gateway in front of an origin.
    pub(crate) fn new(origin: Origin) -> Self {
        let gateway = start(&single_upstream(origin.address()));
        Self { origin, gateway }
    }
}

/// Starts a gateway with a configuration.
#[track_caller]
pub(crate) fn start(config: &str) -> GatewayProcess {
    GatewayProcess::start(LOCKGATE, config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}
