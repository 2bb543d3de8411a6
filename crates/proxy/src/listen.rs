//! Moment 1: connections arrive on a worker's own socket.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use policy::AddressSet;
use socket2::SockRef;
use tls::Terminator;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::connection;
use crate::hooks::ProxyHttp;
use crate::limits::{ACCEPT_BATCH, ACCEPT_PAUSE_MS};
use crate::snapshot::Plane;
use crate::timers::Ticks;
use crate::worker::Worker;

/// Beyond the number of any terms: of a listener that goes away.
pub(crate) const ALL_TERMS: u32 = u32::MAX;

/// A listening address, shared by all workers.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    settings: ArcSwap<Settings>,
    closing: AtomicBool,
    /// Counts the terms that connections are made under: what a reload may ask of clients.
    terms: AtomicU32,
    /// Connections under terms before these have had their time.
    cut_before: AtomicU32,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    floods: AtomicU64,
    pub(crate) handshakes: Handshakes,
}

/// TLS handshakes of a listener so far.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    full: AtomicU64,
    resumed: AtomicU64,
    failed: AtomicU64,
}

impl Handshakes {
    pub(crate) fn done(&self, resumed: bool) {
        let counter = if resumed { &self.resumed } else { &self.full };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

/// TLS handshakes of a listener so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandshakeCounts {
    /// Done with new keys.
    pub full: u64,
    /// Done with the keys of an earlier connection.
    pub resumed: u64,
    /// Not done: by what the client sent or did not send in time.
    pub failed: u64,
}

/// What a reload may change about a listener.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) trusted_proxies: AddressSet,
    /// Peers that say for whom they connect.
    pub(crate) proxy_protocol: AddressSet,
    /// Whether HTTP/1 is spoken.
    pub(crate) http1: bool,
    /// Whether HTTP/2 is, in cleartext.
    pub(crate) h2c: bool,
    pub(crate) http2: config::Http2,
    connections: usize,
    pub(crate) head_timeout: Ticks,
    pub(crate) body_timeout: Ticks,
    pub(crate) keep_alive: Ticks,
    pub(crate) requests: u64,
    /// `None`: cleartext.
    pub(crate) tls: Option<Arc<TlsSettings>>,
    pub(crate) redirect_https: Option<u16>,
}

/// What a listener of TLS adds.
#[derive(Debug)]
pub(crate) struct TlsSettings {
    pub(crate) terminator: Terminator,
    pub(crate) handshake_timeout: Ticks,
    /// Value of `Strict-Transport-Security`.
    pub(crate) hsts: Option<String>,
}

impl TlsSettings {
    /// Of a configuration; where only the rest of it is new, tickets given before stay good.
    fn new(config: &config::Tls, before: Option<&Self>) -> Self {
        let same = before.map(|before| &before.terminator).filter(|before| **before == config.terminator);
        Self {
            terminator: same.unwrap_or(&config.terminator).clone(),
            handshake_timeout: config.handshake_timeout.into(),
            hsts: config.hsts.map(|hsts| {
                let subdomains = if hsts.subdomains { "; includeSubDomains" } else { "" };
                format!("max-age={}{subdomains}", hsts.max_age.as_secs())
            }),
        }
    }
}

impl Settings {
    fn new(config: &config::Listener, before: Option<&Self>) -> Self {
        let before = before.and_then(|before| before.tls.as_deref());
        Self {
            tls: config.tls.as_ref().map(|tls| Arc::new(TlsSettings::new(tls, before))),
            redirect_https: config.redirect_https,
            trusted_proxies: config.trusted_proxies.clone(),
            proxy_protocol: config.proxy_protocol.clone(),
            http1: config.protocols.contains(&config::Protocol::H1),
            h2c: config.protocols.contains(&config::Protocol::H2c),
            http2: config.http2,
            connections: config.connections,
            head_timeout: config.head_timeout.into(),
            body_timeout: config.body_timeout.into(),
            keep_alive: config.keep_alive.into(),
            requests: config.requests,
        }
    }

    /// Whether connections that were made under the settings before meet these: they speak what still is spoken, and have shown what still is
    /// asked for.
    fn admit(&self, before: &Self) -> bool {
        match (&self.tls, &before.tls) {
            (None, None) => (self.http1 || !before.http1) && (self.h2c || !before.h2c),
            (Some(now), Some(before)) => now.terminator.terms().admit(before.terminator.terms()),
            _ => false,
        }
    }
}

impl Listener {
    /// A listener bound to `address`, which may differ from the configured one in its port.
    pub fn new(config: &config::Listener, address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            settings: ArcSwap::from_pointee(Settings::new(config, None)),
            closing: AtomicBool::new(false),
            terms: AtomicU32::new(0),
            cut_before: AtomicU32::new(0),
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            floods: AtomicU64::new(0),
            handshakes: Handshakes::default(),
        })
    }

    /// Puts other settings in force, for open connections too. `true`: some of these do not meet them, and workers are to be told to end
    /// them ([`WorkerHandle::renew`](crate::WorkerHandle::renew)).
    #[must_use]
    pub fn update(&self, config: &config::Listener) -> bool {
        let before = self.settings.load();
        let settings = Settings::new(config, Some(&before));
        let admits = settings.admit(&before);
        self.settings.store(Arc::new(settings));
        if !admits {
            // Behind the settings; see `Admission::begin`.
            self.terms.fetch_add(1, Ordering::Release);
        }
        !admits
    }

    /// Says that the listener goes away: its connections end after the exchange they serve.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections open.
    pub fn connections_open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections accepted so far.
    pub fn connections_accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections turned away so far because there were too many.
    pub fn connections_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Connections ended so far because their clients sent too many frames that ask for work and give none.
    pub fn floods(&self) -> u64 {
        self.floods.load(Ordering::Relaxed)
    }

    pub(crate) fn flooded(&self) {
        self.floods.fetch_add(1, Ordering::Relaxed);
    }

    /// TLS handshakes so far.
    pub fn handshakes(&self) -> HandshakeCounts {
        let Handshakes { full, resumed, failed } = &self.handshakes;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HandshakeCounts { full: read(full), resumed: read(resumed), failed: read(failed) }
    }

    pub(crate) fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    pub(crate) fn settings_arc(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// The terms in force, by their number.
    pub(crate) fn terms(&self) -> u32 {
        self.terms.load(Ordering::Acquire)
    }

    /// Says that connections under terms before these have had their time.
    pub(crate) fn cut_before(&self, terms: u32) {
        self.cut_before.fetch_max(terms, Ordering::Relaxed);
    }
}

/// One connection's place under the limits of its listener and of the process.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) listener: Arc<Listener>,
    plane: Arc<Plane>,
    /// Those that the connection was made under.
    terms: u32,
}

impl Admission {
    /// Counts a connection; `Err` when there are too many, which counts it all the same until it is dropped.
    pub(crate) fn new(listener: &Arc<Listener>, plane: &Arc<Plane>) -> Result<Self, Self> {
        let here = listener.open.fetch_add(1, Ordering::Relaxed);
        let everywhere = plane.open.fetch_add(1, Ordering::Relaxed);
        let admission = Self { listener: listener.clone(), plane: plane.clone(), terms: listener.terms() };
        let fits = |open: usize, most: usize| most == 0 || open < most;
        let most_here = listener.settings().connections;
        if fits(here, most_here) && fits(everywhere, plane.load().connections_max) {
            listener.accepted.fetch_add(1, Ordering::Relaxed);
            Ok(admission)
        } else {
            listener.refused.fetch_add(1, Ordering::Relaxed);
            Err(admission)
        }
    }

    /// Makes the connection under the settings of now.
    pub(crate) fn begin(&mut self) -> Arc<Settings> {
        // The number first: should a reload come in between, the connection ends early, and never stays under terms of before.
        self.terms = self.listener.terms();
        self.listener.settings_arc()
    }

    /// Whether a reload has put terms in force that the connection was not made under, so that nothing may be asked on it any more.
    pub(crate) fn is_outdated(&self) -> bool {
        self.terms < self.listener.terms()
    }

    /// Whether the connection ends after the exchange it serves.
    pub(crate) fn is_closing(&self) -> bool {
        self.listener.closing.load(Ordering::Relaxed) || self.is_outdated()
    }

    /// Why the connection has had its time, if it has: a token for the journal.
    pub(crate) fn cut_reason(&self) -> Option<&'static str> {
        let before = self.listener.cut_before.load(Ordering::Relaxed);
        let reason = if before == ALL_TERMS { "listener_removed" } else { "terms_changed" };
        (self.terms < before).then_some(reason)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.listener.open.fetch_sub(1, Ordering::Relaxed);
        self.plane.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket being accepted from. Dropping it empties the socket's queue and closes it.
pub(crate) struct Accepting {
    listener: Arc<Listener>,
    task: JoinHandle<()>,
    drain: Rc<dyn Drain>,
}

impl Accepting {
    pub(crate) fn listener(&self) -> &Arc<Listener> {
        &self.listener
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.task.abort();
        self.drain.drain();
    }
}

/// Accepts what is still in a socket's queue: those clients have been told by the kernel that they are connected.
trait Drain {
    fn drain(&self);
}

struct Socket<P: ProxyHttp> {
    worker: Rc<Worker<P>>,
    listener: Arc<Listener>,
    socket: TcpListener,
}

impl<P: ProxyHttp> Drain for Socket<P> {
    fn drain(&self) {
        // The kernel is asked, not the reactor: that may not have heard yet of what has come.
        let socket = SockRef::from(&self.socket);
        while let Ok((stream, peer)) = socket.accept() {
            let stream = std::net::TcpStream::from(stream);
            let ready = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let (Ok(stream), Some(peer)) = (ready, peer.as_socket()) {
                self.take(stream, peer);
            }
        }
    }
}

/// Starts accepting from a socket.
pub(crate) fn accept<P: ProxyHttp>(
    worker: &Rc<Worker<P>>,
    listener: Arc<Listener>,
    socket: std::net::TcpListener,
) -> Option<Accepting> {
    let socket = match socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket)) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(%error, address = %listener.address, "a listening socket cannot be used");
            return None;
        }
    };
    let socket = Rc::new(Socket { worker: worker.clone(), listener: listener.clone(), socket });
    let task = tokio::task::spawn_local(accept_for_ever(socket.clone()));
    Some(Accepting { listener, task, drain: socket })
}

async fn accept_for_ever<P: ProxyHttp>(socket: Rc<Socket<P>>) {
    loop {
        for _ in 0..ACCEPT_BATCH {
            match socket.socket.accept().await {
                Ok((stream, peer)) => socket.take(stream, peer),
                Err(error) => pause_after(&error, &socket.listener).await,
            }
        }
        tokio::task::yield_now().await;
    }
}

/// An error of one connection is passed over; without file descriptors or memory, trying again at once would only spin.
async fn pause_after(error: &io::Error, listener: &Listener) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock) {
        return;
    }
    tracing::warn!(%error, address = %listener.address, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
}

impl<P: ProxyHttp> Socket<P> {
    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        match Admission::new(&self.listener, &self.worker.plane) {
            Ok(admission) => {
                tokio::task::spawn_local(connection::serve(self.worker.clone(), admission, stream, peer));
            }
            Err(_turned_away) => connection::turn_away(&self.listener, &stream),
        }
    }
}
