//! The project's own chores: `cargo xtask test`, `ci`, `tidy`, `generate`, `wasm`, `functions`, `bench`.
#![allow(clippy::print_stdout, reason = "chores talk to the terminal")]

mod bench;
mod functions;
mod generate;
mod step;
mod test;
mod tidy;
mod tools;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Everything that must hold: tidy, format, lints, documentation, tests.
    Test {
        /// Tests only.
        #[arg(long)]
        fast: bool,
    },
    /// The same as `test`, and what a developer's machine may lack is a failure.
    Ci,
    /// Checks the rules that no compiler knows: layers, places, sizes, links.
    Tidy,
    /// Writes the generated references again.
    Generate,
    /// Builds the WebAssembly files and the page for browsers.
    Wasm(wasm::Options),
    /// Builds the functions of `examples/functions` and those of tests, in Rust, JavaScript and Python.
    Functions(functions::Options),
    /// Measures.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// The gateway beside NGINX, HAProxy, Envoy, Pingora, Caddy and Node; peers that are missing are installed.
    Proxy(bench::Options),
    /// Keys, limits and usage beside NGINX with Lua and Envoy, the users API beside Go and Node; what is missing is installed.
    Users(bench::users::Options),
    /// Functions beside wasmtime serve, workerd and Lua in NGINX and HAProxy; what is missing is installed.
    Functions(bench::functions::Options),
    /// Usage per user from 2 GB of events, beside DuckDB, Polars, Python and Node; what is missing is installed.
    Process(bench::logs::Options),
    /// Lines found in 2 GB of events, beside ripgrep; what is missing is installed.
    Search(bench::logs::Options),
    /// HTTP/2 from clients beside NGINX, HAProxy and Envoy; what is missing is installed.
    H2(bench::Options),
    /// TLS from clients beside NGINX, HAProxy and Envoy; what is missing is installed.
    Tls(bench::Options),
    /// Floods of HTTP/2 and TLS against the gateway, NGINX, HAProxy and Envoy; what is missing is installed.
    Floods(bench::floods::Options),
}

fn main() -> ExitCode {
    let root = root();
    let outcome = match Arguments::parse().chore {
        Chore::Test { fast: true } => test::fast(&root),
        Chore::Test { fast: false } => test::all(&root, tools::Missing::from_environment()),
        Chore::Ci => test::all(&root, tools::Missing::Fails),
        Chore::Tidy => tidy::run(&root),
        Chore::Generate => generate::run(&root),
        Chore::Wasm(options) => wasm::run(&root, &options),
        Chore::Functions(options) => functions::run(&root, &options, tools::Missing::from_environment()),
        Chore::Bench { what: Bench::Proxy(options) } => bench::proxy(&root, &options),
        Chore::Bench { what: Bench::Users(options) } => bench::users::users(&root, &options),
        Chore::Bench { what: Bench::Functions(options) } => bench::functions::functions(&root, &options),
        Chore::Bench { what: Bench::Process(options) } => bench::logs::process(&root, &options),
        Chore::Bench { what: Bench::Search(options) } => bench::logs::search(&root, &options),
        Chore::Bench { what: Bench::H2(options) } => bench::clients::http2(&root, &options),
        Chore::Bench { what: Bench::Tls(options) } => bench::clients::tls(&root, &options),
        Chore::Bench { what: Bench::Floods(options) } => bench::floods::floods(&root, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder: cargo tells, and the working directory does where cargo did not start this.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    manifest.as_deref().and_then(Path::parent).map_or_else(|| PathBuf::from("."), Path::to_owned)
}
