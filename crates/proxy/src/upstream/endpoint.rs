//! One endpoint of an upstream: where it is, and how it has been doing.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use policy::RestPolicy;

use super::Permit;
use super::health::{Health, HealthReport};
use super::stream::ShelvedStream;
use crate::limits::{SHELF_CONNECTIONS, WARN_EVERY_MS};

/// Where an endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP
    Ip(SocketAddr),
    /// Unix socket
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An endpoint, shared by all workers.
#[derive(Debug)]
pub struct Endpoint {
    address: Address,
    text: Box<str>,
    weight: u16,
    /// The host name it was resolved from.
    origin: Option<Arc<str>>,
    /// What checks have found, shared with this endpoint as other forms of its upstream have it.
    health: Arc<Health>,
    failures: AtomicU32,
    failures_total: AtomicU64,
    /// Held by every connection too, which the endpoint may outlive or be outlived by.
    open: Arc<AtomicUsize>,
    /// Idle connections in the pools of all workers, as each last said.
    pooled: AtomicUsize,
    rests_until_ms: AtomicU64,
    warned_ms: AtomicU64,
    /// Whether the last handshake that offered it both versions of HTTP has agreed on HTTP/1.1.
    picks_http1: AtomicBool,
    /// Whether it has refused to speak HTTP/1.1, and takes WebSockets on streams.
    tunnels_by_http2: AtomicBool,
    /// Idle connections that one worker had too many of: touched only on a miss or a surplus. `None`: its upstream has it no more.
    shelf: Mutex<Option<Vec<Shelved>>>,
}

/// An idle connection on the shelf, registered with no worker.
#[derive(Debug)]
pub(super) struct Shelved {
    pub(super) stream: ShelvedStream,
    pub(super) permit: Permit,
    pub(super) since: Instant,
}

impl Endpoint {
    pub(super) fn new(address: Address, weight: u16, origin: Option<Arc<str>>, health: Arc<Health>) -> Self {
        Self {
            text: address.to_string().into(),
            address,
            weight,
            origin,
            health,
            failures: AtomicU32::new(0),
            failures_total: AtomicU64::new(0),
            open: Arc::default(),
            pooled: AtomicUsize::new(0),
            rests_until_ms: AtomicU64::new(0),
            warned_ms: AtomicU64::new(0),
            picks_http1: AtomicBool::new(false),
            tunnels_by_http2: AtomicBool::new(false),
            shelf: Mutex::new(Some(Vec::new())),
        }
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The address as the journal names it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its share.
    pub fn weight(&self) -> u16 {
        self.weight
    }

    /// Whether it lies on the public internet, or was named by its address, so that whoever named it meant it.
    pub(crate) fn is_public(&self) -> bool {
        match &self.address {
            Address::Ip(address) => self.origin.is_none() || policy::is_public(address.ip()),
            Address::Unix(_) => true,
        }
    }

    /// The host name and port it was resolved from.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Failures since it was made.
    pub fn failures_total(&self) -> u64 {
        self.failures_total.load(Ordering::Relaxed)
    }

    /// Connections to it, those of all workers, idle ones included.
    pub fn connections_open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Idle connections to it, in the pools of all workers and on the shelf; the pools' figures are up to a second old.
    pub fn connections_idle(&self) -> usize {
        self.pooled.load(Ordering::Relaxed) + self.shelved()
    }

    /// Takes note of a worker that had `before` idle connections when it said so last, and has `now`.
    pub(super) fn pooled(&self, before: usize, now: usize) {
        self.pooled.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }

    pub(super) fn open(&self) -> &Arc<AtomicUsize> {
        &self.open
    }

    /// Whether it is left alone for a while.
    pub fn is_resting(&self) -> bool {
        let until = self.rests_until_ms.load(Ordering::Relaxed);
        until != 0 && until > now_ms()
    }

    /// What checks have found of it; nothing where its upstream has none.
    pub fn health_report(&self) -> HealthReport {
        self.health.report()
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Idle connections on the shelf.
    pub fn shelved(&self) -> usize {
        self.lock().as_ref().map_or(0, Vec::len)
    }

    /// Takes note of a failure to connect or to answer: the endpoint rests, longer each time. What fails while it rests was begun
    /// before, and is one failure with what it rests for.
    pub(crate) fn failed(&self, rest: Duration) {
        self.failures_total.fetch_add(1, Ordering::Relaxed);
        let (before, now) = (self.rests_until_ms.load(Ordering::Relaxed), now_ms());
        if before > now {
            return;
        }
        let policy =
            RestPolicy { first_ms: u64::try_from(rest.as_millis()).unwrap_or(u64::MAX), max_factor: 16 };
        let until = policy.rest_until(self.failures().saturating_add(1), now);
        let rests = self.rests_until_ms.compare_exchange(before, until, Ordering::Relaxed, Ordering::Relaxed);
        if rests.is_ok() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes note of an answer.
    pub(crate) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.rests_until_ms.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of what a handshake that offered both versions of HTTP has agreed on.
    pub(super) fn picked(&self, is_http2: bool) {
        if self.picks_http1.load(Ordering::Relaxed) == is_http2 {
            self.picks_http1.store(!is_http2, Ordering::Relaxed);
        }
    }

    /// Whether it picks HTTP/1.1 when it is offered both versions, as far as is known: the next handshake may agree on something else.
    pub(crate) fn picks_http1(&self) -> bool {
        self.picks_http1.load(Ordering::Relaxed)
    }

    /// Takes note of whether it takes WebSockets on streams, as it does not speak HTTP/1.1.
    pub(crate) fn note_tunnels_by_http2(&self, takes: bool) {
        if self.tunnels_by_http2.load(Ordering::Relaxed) != takes {
            self.tunnels_by_http2.store(takes, Ordering::Relaxed);
        }
    }

    /// Whether a WebSocket is best asked for on a stream at once, as far as is known.
    pub(crate) fn tunnels_by_http2(&self) -> bool {
        self.tunnels_by_http2.load(Ordering::Relaxed)
    }

    /// Whether the log is to be warned of it: once in a while, however often it fails.
    pub(super) fn may_warn(&self) -> bool {
        let (last, now) = (self.warned_ms.load(Ordering::Relaxed), now_ms());
        let is_due = last == 0 || now.saturating_sub(last) >= WARN_EVERY_MS;
        is_due && self.warned_ms.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Puts an idle connection on the shelf, or closes it when the shelf is full or closed.
    pub(super) fn shelve(&self, shelved: Shelved) {
        let mut shelf = self.lock();
        if let Some(shelf) = shelf.as_mut().filter(|shelf| shelf.len() < SHELF_CONNECTIONS) {
            shelf.push(shelved);
        }
    }

    /// Closes all connections on the shelf: they hold their upstream, which would otherwise never go.
    pub(super) fn clear_shelf(&self) {
        let shelved = self.lock().as_mut().map(std::mem::take);
        // Outside of the lock: closing takes a system call each.
        drop(shelved);
    }

    /// The same for good, when the endpoint is none of its upstream's any more.
    pub(super) fn close_shelf(&self) {
        let shelved = self.lock().take();
        drop(shelved);
    }

    /// Takes the connection that was shelved last.
    pub(super) fn unshelve(&self) -> Option<Shelved> {
        self.lock().as_mut()?.pop()
    }

    /// Closes the connections that have been on the shelf for longer than `age`.
    pub(super) fn sweep_shelf(&self, age: Duration) {
        if let Some(shelf) = &mut *self.lock() {
            shelf.retain(|shelved| shelved.since.elapsed() < age);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Shelved>>> {
        // Nothing done under the lock can panic half way, so a poisoned lock guards a sound value.
        self.shelf.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Milliseconds on a clock that never goes back, from 1 up.
fn now_ms() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_together_is_one_failure() {
        let address = Address::Ip(([127, 0, 0, 1], 1).into());
        let endpoint = Endpoint::new(address, 1, None, Arc::default());
        for _ in 0..100 {
            endpoint.failed(Duration::from_secs(3_600));
        }
        assert_eq!((endpoint.failures(), endpoint.failures_total()), (1, 100));
        assert!(endpoint.is_resting());
        endpoint.answered();
        assert!(!endpoint.is_resting());
        // Without a rest, each is one more in a row.
        for _ in 0..3 {
            endpoint.failed(Duration::ZERO);
        }
        assert_eq!(endpoint.failures(), 3);
    }
}
