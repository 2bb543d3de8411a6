//! The side-by-side benchmark's tools, one binary: `cargo xtask bench` calls them.
#![allow(
    clippy::print_stdout,
    reason = "the tools talk to each other and to the terminal over standard output"
)]

mod clients;
mod floods;
mod floor;
mod frames;
mod functions;
mod load;
mod logs;
mod measure;
mod origin;
mod os;
mod poll;
mod report;
mod users;
mod websocket;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Origin, load generator, floor and measurements of the side-by-side benchmark.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers /small, /64k, /1m, sinks bodies and echoes WebSocket messages.
    Origin {
        /// Address to listen on; the one taken is printed.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Sends one kind of request over kept connections and prints one JSON report.
    Load(load::Options),
    /// Opens keep-alive connections, uses each once, and holds them until standard input ends.
    Idle(load::IdleOptions),
    /// The bare loop that forwards the same bytes.
    Floor {
        /// Address to listen on.
        listen: SocketAddr,
        /// Address to forward to.
        origin: SocketAddr,
    },
    /// Runs the peers side by side and writes a run directory.
    Measure(measure::Options),
    /// Keys, limits and usage beside proxies that do the same, and the users service beside others; writes a run directory.
    Users(users::Options),
    /// Functions beside other hosts of the same components and scripts in other proxies; writes a run directory.
    Functions(functions::Options),
    /// Usage per user from files beside DuckDB, Polars, Python and Node; writes a run directory.
    Process(logs::Options),
    /// Lines found beside ripgrep; writes a run directory.
    Search(logs::Options),
    /// HTTP/2 from clients beside proxies that speak it; writes a run directory.
    H2(clients::Options),
    /// TLS from clients beside proxies that speak it; writes a run directory.
    Tls(clients::Options),
    /// Floods of HTTP/2 and TLS against proxies that speak them; writes a run directory.
    Floods(floods::Options),
    /// Answers unary calls of gRPC, in cleartext.
    GrpcOrigin {
        /// Address to listen on; the one taken is printed.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Sends unary calls of gRPC and prints one JSON report.
    GrpcLoad(clients::GrpcOptions),
    /// Opens one connection of TLS after the other, a request on each, and prints one JSON report.
    Handshakes(clients::handshakes::Options),
    /// Opens connections of HTTP/2 or TLS, uses each once, and holds them until standard input ends.
    Hold(clients::hold::Options),
    /// Writes table and plots of a run directory again, from its raw.json.
    Report {
        /// Directory that holds raw.json.
        directory: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Origin { listen } => origin::run(listen),
        Command::Load(options) => load::run(&options),
        Command::Idle(options) => load::hold_idle(&options),
        Command::Floor { listen, origin } => floor::run(listen, origin),
        Command::Measure(options) => measure::run(&options),
        Command::Users(options) => users::run(&options),
        Command::Functions(options) => functions::run(&options),
        Command::Process(options) => logs::process(&options),
        Command::Search(options) => logs::search(&options),
        Command::H2(options) => clients::http2(&options),
        Command::Tls(options) => clients::tls(&options),
        Command::Floods(options) => floods::run(&options),
        Command::GrpcOrigin { listen } => clients::serve_grpc(listen),
        Command::GrpcLoad(options) => clients::call_grpc(&options),
        Command::Handshakes(options) => clients::handshakes::run(&options),
        Command::Hold(options) => clients::hold::run(&options),
        Command::Report { directory } => report::write_again(&directory),
    }
}
