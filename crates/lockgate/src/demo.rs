//! The demonstration: sample services, a gateway in front of them, two users, a little traffic, and what comes of it.

mod configuration;
mod customers;
mod handshake;
mod ports;
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

use journal::JournalError;
use server::{ConfigSource, Options, Server, Signals, StartError, TokenVariable};

use crate::client::{Client, Place};
use crate::command::{LOCAL_NAMES, Outcome, compiler, does_not_start, drain};
use crate::data_place::DataPlace;
use crate::failure::Failure;
use crate::output::{self, Reader};
use crate::pair::{Existing, Pair};
use ports::Ports;

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
    let own = data.of_this_run("demo")?;
    let services = services::start()
        .map_err(|error| Failure::new("the sample services do not start").caused_by(&error))?;
    #[cfg(feature = "functions")]
    let thumbnails = Some(thumbnails::place(own.path())?);
    #[cfg(not(feature = "functions"))]
    let thumbnails: Option<PathBuf> = None;
    let tls = wishes.tls.then(|| certificate(own.path())).transpose()?;
    let server = start(Ports::first(wishes.port), |ports| {
        configuration::text(&configuration::Places {
            gateway: SocketAddr::from((Ipv4Addr::LOCALHOST, ports.gateway)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, ports.admin)),
            tls: tls.as_ref().map(|pair| (ports.tls, pair)),
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
fn certificate(folder: &Path) -> Result<Pair, Failure> {
    let pair = Pair::within(folder);
    pair.self_signed(&LOCAL_NAMES.map(str::to_owned), CERTIFICATE_DAYS, Existing::Keep)?;
    Ok(pair)
}

/// Starts the gateway at these ports; what else is taken than its own goes elsewhere.
fn start(mut ports: Ports, text: impl Fn(Ports) -> String) -> Result<Server, Failure> {
    loop {
        let error = match start_with(text(ports))? {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        let next = match &error {
            StartError::Bind(errors) => ports.after(errors.iter().map(|error| error.address.port())),
            _ => None,
        };
        ports = next.ok_or_else(|| failure(&error))?;
    }
}

fn start_with(text: String) -> Result<Result<Server, StartError>, Failure> {
    let source = ConfigSource::Text {
        name: "the demonstration's configuration".into(),
        base_dir: PathBuf::new(),
        text,
    };
    let loaded = source.load().map_err(|problems| Failure::of_configuration(&problems))?;
    let options = Options {
        signals: Signals::Obey,
        compiler: compiler(),
        // It is of another gateway, and the lines that are printed read the file.
        token_variable: TokenVariable::Ignore,
        ..Options::default()
    };
    Ok(Server::start(loaded.config, source, options))
}

fn failure(error: &StartError) -> Failure {
    let failure = does_not_start(error);
    match error {
        StartError::Bind(_) => {
            failure.hint("choose another port with `--port`; `lockgate demo --port 0` takes any free one")
        }
        StartError::Journal(JournalError::Locked { .. }) => {
            failure.hint("stop that gateway, or name another directory with `--data DIR`")
        }
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
