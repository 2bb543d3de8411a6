//! Upstreams: what all workers share of them, and what each worker keeps for itself.

mod connect;
mod endpoint;
mod pool;
mod shared;
mod socket;
mod stream;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

pub use endpoint::{Address, Endpoint};
pub(crate) use pool::{Lease, Pools, Unobtainable};
pub(crate) use shared::{SharedPools, StreamLease};
pub(crate) use stream::{ReadSide, Stream, WriteSide};

use crate::timers::Ticks;

/// An upstream: its endpoints as they are now, and what all workers know of them.
#[derive(Debug)]
pub struct Upstream {
    config: config::Upstream,
    /// Told apart from every other upstream of the process, also from one of the same name before a reload.
    id: u64,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
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
    pub(crate) fn new(config: config::Upstream) -> Self {
        static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let timeouts = Timeouts {
            connect: config.timeout.connect.into(),
            response: config.timeout.response.into(),
            idle: config.timeout.idle.into(),
            keep_alive: config.timeout.keep_alive.into(),
        };
        let endpoints = config.endpoints.iter().filter_map(|endpoint| match &endpoint.address {
            config::EndpointAddress::Ip(address) => {
                Some(Endpoint::new(Address::Ip(*address), endpoint.weight))
            }
            config::EndpointAddress::Unix(path) => {
                Some(Endpoint::new(Address::Unix(path.clone()), endpoint.weight))
            }
            config::EndpointAddress::Host { .. } => None,
        });
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            endpoints: ArcSwap::from_pointee(endpoints.map(Arc::new).collect()),
            open: AtomicUsize::new(0),
            timeouts,
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
        self.endpoints.rcu(|current| {
            let mut next: Vec<_> =
                current.iter().filter(|endpoint| endpoint.origin() != Some(&*origin)).cloned().collect();
            for address in addresses {
                let kept = current
                    .iter()
                    .find(|e| e.origin() == Some(&*origin) && *e.address() == Address::Ip(*address));
                next.push(kept.cloned().unwrap_or_else(|| {
                    Arc::new(Endpoint::resolved(*address, configured.weight, origin.clone()))
                }));
            }
            if next.len() == current.len()
                && next.iter().all(|e| current.iter().any(|other| Arc::ptr_eq(e, other)))
            {
                return current.clone();
            }
            Arc::new(next)
        });
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
