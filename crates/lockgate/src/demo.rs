//! The demonstration: sample services, a gateway in front of them, a little traffic, and what comes of it.

mod configuration;
mod data;
mod handshake;
mod services;
mod summary;
mod traffic;
mod websocket;
mod welcome;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use server::{ConfigSource, Options, Server, Signals};

use crate::command::{Outcome, does_not_start, drain};
use crate::failure::Failure;
use crate::output::{self, Reader};

/// Where the admin side is looked for first, and on how many ports after that.
const ADMIN_PORTS: std::ops::Range<u16> = 9180..9200;
/// Interval between two summaries.
const SUMMARY_EVERY: Duration = Duration::from_secs(1);

/// What is asked of the demonstration.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// Port of the gateway; 0 for any.
    pub(crate) port: u16,
    /// When to end by itself.
    pub(crate) exit_after: Option<Duration>,
    /// Data directory to keep; else a temporary one.
    pub(crate) data: Option<PathBuf>,
}

/// Runs the demonstration until it is asked to end.
pub(crate) fn run(wishes: &Wishes) -> Result<Outcome, Failure> {
    let ends = wishes.exit_after.map(|after| Instant::now() + after);
    let data = data::DataPlace::new(wishes.data.as_deref())?;
    let services = services::start()
        .map_err(|error| Failure::new("the sample services do not start").caused_by(&error))?;
    let text = configuration::text(&configuration::Places {
        gateway: SocketAddr::from((Ipv4Addr::LOCALHOST, wishes.port)),
        admin: SocketAddr::from((Ipv4Addr::LOCALHOST, free_admin_port())),
        data: data.path(),
        services: &services,
    });
    let server = start(text)?;
    let traffic = traffic::start(&server.addresses());
    let shown = output::print(welcome::text(&server, data.path()).as_bytes())?;
    if shown == Reader::Listens {
        summarize(&server, ends)?;
    }
    drop(traffic);
    Ok(drain(server))
}

fn start(text: String) -> Result<Server, Failure> {
    let source = ConfigSource::Text {
        name: "the demonstration's configuration".into(),
        base_dir: PathBuf::new(),
        text,
    };
    let loaded = source.load().map_err(|problems| Failure::of_configuration(&problems))?;
    let options = Options { ports_file: None, signals: Signals::Obey };
    Server::start(loaded.config, source, options).map_err(|error| match error {
        server::StartError::Bind(_) => {
            does_not_start(&error).hint("choose another port: `lockgate demo --port 8081`")
        }
        error => does_not_start(&error),
    })
}

/// The admin side's usual port if it is free, else the next one that is.
fn free_admin_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ADMIN_PORTS.clone().find(is_free).unwrap_or(0)
}

/// Prints a summary each second until a signal comes, the time is up, or nobody reads on.
fn summarize(server: &Server, ends: Option<Instant>) -> Result<(), Failure> {
    let mut summary = summary::Printer::new();
    // The first ends the interval before there was traffic.
    server.metrics().summary();
    loop {
        let left = ends.map_or(SUMMARY_EVERY, |ends| ends.saturating_duration_since(Instant::now()));
        if left.is_zero() || server.wait(Some(left.min(SUMMARY_EVERY))) {
            return summary.end();
        }
        if summary.print(server)? == Reader::Gone {
            return Ok(());
        }
    }
}
