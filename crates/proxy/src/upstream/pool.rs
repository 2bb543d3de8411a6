//! A worker's own idle connections, last in first out, and its own place in the round.
//!
//! Connections are kept by upstream, and an upstream that a reload changes in anything is another one: so none is ever used under a
//! name, an authority or a certificate of TLS that it was not made with.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use policy::SmoothWeighted;
use rustc_hash::FxHashMap;

use super::connect::Opened;
use super::endpoint::Shelved;
use super::{Endpoint, Permit, Stream, Upstream};
use crate::h1::Connection;

/// A connection lent to an exchange.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether its socket is to be looked at before it is used again.
    pub(crate) look_again: bool,
    permit: Permit,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Unobtainable {
    /// No endpoint is known: a host name has not been resolved.
    NoEndpoint,
    /// The upstream has as many connections as it may.
    TooMany,
    /// A name leads to an address that functions may not call.
    Prohibited,
    /// The endpoint did not take the connection.
    Connect(io::Error),
    /// The endpoint speaks no protocol by which another could be asked for.
    NoUpgrade,
}

/// What a worker keeps of all upstreams.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    by_upstream: RefCell<FxHashMap<u64, Pool>>,
}

/// What a worker keeps of one upstream. `balance`, `idle` and `told` follow `endpoints` index by index.
#[derive(Debug)]
struct Pool {
    upstream: Arc<Upstream>,
    endpoints: Arc<Vec<Arc<Endpoint>>>,
    balance: SmoothWeighted,
    idle: Vec<Vec<Idle>>,
    /// Idle connections that the endpoints have been told of.
    told: Vec<usize>,
}

#[derive(Debug)]
struct Idle {
    stream: Stream,
    permit: Permit,
    /// Tick of its last use.
    since: u32,
    look_again: bool,
}

impl Lease {
    /// Of a new connection of HTTP/1.
    pub(crate) fn of(opened: Opened, endpoint: Arc<Endpoint>) -> Self {
        Self::new(Connection::new(opened.stream, false), endpoint, opened.permit)
    }

    fn new(connection: Connection, endpoint: Arc<Endpoint>, permit: Permit) -> Self {
        Self { connection, endpoint, look_again: false, permit }
    }
}

impl Pools {
    /// Chooses the next endpoint that is healthy and does not rest, else one that is healthy, or any when all are out; never `avoid`
    /// while there is another.
    pub(crate) fn choose(
        &self,
        upstream: &Arc<Upstream>,
        avoid: Option<&Arc<Endpoint>>,
    ) -> Result<Arc<Endpoint>, Unobtainable> {
        self.with(upstream, |pool| {
            let endpoints = pool.endpoints.clone();
            let avoided = |at: usize| avoid.is_some_and(|avoid| Arc::ptr_eq(avoid, &endpoints[at]));
            let healthy = |at: usize| !avoided(at) && !endpoints[at].health().is_out();
            let awake = pool.balance.pick(|at| healthy(at) && !endpoints[at].is_resting());
            let any = awake
                .or_else(|| pool.balance.pick(healthy))
                .or_else(|| pool.balance.pick(|at| !avoided(at)))
                .or_else(|| pool.balance.pick(|_| true));
            any.map(|at| endpoints[at].clone()).ok_or(Unobtainable::NoEndpoint)
        })
    }

    /// Lends an idle connection to an endpoint: this worker's, else one from the shelf. With `look` the socket itself is looked at,
    /// for what the event loop has not heard of yet.
    pub(crate) fn reuse(
        &self,
        upstream: &Arc<Upstream>,
        endpoint: &Arc<Endpoint>,
        look: bool,
    ) -> Option<Lease> {
        let own = self.with(upstream, |pool| {
            let idle = pool.idle_of(endpoint)?;
            std::iter::from_fn(|| idle.pop()).find(|idle| {
                !idle.stream.has_news() && !((look || idle.look_again) && idle.stream.has_news_now())
            })
        });
        let (stream, permit) = match own {
            Some(idle) => (idle.stream, idle.permit),
            None => from_shelf(endpoint)?,
        };
        Some(Lease::new(Connection::new(stream, true), endpoint.clone(), permit))
    }

    /// Takes a connection back for the next exchange; a surplus goes to the shelf.
    pub(crate) fn give_back(&self, upstream: &Arc<Upstream>, lease: Lease, now: u32) {
        let Lease { mut connection, endpoint, look_again, permit } = lease;
        if upstream.config().proxy_protocol.is_some() {
            // It has been said to be one client's.
            return connection.stream.farewell();
        }
        let surplus = self.with(upstream, |pool| {
            let config = pool.upstream.config();
            // Where connections are limited, one worker's idle ones must not keep the others from having any.
            let most = if config.connections > 0 { 0 } else { config.idle_connections };
            let idle = pool.idle_of(&endpoint)?;
            if idle.len() >= most {
                return Some((connection.stream, permit));
            }
            idle.push(Idle { stream: connection.stream, permit, since: now, look_again });
            None
        });
        if let Some((stream, permit)) = surplus
            && let Ok(stream) = stream.deregister()
        {
            endpoint.shelve(Shelved { stream, permit, since: std::time::Instant::now() });
        }
    }

    /// Closes what has been idle for too long, was closed by its peer or leads to an endpoint that has gone, and forgets the upstreams
    /// that `is_in_force` denies.
    pub(crate) fn sweep(&self, now: u32, is_in_force: impl Fn(u64) -> bool) {
        self.by_upstream.borrow_mut().retain(|&id, pool| {
            pool.follow();
            let keep_alive = pool.upstream.timeouts.keep_alive;
            for idle in &mut pool.idle {
                idle.retain_mut(|idle| {
                    let stays = !keep_alive.have_passed(idle.since, now) && !idle.stream.has_news();
                    if !stays {
                        idle.stream.farewell();
                    }
                    stays
                });
            }
            let in_force = is_in_force(id);
            for endpoint in pool.endpoints.iter() {
                match in_force {
                    true => endpoint.sweep_shelf(pool.upstream.config().timeout.keep_alive),
                    false => endpoint.clear_shelf(),
                }
            }
            pool.tell();
            in_force
        });
    }

    /// Closes all idle connections, at the end of the worker.
    pub(crate) fn clear(&self) {
        self.by_upstream.borrow_mut().clear();
    }

    fn with<T>(&self, upstream: &Arc<Upstream>, act: impl FnOnce(&mut Pool) -> T) -> T {
        let mut pools = self.by_upstream.borrow_mut();
        let pool = pools.entry(upstream.id()).or_insert_with(|| Pool::new(upstream.clone()));
        pool.follow();
        act(pool)
    }
}

impl Pool {
    fn new(upstream: Arc<Upstream>) -> Self {
        Self {
            endpoints: Arc::new(Vec::new()),
            balance: SmoothWeighted::new(&[]),
            idle: Vec::new(),
            told: Vec::new(),
            upstream,
        }
    }

    /// Takes over the endpoints as they are now; connections to those that stay are kept.
    fn follow(&mut self) {
        let current = self.upstream.endpoints.load();
        if Arc::ptr_eq(&current, &self.endpoints) {
            return;
        }
        let before = std::mem::replace(&mut self.endpoints, current.clone());
        let kept = std::mem::take(&mut self.idle).into_iter().zip(std::mem::take(&mut self.told));
        let mut earlier: Vec<_> = before.iter().zip(kept).collect();
        (self.idle, self.told) = self
            .endpoints
            .iter()
            .map(|endpoint| {
                let kept = earlier.iter_mut().find(|(other, _)| Arc::ptr_eq(other, endpoint));
                kept.map(|(_, kept)| std::mem::take(kept)).unwrap_or_default()
            })
            .unzip();
        earlier.iter_mut().flat_map(|(_, (idle, _))| idle).for_each(|idle| idle.stream.farewell());
        let weights: Vec<u16> = self.endpoints.iter().map(|endpoint| endpoint.weight()).collect();
        self.balance = SmoothWeighted::new(&weights);
    }

    /// Tells the endpoints how many idle connections there are.
    fn tell(&mut self) {
        for ((endpoint, idle), told) in self.endpoints.iter().zip(&self.idle).zip(&mut self.told) {
            endpoint.pooled(*told, idle.len());
            *told = idle.len();
        }
    }

    fn idle_of(&mut self, endpoint: &Arc<Endpoint>) -> Option<&mut Vec<Idle>> {
        let at = self.endpoints.iter().position(|other| Arc::ptr_eq(other, endpoint))?;
        self.idle.get_mut(at)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle.iter_mut().flatten().for_each(|idle| idle.stream.farewell());
    }
}

fn from_shelf(endpoint: &Endpoint) -> Option<(Stream, Permit)> {
    while let Some(shelved) = endpoint.unshelve() {
        // A socket that cannot be registered, or has become readable, is closed by being dropped.
        if let Ok(stream) = Stream::register(shelved.stream)
            && !stream.has_news_now()
        {
            return Some((stream, shelved.permit));
        }
    }
    None
}

#[cfg(test)]
mod tests;
