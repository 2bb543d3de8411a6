//! Who is on the other end of a client's connection.

use std::net::IpAddr;

use message::{Known, Request};
use policy::AddressSet;

/// The sender of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// The connection's other end.
    pub(crate) peer: IpAddr,
    /// The client, after the proxies that are trusted.
    pub(crate) address: IpAddr,
    /// Whether the peer's X-Forwarded-* are believed.
    pub(crate) peer_is_trusted: bool,
}

impl Client {
    /// Finds the client behind a peer: the rightmost untrusted address of X-Forwarded-For, else the peer.
    pub(crate) fn of(request: &Request, peer: IpAddr, trusted: &AddressSet) -> Self {
        let peer = peer.to_canonical();
        if trusted.is_empty() || !trusted.contains(peer) {
            return Self { peer, address: peer, peer_is_trusted: false };
        }
        let claims = request.fields.values_of(Known::XForwardedFor);
        Self { peer, address: policy::client_address(peer, claims, trusted), peer_is_trusted: true }
    }
}
