//! The demonstration: sample services, a gateway in front of them, two users, a little traffic, and what comes of it.

mod configuration;
mod customers;
mod handshake;
mod services;
mod summary;
#[cfg(feature = "functions")]
mod thumbnails;
mod traffic;
mod websocket;
mod welcome;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use server::{ConfigSource, Options, Server, Signals, StartError};

use crate::client::{Client, Place};
use crate::command::{LOCAL_NAMES, Outcome, compiler, does_not_start, drain};
use crate::data_place::DataPlace;
use crate::failure::Failure;
use crate::output::{self, Reader};
use crate::pair::Pair;

/// Where the admin side is looked for first, and on how many ports after that.
const ADMIN_PORTS: std::ops::Range<u16> = 9180..9200;
/// Where it answers by TLS.
const TLS_PORT: u16 = 8443;
/// Days the demonstration's certificate is valid.
const CERTIFICATE_DAYS: u32 = 7;
/// Interval between two summaries.
const SUMMARY_EVERY: Duration = Duration::from_secs(1);

/// What is asked of the demonstration.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// Port of the gateway; 0 for any.
    pub(crate) port: u16,
    /// Whether it answers by TLS, too.
    pub(crate) tls: bool,
    /// When to end by itself, counted from when everything is there.
    pub(crate) exit_after: Option<Duration>,
    /// Data directory to keep; else a temporary one.
    pub(crate) data: Option<PathBuf>,
}

/// Runs the demonstration until it is asked to end.
pub(crate) fn run(wishes: &Wishes) -> Result<Outcome, Failure> {
    let data = DataPlace::new(wishes.data.as_deref())?;
    let services = services::start()
        .map_err(|error| Failure::new("the sample services do not start").caused_by(&error))?;
    #[cfg(feature = "functions")]
    let thumbnails = Some(thumbnails::place(data.path())?);
    #[cfg(not(feature = "functions"))]
    let thumbnails: Option<PathBuf> = None;
    let tls = wishes.tls.then(|| certificate(data.path())).transpose()?;
    let server = start(|admin_port| {
        configuration::text(&configuration::Places {
            gateway: SocketAddr::from((Ipv4Addr::LOCALHOST, wishes.port)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, admin_port)),
            // Any port, where that was asked for.
            tls: tls.as_ref().map(|pair| (if wishes.port == 0 { 0 } else { TLS_PORT }, pair)),
            data: data.path(),
            services: &services,
            thumbnails: thumbnails.as_deref(),
        })
    })?;
    let api = Client::new(Place::known(server.admin_address(), server.tokens().expose_admin()))?;
    let gateway = server.addresses().first().copied();
    let keys = customers::prepare(&api, gateway)?;
    let traffic = traffic::start(gateway, &keys);
    let shown = output::print(welcome::text(&server, data.path(), tls.as_ref(), &keys).as_bytes())?;
    let ends = wishes.exit_after.map(|after| Instant::now() + after);
    if shown == Reader::Listens {
        summarize(&server, ends)?;
    }
    drop(traffic);
    Ok(drain(server))
}

/// Makes a certificate for this machine alone.
fn certificate(data: &Path) -> Result<Pair, Failure> {
    let pair = Pair::within(data);
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::new(format!("cannot make `{}`", data.display())).caused_by(&error))?;
    pair.self_signed(&LOCAL_NAMES.map(str::to_owned), CERTIFICATE_DAYS, true)?;
    Ok(pair)
}

/// Starts the gateway with its admin side at the usual port, else at the next one that is free, else at any.
fn start(text: impl Fn(u16) -> String) -> Result<Server, Failure> {
    for port in ADMIN_PORTS {
        match start_with(text(port))? {
            Err(StartError::Bind(errors)) if errors.iter().all(|error| error.address.port() == port) => {}
            started => return started.map_err(|error| failure(&error)),
        }
    }
    start_with(text(0))?.map_err(|error| failure(&error))
}

fn start_with(text: String) -> Result<Result<Server, StartError>, Failure> {
    let source = ConfigSource::Text {
        name: "the demonstration's configuration".into(),
        base_dir: PathBuf::new(),
        text,
    };
    let loaded = source.load().map_err(|problems| Failure::of_configuration(&problems))?;
    let options = Options { ports_file: None, signals: Signals::Obey, compiler: compiler() };
    Ok(Server::start(loaded.config, source, options))
}

fn failure(error: &StartError) -> Failure {
    let failure = does_not_start(error);
    match error {
        StartError::Bind(_) => failure.hint("choose another port: `lockgate demo --port 8081`"),
        _ => failure,
    }
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
