//! Upstreams: what all workers share of them, and what each worker keeps for itself.

mod connect;
mod endpoint;
mod health;
mod pool;
mod shared;
mod socket;
mod stream;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use config::UpstreamProtocol;
use tokio::sync::Notify;

pub(crate) use connect::{MakeRoom, Purpose, connect, open};
pub use endpoint::{Address, Endpoint};
pub(crate) use health::Finding;
pub use health::HealthReport;
pub(crate) use pool::{Lease, Pools, Unobtainable};
pub(crate) use shared::{SharedPools, Sharing, StreamLease};
pub(crate) use stream::{ReadSide, Stream, WriteSide};

use crate::timers::Ticks;
use health::Inherited;

/// An upstream: its endpoints as they are now, and what all workers know of them.
#[derive(Debug)]
pub struct Upstream {
    config: config::Upstream,
    /// Told apart from every other upstream of the process, also from one of the same name before a reload.
    id: u64,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Host names have come to stand for other endpoints.
    changed: Notify,
    /// What checks had found when this upstream had another form.
    inherited: Inherited,
    open: AtomicUsize,
    pub(crate) timeouts: Timeouts,
}

/// The time limits of an upstream, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Ticks,
    pub(crate) response: Ticks,
    pub(crate) idle: Ticks,
    pub(crate) keep_alive: Ticks,
}

impl Upstream {
    /// An upstream with nothing behind it, but for what checks have found of `previous`, if they asked the same.
    pub(crate) fn new(config: config::Upstream, previous: Option<&Self>) -> Self {
        static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let timeouts = Timeouts {
            connect: config.timeout.connect.into(),
            response: config.timeout.response.into(),
            idle: config.timeout.idle.into(),
            keep_alive: config.timeout.keep_alive.into(),
        };
        let inherited = previous.map(|previous| Inherited::from(previous, &config)).unwrap_or_default();
        let endpoints = config.endpoints.iter().filter_map(|endpoint| {
            let address = match &endpoint.address {
                config::EndpointAddress::Ip(address) => Address::Ip(*address),
                config::EndpointAddress::Unix(path) => Address::Unix(path.clone()),
                config::EndpointAddress::Host { .. } => return None,
            };
            let health = inherited.of(None, &address);
            Some(Arc::new(Endpoint::new(address, endpoint.weight, None, health)))
        });
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            endpoints: ArcSwap::from_pointee(endpoints.collect()),
            changed: Notify::new(),
            open: AtomicUsize::new(0),
            timeouts,
            inherited,
            config,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// What the configuration says of it.
    pub fn config(&self) -> &config::Upstream {
        &self.config
    }

    /// Whether HTTP/2 is spoken on a new connection: as is configured, or as its handshake has agreed on (RFC 9113 §3.2).
    pub(crate) fn speaks_http2_on(&self, stream: &Stream) -> bool {
        match self.config.protocol {
            UpstreamProtocol::H1 => false,
            UpstreamProtocol::H2 => true,
            UpstreamProtocol::Auto => stream.agreed_on_http2(),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The endpoints as they are now: addresses given, and those that host names resolve to.
    pub fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Open connections of all workers, idle ones included.
    pub fn open_connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// The host names that have to be resolved, and how often.
    pub fn host_names(&self) -> impl Iterator<Item = (&str, u16, Duration)> {
        self.config.endpoints.iter().filter_map(|endpoint| match &endpoint.address {
            config::EndpointAddress::Host { name, port } => Some((name.as_str(), *port, self.config.resolve)),
            _ => None,
        })
    }

    /// Takes the answer for a host name. Endpoints that stay keep their state; an empty answer changes nothing, so that the last good
    /// one is kept.
    pub fn resolved(&self, name: &str, port: u16, addresses: &[std::net::SocketAddr]) {
        if addresses.is_empty() {
            return;
        }
        let place = config::EndpointAddress::Host { name: name.to_owned(), port };
        let Some(configured) = self.config.endpoints.iter().find(|endpoint| endpoint.address == place) else {
            return;
        };
        let origin: Arc<str> = format!("{name}:{port}").into();
        let before = self.endpoints.rcu(|current| {
            let mut next: Vec<_> =
                current.iter().filter(|endpoint| endpoint.origin() != Some(&*origin)).cloned().collect();
            for address in addresses {
                let kept = current
                    .iter()
                    .find(|e| e.origin() == Some(&*origin) && *e.address() == Address::Ip(*address));
                next.push(kept.cloned().unwrap_or_else(|| {
                    let address = Address::Ip(*address);
                    let health = self.inherited.of(Some(&origin), &address);
                    Arc::new(Endpoint::new(address, configured.weight, Some(origin.clone()), health))
                }));
            }
            if next.len() == current.len()
                && next.iter().all(|e| current.iter().any(|other| Arc::ptr_eq(e, other)))
            {
                return current.clone();
            }
            Arc::new(next)
        });
        // Connections to those that are gone would go on being counted, and nobody would look for them there.
        let current = self.endpoints();
        let is_gone = |endpoint: &&Arc<Endpoint>| !current.iter().any(|other| Arc::ptr_eq(endpoint, other));
        before.iter().filter(is_gone).for_each(|endpoint| endpoint.close_shelf());
        self.changed.notify_one();
    }

    /// Waits until host names stand for other endpoints, or may do so; only one may wait at a time.
    pub(crate) async fn other_endpoints(&self) {
        self.changed.notified().await;
    }

    /// Counts a connection about to be made, unless there are too many.
    fn admit(self: &Arc<Self>, endpoint: &Endpoint) -> Option<Permit> {
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        endpoint.open().fetch_add(1, Ordering::Relaxed);
        let permit = Permit { upstream: self.clone(), endpoint_open: endpoint.open().clone() };
        (self.config.connections == 0 || open < self.config.connections).then_some(permit)
    }
}

/// One connection's place under the limit of its upstream.
#[derive(Debug)]
struct Permit {
    upstream: Arc<Upstream>,
    endpoint_open: Arc<AtomicUsize>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.upstream.open.fetch_sub(1, Ordering::Relaxed);
        self.endpoint_open.fetch_sub(1, Ordering::Relaxed);
    }
}
