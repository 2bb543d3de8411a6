//! Making connections to endpoints.

use std::io;
use std::pin::pin;

use config::UpstreamTls;
use tls::ServerName;

use super::Upstream;
use super::endpoint::{Address, Endpoint};
use super::socket::Socket;
use super::stream::Stream;
use super::tls::TlsStream;
use crate::h1::wait;
use crate::timers::Timer;

/// Connects, within the time that the upstream has for it; a handshake is part of that.
pub(crate) async fn connect(upstream: &Upstream, endpoint: &Endpoint, timer: &Timer) -> io::Result<Stream> {
    timer.set(upstream.timeouts.connect);
    let socket = Socket::connect(endpoint.address(), timer).await?;
    match &upstream.config().tls {
        None => Ok(Stream::Plain(socket)),
        // Boxed, so that exchanges with upstreams of cleartext have no room for it.
        Some(tls) => Box::pin(secure(upstream, tls, endpoint, socket, timer)).await,
    }
}

async fn secure(
    upstream: &Upstream,
    tls: &UpstreamTls,
    endpoint: &Endpoint,
    socket: Socket,
    timer: &Timer,
) -> io::Result<Stream> {
    let name = name(tls, endpoint).ok_or(io::ErrorKind::InvalidInput)?;
    let mut shaking = pin!(TlsStream::shake(&tls.connector, name, socket));
    let shaken = wait(timer, |context| shaking.as_mut().poll(context)).await;
    match shaken {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
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
