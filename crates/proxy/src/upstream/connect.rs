//! Making connections to endpoints.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use config::{UpstreamProtocol, UpstreamTls};
use policy::proxy_protocol::{Ends, Form, header};
use tls::ServerName;
use tokio::io::AsyncWriteExt;

use super::endpoint::{Address, Endpoint};
use super::socket::Socket;
use super::stream::Stream;
use super::tls::{TlsStream, refuses_protocol};
use super::{Permit, Unobtainable, Upstream};
use crate::h1::wait;
use crate::timers::Timer;

/// What a connection is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests, by the upstream's protocol.
    Requests,
    /// Another protocol than HTTP, which is asked for by HTTP/1.1 alone (RFC 9110 §7.8, RFC 9113 §8.6).
    Upgrade,
}

/// A new connection that is counted among those of its upstream.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) stream: Stream,
    pub(super) permit: Permit,
    /// Whether it is one of HTTP/2.
    pub(crate) is_http2: bool,
}

impl Opened {
    /// Closes it unused.
    pub(super) fn close(mut self) {
        self.stream.farewell();
    }
}

/// What may be closed for a new connection where there may be no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MakeRoom {
    /// An idle connection to any endpoint.
    Anywhere,
    /// One to another endpoint: one to the same would have done, and has just become idle.
    Elsewhere,
}

/// Makes a new connection to an endpoint, on behalf of a client where there is one.
pub(crate) async fn open(
    upstream: &Arc<Upstream>,
    endpoint: &Endpoint,
    room: MakeRoom,
    purpose: Purpose,
    client: Option<Ends>,
    timer: &Timer,
) -> Result<Opened, Unobtainable> {
    if upstream.config().public_only && !endpoint.is_public() {
        return Err(Unobtainable::Prohibited);
    }
    let permit = upstream
        .admit(endpoint)
        .or_else(|| evict(upstream, endpoint, room).then(|| upstream.admit(endpoint))?)
        .ok_or(Unobtainable::TooMany)?;
    match connect(upstream, endpoint, purpose, client, timer).await {
        Ok(stream) => Ok(Opened { is_http2: upstream.speaks_http2_on(&stream), stream, permit }),
        Err(error) if purpose == Purpose::Upgrade && refuses_protocol(&error) => Err(Unobtainable::NoUpgrade),
        Err(error) => Err(Unobtainable::Connect(error)),
    }
}

/// Closes an idle connection, to make room under the upstream's limit for one to this endpoint.
fn evict(upstream: &Upstream, endpoint: &Endpoint, room: MakeRoom) -> bool {
    let may_close = |other: &Endpoint| room == MakeRoom::Anywhere || !std::ptr::eq(other, endpoint);
    upstream.endpoints().iter().any(|other| may_close(other) && other.unshelve().is_some())
}

/// Connects, within the time that the upstream has for it; a PROXY header and a handshake are part of that.
pub(crate) async fn connect(
    upstream: &Upstream,
    endpoint: &Endpoint,
    purpose: Purpose,
    client: Option<Ends>,
    timer: &Timer,
) -> io::Result<Stream> {
    timer.set(upstream.timeouts.connect);
    let mut socket = Socket::connect(endpoint.address(), timer).await?;
    if let Some(form) = upstream.config().proxy_protocol {
        // Boxed, since most upstreams want none.
        Box::pin(announce(form, client, &mut socket, timer)).await?;
    }
    match &upstream.config().tls {
        None => Ok(Stream::Plain(socket)),
        // Boxed, so that exchanges with upstreams of cleartext have no room for it.
        Some(tls) => Box::pin(secure(upstream, tls, endpoint, purpose, socket, timer)).await,
    }
}

/// Says for whom the connection is made; `None`: for the gateway itself. A fresh socket takes the header at once, as it should be sent.
async fn announce(form: Form, client: Option<Ends>, socket: &mut Socket, timer: &Timer) -> io::Result<()> {
    let header = header(form, client);
    let mut writing = pin!(socket.write_all(&header));
    wait(timer, |context| writing.as_mut().poll(context)).await
}

async fn secure(
    upstream: &Upstream,
    tls: &UpstreamTls,
    endpoint: &Endpoint,
    purpose: Purpose,
    socket: Socket,
    timer: &Timer,
) -> io::Result<Stream> {
    let name = name(tls, endpoint).ok_or(io::ErrorKind::InvalidInput)?;
    let config = match purpose {
        Purpose::Requests => tls.connector.config(),
        Purpose::Upgrade => tls.connector.http1_config(),
    };
    let mut shaking = pin!(TlsStream::shake(config, name, socket));
    let shaken = wait(timer, |context| shaking.as_mut().poll(context)).await;
    match shaken {
        Ok(stream) => {
            if upstream.config().protocol == UpstreamProtocol::Auto && purpose == Purpose::Requests {
                endpoint.picked(stream.is_http2());
            }
            Ok(Stream::Tls(Box::new(stream)))
        }
        Err(error) => {
            tell(upstream, endpoint, &error);
            Err(error)
        }
    }
}

/// What the endpoint must prove to be. The configuration has seen to it that there is a name.
fn name(tls: &UpstreamTls, endpoint: &Endpoint) -> Option<ServerName<'static>> {
    let own = || match (endpoint.origin(), endpoint.address()) {
        (Some(origin), _) => tls::server_name(origin.rsplit_once(':')?.0),
        (None, Address::Ip(address)) => Some(address.ip().into()),
        (None, Address::Unix(_)) => None,
    };
    tls.name.clone().or_else(own)
}

/// Every request may come upon the same fault, so that most of them are told to those alone who ask for details; so may every check of
/// an endpoint that is out, of which the log has been told.
fn tell(upstream: &Upstream, endpoint: &Endpoint, error: &io::Error) {
    let (upstream, address) = (upstream.name(), endpoint.text());
    match !endpoint.health().is_out() && endpoint.may_warn() {
        true => tracing::warn!(upstream, address, %error, "a TLS handshake with an upstream failed"),
        false => tracing::debug!(upstream, address, %error, "a TLS handshake with an upstream failed"),
    }
}
