//! What an attempt is made on: an endpoint, and a connection to it or a stream.

use std::sync::Arc;

use config::UpstreamProtocol;
use message::Request;
use policy::proxy_protocol::Ends;

use super::is_replayable;
use crate::exchange::Exchange;
use crate::h1::wait;
use crate::h2::is_websocket;
use crate::hooks::ProxyHttp;
use crate::upstream::{
    Endpoint, Lease, MakeRoom, Purpose, Sharing, StreamLease, Unobtainable, Upstream, open,
};

/// What an attempt is made on.
#[allow(clippy::large_enum_variant, reason = "the large variant is the usual one")]
pub(super) enum Obtained {
    /// A connection of its own.
    Connection(Lease),
    /// A stream of a connection of HTTP/2.
    Stream(Box<StreamLease>),
}

impl Obtained {
    pub(super) fn reused(&self) -> bool {
        match self {
            Self::Connection(lease) => lease.connection.reused,
            Self::Stream(lease) => lease.reused,
        }
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        match self {
            Self::Connection(lease) => &lease.endpoint,
            Self::Stream(lease) => &lease.endpoint,
        }
    }
}

impl From<Sharing> for Obtained {
    fn from(sharing: Sharing) -> Self {
        match sharing {
            Sharing::Stream(lease) => Self::Stream(Box::new(lease)),
            Sharing::Alone(lease) => Self::Connection(lease),
        }
    }
}

/// Chooses an endpoint and gets a connection to it, which may have to say for which client it is; says which endpoint it was when that
/// fails.
pub(super) async fn obtain<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    upstream: &Arc<Upstream>,
    request: &Request,
    client: Option<Ends>,
    avoid: Option<&Arc<Endpoint>>,
    may_be_stale: bool,
) -> Result<Obtained, (Unobtainable, Option<Arc<Endpoint>>)> {
    let choice = exchange.worker.pools.choose(upstream, avoid).map_err(|error| (error, None))?;
    let search = Search { exchange, upstream, endpoint: &choice, request, client, may_be_stale };
    let obtained = match upstream.config().protocol {
        UpstreamProtocol::H1 => search.connection(Purpose::Requests).await.map(Obtained::Connection),
        // Boxed, so that the others do not carry the room.
        UpstreamProtocol::H2 | UpstreamProtocol::Auto => Box::pin(search.by_either()).await,
    };
    obtained.map_err(|error| {
        match &error {
            Unobtainable::Connect(_) => {
                exchange.note_attempt(&choice);
                choice.failed(upstream.config().rest);
            }
            // It serves all others.
            Unobtainable::NoUpgrade => exchange.note_attempt(&choice),
            _ => {}
        }
        (error, Some(choice))
    })
}

/// Who looks for a way to which endpoint.
struct Search<'a, P: ProxyHttp> {
    exchange: &'a Exchange<'a, P>,
    upstream: &'a Arc<Upstream>,
    endpoint: &'a Arc<Endpoint>,
    request: &'a Request,
    /// For whom.
    client: Option<Ends>,
    may_be_stale: bool,
}

impl<P: ProxyHttp> Search<'_, P> {
    /// A connection of HTTP/1: one that is idle, else a new one.
    async fn connection(&self, purpose: Purpose) -> Result<Lease, Unobtainable> {
        if let Some(lease) = self.idle() {
            return Ok(lease);
        }
        let room = if self.may_be_stale { MakeRoom::Elsewhere } else { MakeRoom::Anywhere };
        match open(self.upstream, self.endpoint, room, purpose, self.client, self.exchange.timer).await {
            Ok(opened) => Ok(Lease::of(opened, self.endpoint.clone())),
            // Where there may be no more, one may have become idle this moment.
            Err(Unobtainable::TooMany) => self.idle().ok_or(Unobtainable::TooMany),
            Err(error) => Err(error),
        }
    }

    fn idle(&self) -> Option<Lease> {
        let look = !is_replayable(self.request);
        self.may_be_stale
            .then(|| self.exchange.worker.pools.reuse(self.upstream, self.endpoint, look))
            .flatten()
    }

    /// A stream of HTTP/2, or a connection where HTTP/1.1 is agreed on or needed.
    async fn by_either(&self) -> Result<Obtained, Unobtainable> {
        let is_auto = self.upstream.config().protocol == UpstreamProtocol::Auto;
        let is_websocket = is_websocket(self.request);
        let needs_http1 = !(is_websocket && self.endpoint.tunnels_by_http2());
        if is_auto && needs_http1 && !self.request.upgrade.is_empty() {
            match self.connection(Purpose::Upgrade).await {
                // What HTTP/2 has of it is left.
                Err(Unobtainable::NoUpgrade) if is_websocket => {}
                obtained => return obtained.map(Obtained::Connection),
            }
        }
        let obtained = self.shared().await?;
        if is_websocket && let Obtained::Stream(lease) = &obtained {
            let timer = self.exchange.timer;
            timer.set(self.upstream.timeouts.connect);
            let takes = wait(timer, |_| lease.asking.poll_takes_tunnels(timer).map(Ok)).await;
            let takes = takes.map_err(Unobtainable::Connect)?;
            if is_auto {
                self.endpoint.note_tunnels_by_http2(takes);
                if !takes {
                    return Err(Unobtainable::NoUpgrade);
                }
            }
        }
        Ok(obtained)
    }

    /// A stream, or a connection where HTTP/1.1 is agreed on.
    async fn shared(&self) -> Result<Obtained, Unobtainable> {
        let Self { exchange: &Exchange { worker, timer, .. }, upstream, endpoint, client, .. } = *self;
        let (now, fresh) = (worker.timers.now(), !self.may_be_stale);
        if endpoint.picks_http1()
            && let Some(lease) = self.idle()
        {
            return Ok(Obtained::Connection(lease));
        }
        let shared = worker.shared.of(upstream, endpoint);
        if let Some(sharing) = shared.stream(client, timer, now, fresh).await? {
            return Ok(sharing.into());
        }
        // Another may have become idle while the handshake of somebody else was waited for.
        if let Some(lease) = self.idle() {
            return Ok(Obtained::Connection(lease));
        }
        shared.connect(client, timer, now, fresh).await.map(Obtained::from)
    }
}
