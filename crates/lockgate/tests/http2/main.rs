//! HTTP/2 through the running gateway: what clients may send, what origins of HTTP/1.1 get, and what comes back.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]

mod client;
mod connections;
mod desync;
mod floods;
mod frames;
mod front;
mod health;
mod negotiation;
mod origin;
mod protocol;
mod requests;
mod rules;
mod streams;
mod upstream_faults;
mod upstream_frames;
mod upstream_websockets;
mod upstreams;

use testkit::{GatewayProcess, Origin};

pub(crate) use client::{Client, request};
pub(crate) use frames::Frames;

/// The program under test.
const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// Starts a gateway with one worker and a cleartext listener of both protocols, that sends everything to an origin.
#[track_caller]
pub(crate) fn start(more: &str, origin: &Origin) -> GatewayProcess {
    let config = format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h1\", \"h2c\"]\n{more}\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n[[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    );
    GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}
