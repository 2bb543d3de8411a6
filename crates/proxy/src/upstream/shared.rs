//! Connections of HTTP/2: each is shared by a worker's exchanges, as long as it takes streams.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use policy::proxy_protocol::Ends;
use rustc_hash::FxHashMap;
use tokio::sync::Mutex;

use super::connect::{MakeRoom, Opened, Purpose, open};
use super::{Endpoint, Lease, Permit, Unobtainable, Upstream};
use crate::h1::wait;
use crate::h2::{self, Asking, Handle};
use crate::timers::Timer;

/// A worker's connections of HTTP/2 to all endpoints.
#[derive(Debug, Default)]
pub(crate) struct SharedPools {
    /// By where the endpoint lies in memory, which is its own as long as it is held here.
    by_endpoint: RefCell<FxHashMap<*const Endpoint, Rc<SharedPool>>>,
}

/// Those to one endpoint.
#[derive(Debug)]
pub(crate) struct SharedPool {
    upstream: Arc<Upstream>,
    endpoint: Arc<Endpoint>,
    connections: RefCell<Vec<Rc<SharedConnection>>>,
    /// Held by whoever connects: the others want to share what is being made.
    connecting: Mutex<()>,
}

#[derive(Debug)]
struct SharedConnection {
    handle: Handle,
    /// Exchanges that use it.
    open: Cell<usize>,
    /// Whether it has served an exchange.
    is_used: Cell<bool>,
    /// Tick of its last use.
    since: Cell<u32>,
}

impl SharedConnection {
    /// Begins to speak HTTP/2, and has a task look after the connection.
    fn begin(Opened { stream, permit, .. }: Opened, upstream: &Upstream, timer: &Timer, now: u32) -> Self {
        let is_secure = upstream.config().tls.is_some();
        let (handle, driving) = h2::begin(stream, timer.timers().clone(), is_secure);
        tokio::task::spawn_local(look_after(driving, permit));
        Self { handle, open: Cell::new(0), is_used: Cell::new(false), since: Cell::new(now) }
    }

    fn takes_streams(&self) -> bool {
        self.handle.takes_streams()
    }

    /// Lends a stream, which may have to wait for its turn.
    fn lend(self: &Rc<Self>, endpoint: &Arc<Endpoint>, now: u32) -> StreamLease {
        self.open.set(self.open.get() + 1);
        self.since.set(now);
        StreamLease {
            asking: Asking::new(self.handle.clone()),
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
    /// Those to one endpoint of an upstream.
    pub(crate) fn of(&self, upstream: &Arc<Upstream>, endpoint: &Arc<Endpoint>) -> Rc<SharedPool> {
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
                connection.handle.rest();
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
    /// Lends a stream on a connection that is there, else on a new one; with `fresh` on a new one in any case. Where connections name
    /// their client it is a new one, too, and nobody else's. `None`: there is none, and it is known that the endpoint picks HTTP/1.1.
    pub(crate) async fn stream(
        &self,
        client: Option<Ends>,
        timer: &Timer,
        now: u32,
        fresh: bool,
    ) -> Result<Option<Sharing>, Unobtainable> {
        let Self { upstream, endpoint, .. } = self;
        if upstream.config().proxy_protocol.is_some() {
            return self.connect(client, timer, now, fresh).await.map(Some);
        }
        if fresh {
            // What there is may be as stale as what has just failed.
            self.connections.borrow_mut().clear();
        } else if let Some(lease) = self.lend(now, false) {
            return Ok(Some(Sharing::Stream(lease)));
        }
        if endpoint.picks_http1() {
            return Ok(None);
        }
        timer.set(upstream.timeouts.connect);
        let mut waiting = pin!(self.connecting.lock());
        let turn = wait(timer, |context| waiting.as_mut().poll(context).map(Ok)).await;
        let _turn = turn.map_err(Unobtainable::Connect)?;
        if let Some(lease) = self.share(timer, now).await.map_err(Unobtainable::Connect)? {
            return Ok(Some(Sharing::Stream(lease)));
        }
        // So it was with the one that was waited for.
        if endpoint.picks_http1() {
            return Ok(None);
        }
        self.connect(None, timer, now, fresh).await.map(Some)
    }

    /// Lends a stream on the connection with the fewest, if that takes one more; `crowded`: even if it does not, and the stream waits.
    fn lend(&self, now: u32, crowded: bool) -> Option<StreamLease> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| connection.takes_streams());
        let has_room = |connection: &&Rc<SharedConnection>| {
            crowded || connection.open.get() < connection.handle.streams_max()
        };
        let connection =
            connections.iter().filter(has_room).min_by_key(|connection| connection.open.get())?;
        Some(connection.lend(&self.endpoint, now))
    }

    /// Lends a stream on a connection that takes one more, be it only known of it when its settings have come.
    async fn share(&self, timer: &Timer, now: u32) -> io::Result<Option<StreamLease>> {
        loop {
            if let Some(lease) = self.lend(now, false) {
                return Ok(Some(lease));
            }
            let Some(made) = self.unsettled() else { return Ok(None) };
            wait(timer, |_| made.handle.poll_settled(timer).map(Ok)).await?;
        }
    }

    /// A connection of which it is not known yet how many streams it takes.
    fn unsettled(&self) -> Option<Rc<SharedConnection>> {
        self.connections.borrow().iter().find(|connection| !connection.handle.is_settled()).cloned()
    }

    /// Makes a connection at once, and lends a stream on it if it is one of HTTP/2. It is kept then, unless it names its client. An
    /// endpoint that is known to pick HTTP/1.1 may pick something else this time.
    pub(crate) async fn connect(
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
        if !fresh && let Ok(Some(lease)) = self.share(timer, now).await {
            opened.close();
            return Ok(Sharing::Stream(lease));
        }
        let made = Rc::new(SharedConnection::begin(opened, upstream, timer, now));
        if self.upstream.config().proxy_protocol.is_none() {
            self.connections.borrow_mut().push(made.clone());
        }
        Ok(Sharing::Stream(made.lend(&self.endpoint, now)))
    }
}

/// Drives a connection to its end; until then it is counted among those of its upstream.
async fn look_after(driving: impl Future<Output = ()>, _permit: Permit) {
    driving.await;
}
