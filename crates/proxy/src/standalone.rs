//! A whole proxy in one value, for programs that bring their own [`ProxyHttp`] and need no admin side and no journal.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::{Config, Diagnostics};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::health::HealthChecks;
use crate::hooks::ProxyHttp;
use crate::listen::Listener;
use crate::snapshot::{Plane, Snapshot};
use crate::worker::{Drained, WorkerHandle, spawn_worker};

/// Connections the kernel keeps for a listening socket before they are accepted.
const BACKLOG: i32 = 4096;

/// Why a proxy did not start.
#[derive(Debug, Error)]
pub enum StandaloneError {
    /// The configuration has problems.
    #[error("the configuration is not valid")]
    Config(Diagnostics),
    /// An address cannot be listened on, or the system gives no thread.
    #[error("cannot listen on `{0}`")]
    Listen(SocketAddr, #[source] io::Error),
    /// The system gives no thread.
    #[error("cannot start a worker")]
    Worker(#[source] io::Error),
}

/// A running proxy.
#[derive(Debug)]
pub struct Standalone {
    plane: Arc<Plane>,
    workers: Vec<WorkerHandle>,
    addresses: Vec<SocketAddr>,
    /// Held for as long as the proxy runs.
    _health: HealthChecks,
}

impl Standalone {
    /// Starts a proxy from the text of a configuration; endpoints have to be addresses or sockets.
    ///
    /// # Errors
    /// A configuration that is not valid, or an address that is taken.
    pub fn start<P: ProxyHttp + Clone + Send>(toml: &str, hooks: &P) -> Result<Self, StandaloneError> {
        let loaded = config::load_text("configuration", Path::new("."), toml, &config::ProcessEnvironment);
        Self::start_with(&loaded.map_err(StandaloneError::Config)?.config, hooks)
    }

    /// Starts a proxy from a configuration.
    ///
    /// # Errors
    /// An address that is taken, or no thread.
    pub fn start_with<P: ProxyHttp + Clone + Send>(
        config: &Config,
        hooks: &P,
    ) -> Result<Self, StandaloneError> {
        let plane = Plane::new(Snapshot::compile(config, &[], None));
        let count = config.workers.count.or_else(cores).unwrap_or(1);
        let spawn = |at: usize| spawn_worker(format!("worker-{at}"), plane.clone(), hooks.clone(), None);
        let workers: Vec<_> =
            (0..count).map(spawn).collect::<Result<_, _>>().map_err(StandaloneError::Worker)?;
        let mut addresses = Vec::new();
        for listener in &config.listeners {
            addresses.push(
                listen(listener, &workers)
                    .map_err(|error| StandaloneError::Listen(listener.address, error))?,
            );
        }
        let health = HealthChecks::new(plane.clone());
        health.follow();
        Ok(Self { plane, workers, addresses, _health: health })
    }

    /// The addresses listened on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What its workers share: also the table of known keys, which nobody else fills.
    pub fn plane(&self) -> &Arc<Plane> {
        &self.plane
    }

    /// Serves until the process ends.
    pub fn wait(self) {
        for worker in self.workers {
            worker.join();
        }
    }

    /// Lets running exchanges end, at most until the deadline; answers whether all did.
    pub fn drain(self, within: Duration) -> bool {
        for worker in &self.workers {
            worker.drain(within);
        }
        self.workers.into_iter().map(WorkerHandle::join).all(|drained| drained == Drained::Clean)
    }
}

fn cores() -> Option<usize> {
    std::thread::available_parallelism().ok().map(usize::from)
}

/// Gives every worker a socket of its own for one address.
fn listen(config: &config::Listener, workers: &[WorkerHandle]) -> io::Result<SocketAddr> {
    let mut address = config.address;
    let mut sockets = Vec::new();
    for _ in workers {
        let socket = bind(address)?;
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    let listener = Listener::new(config, address);
    for (worker, socket) in workers.iter().zip(sockets) {
        worker.listen(Arc::clone(&listener), socket);
    }
    Ok(address)
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit it, which saves a call for each.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
