//! Connections of HTTP/2: each is shared by a worker's exchanges, as long as it takes streams.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use policy::proxy_protocol::Ends;
use rustc_hash::FxHashMap;
use tokio::sync::Mutex;

use super::connect::{MakeRoom, Opened, Purpose, open};
use super::{Endpoint, Lease, Permit, Unobtainable, Upstream};
use crate::h1::wait;
use crate::h2::Asking;
use crate::limits::{
    FRAME_BYTES, STREAM_SEND_BYTES, UPSTREAM_HEAD_BYTES, UPSTREAM_STREAMS, UPSTREAM_WINDOW_BYTES,
};
use crate::timers::Timer;

/// A worker's connections of HTTP/2 to all endpoints.
#[derive(Debug, Default)]
pub(crate) struct SharedPools {
    /// By where the endpoint lies in memory, which is its own as long as it is held here.
    by_endpoint: RefCell<FxHashMap<*const Endpoint, Rc<SharedPool>>>,
}

/// Those to one endpoint.
#[derive(Debug)]
struct SharedPool {
    upstream: Arc<Upstream>,
    endpoint: Arc<Endpoint>,
    connections: RefCell<Vec<Rc<SharedConnection>>>,
    /// Held by whoever connects: the others want to share what is being made.
    connecting: Mutex<()>,
}

#[derive(Debug)]
struct SharedConnection {
    send: RefCell<SendRequest<Bytes>>,
    /// Exchanges that use it.
    open: Cell<usize>,
    /// Whether it has served an exchange.
    is_used: Cell<bool>,
    /// Tick of its last use.
    since: Cell<u32>,
}

impl SharedConnection {
    /// Whether neither it nor the endpoint has said that there will be no more (RFC 9113 §6.8).
    fn takes_streams(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        !matches!(self.send.borrow_mut().poll_ready(&mut context), Poll::Ready(Err(_)))
    }

    /// Begins to speak HTTP/2, and has a task look after the connection.
    async fn begin(
        Opened { stream, permit, .. }: Opened,
        timer: &Timer,
        now: u32,
    ) -> Result<Self, Unobtainable> {
        let mut shaking = pin!(http2().handshake::<_, Bytes>(stream));
        let shaken = wait(timer, |context| shaking.as_mut().poll(context).map(Ok)).await;
        let failed = |error: h2::Error| Unobtainable::Connect(io::Error::other(error));
        let (send, connection) = shaken.map_err(Unobtainable::Connect)?.map_err(failed)?;
        tokio::task::spawn_local(look_after(connection, permit));
        Ok(Self {
            send: RefCell::new(send),
            open: Cell::new(0),
            is_used: Cell::new(false),
            since: Cell::new(now),
        })
    }

    /// Lends a stream, which may have to wait for its turn.
    fn lend(self: &Rc<Self>, upstream: &Upstream, endpoint: &Arc<Endpoint>, now: u32) -> StreamLease {
        self.open.set(self.open.get() + 1);
        self.since.set(now);
        StreamLease {
            asking: Asking::new(self.send.borrow().clone(), upstream.config().tls.is_some()),
            endpoint: endpoint.clone(),
            reused: self.is_used.replace(true),
            connection: self.clone(),
        }
    }
}

/// A stream lent to an exchange.
#[derive(Debug)]
pub(crate) struct StreamLease {
    pub(crate) asking: Asking,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether its connection has served another exchange before.
    pub(crate) reused: bool,
    connection: Rc<SharedConnection>,
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        self.connection.open.set(self.connection.open.get() - 1);
    }
}

/// What comes of wanting to share a connection.
#[derive(Debug)]
pub(crate) enum Sharing {
    /// A stream on one.
    Stream(StreamLease),
    /// A connection that nobody else can use: its handshake has agreed on HTTP/1.1.
    Alone(Lease),
}

impl SharedPools {
    /// Lends a stream on a connection that is there, else on a new one; with `fresh` on a new one in any case. Where connections name
    /// their client it is a new one, too, and nobody else's. `None`: there is none, and it is known that the endpoint picks HTTP/1.1.
    pub(crate) async fn stream(
        &self,
        upstream: &Arc<Upstream>,
        endpoint: &Arc<Endpoint>,
        client: Option<Ends>,
        timer: &Timer,
        now: u32,
        fresh: bool,
    ) -> Result<Option<Sharing>, Unobtainable> {
        let pool = self.of(upstream, endpoint);
        if upstream.config().proxy_protocol.is_some() {
            return pool.connect(client, timer, now, fresh).await.map(Some);
        }
        if fresh {
            // What there is may be as stale as what has just failed.
            pool.connections.borrow_mut().clear();
        } else if let Some(lease) = pool.lend(now, false) {
            return Ok(Some(Sharing::Stream(lease)));
        }
        if endpoint.picks_http1() {
            return Ok(None);
        }
        timer.set(upstream.timeouts.connect);
        let mut waiting = pin!(pool.connecting.lock());
        let turn = wait(timer, |context| waiting.as_mut().poll(context).map(Ok)).await;
        let _turn = turn.map_err(Unobtainable::Connect)?;
        if let Some(lease) = pool.lend(now, false) {
            return Ok(Some(Sharing::Stream(lease)));
        }
        // So it was with the one that was waited for.
        if endpoint.picks_http1() {
            return Ok(None);
        }
        pool.connect(None, timer, now, fresh).await.map(Some)
    }

    /// Makes a new connection at once, to an endpoint that is known to pick HTTP/1.1, and may pick something else this time.
    pub(crate) async fn connect(
        &self,
        upstream: &Arc<Upstream>,
        endpoint: &Arc<Endpoint>,
        client: Option<Ends>,
        timer: &Timer,
        now: u32,
        fresh: bool,
    ) -> Result<Sharing, Unobtainable> {
        self.of(upstream, endpoint).connect(client, timer, now, fresh).await
    }

    fn of(&self, upstream: &Arc<Upstream>, endpoint: &Arc<Endpoint>) -> Rc<SharedPool> {
        let mut pools = self.by_endpoint.borrow_mut();
        let made = || {
            Rc::new(SharedPool {
                upstream: upstream.clone(),
                endpoint: endpoint.clone(),
                connections: RefCell::default(),
                connecting: Mutex::new(()),
            })
        };
        pools.entry(Arc::as_ptr(endpoint)).or_insert_with(made).clone()
    }

    /// Closes what has been idle for too long, and forgets the endpoints that have gone and the upstreams that `is_in_force` denies.
    pub(crate) fn sweep(&self, now: u32, is_in_force: impl Fn(u64) -> bool) {
        self.by_endpoint.borrow_mut().retain(|_, pool| {
            let keep_alive = pool.upstream.timeouts.keep_alive;
            let is_there = is_in_force(pool.upstream.id())
                && pool.upstream.endpoints().iter().any(|endpoint| Arc::ptr_eq(endpoint, &pool.endpoint));
            pool.connections.borrow_mut().retain(|connection| {
                if connection.open.get() > 0 {
                    connection.since.set(now);
                    return connection.takes_streams();
                }
                let is_old = !is_there || keep_alive.have_passed(connection.since.get(), now);
                !is_old && connection.takes_streams()
            });
            is_there || !pool.connections.borrow().is_empty()
        });
    }

    /// Closes all connections, at the end of the worker.
    pub(crate) fn clear(&self) {
        self.by_endpoint.borrow_mut().clear();
    }
}

impl SharedPool {
    /// Lends a stream on the connection with the fewest, if that takes one more; `crowded`: even if it does not, and the stream waits.
    fn lend(&self, now: u32, crowded: bool) -> Option<StreamLease> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| connection.takes_streams());
        let connection = connections.iter().min_by_key(|connection| connection.open.get())?;
        let most = connection.send.borrow().current_max_send_streams().min(UPSTREAM_STREAMS);
        let has_room = crowded || connection.open.get() < most;
        has_room.then(|| connection.lend(&self.upstream, &self.endpoint, now))
    }

    /// Makes a connection, and lends a stream on it if it is one of HTTP/2. It is kept then, unless it names its client.
    async fn connect(
        &self,
        client: Option<Ends>,
        timer: &Timer,
        now: u32,
        fresh: bool,
    ) -> Result<Sharing, Unobtainable> {
        let (upstream, endpoint) = (&self.upstream, &self.endpoint);
        let opened =
            match open(upstream, endpoint, MakeRoom::Anywhere, Purpose::Requests, client, timer).await {
                // As many connections as may be: then more streams on one of them, which wait for their turn there.
                Err(Unobtainable::TooMany) => {
                    return self.lend(now, true).map(Sharing::Stream).ok_or(Unobtainable::TooMany);
                }
                opened => opened?,
            };
        if !opened.is_http2 {
            return Ok(Sharing::Alone(Lease::of(opened, self.endpoint.clone())));
        }
        // Where HTTP/1.1 was expected, others may have met with the same at the same time: one connection is enough for all.
        if !fresh && let Some(lease) = self.lend(now, false) {
            opened.close();
            return Ok(Sharing::Stream(lease));
        }
        let made = Rc::new(SharedConnection::begin(opened, timer, now).await?);
        if self.upstream.config().proxy_protocol.is_none() {
            self.connections.borrow_mut().push(made.clone());
        }
        let reset = || Unobtainable::Connect(io::ErrorKind::ConnectionReset.into());
        let lease = made.takes_streams().then(|| made.lend(&self.upstream, &self.endpoint, now));
        lease.map(Sharing::Stream).ok_or_else(reset)
    }
}

/// Drives a connection to its end: that of its last handle, or the endpoint's will.
async fn look_after(connection: h2::client::Connection<super::Stream, Bytes>, _permit: Permit) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection of HTTP/2 to an upstream failed");
    }
}

/// What connections of HTTP/2 to an endpoint begin with.
pub(crate) fn http2() -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(UPSTREAM_WINDOW_BYTES)
        // Exchanges whose clients do not read hold their windows, and no others.
        .initial_connection_window_size(UPSTREAM_WINDOW_BYTES * UPSTREAM_STREAMS as u32)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(UPSTREAM_HEAD_BYTES)
        .max_send_buffer_size(STREAM_SEND_BYTES);
    builder
}
