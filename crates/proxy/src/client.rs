//! Who is on the other end of a client's connection.

use std::net::IpAddr;

use message::{Known, Request};
use policy::AddressSet;
use tls::Session;

/// A request's way in: who sent it, and what its listener knows and demands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) client: Client,
    /// What TLS has shown, where it is spoken.
    pub(crate) session: Option<&'a Session>,
    /// Value of `Strict-Transport-Security` for every answer.
    pub(crate) hsts: Option<&'a str>,
    /// Port of `https` that every request is sent to.
    pub(crate) redirect_https: Option<u16>,
    /// Whether the connection was made for another host.
    pub(crate) is_misdirected: bool,
}

impl From<Client> for Arrival<'_> {
    /// One that nothing more is known of.
    fn from(client: Client) -> Self {
        Self { client, session: None, hsts: None, redirect_https: None, is_misdirected: false }
    }
}

/// The sender of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// The connection's other end.
    pub(crate) peer: IpAddr,
    /// The client, after the proxies that are trusted.
    pub(crate) address: IpAddr,
    /// Whether the peer's X-Forwarded-* are believed.
    pub(crate) peer_is_trusted: bool,
    /// Whether the request came by TLS.
    pub(crate) is_secure: bool,
}

impl Client {
    /// The peer itself.
    pub(crate) fn direct(peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        Self { peer, address: peer, peer_is_trusted: false, is_secure: false }
    }

    /// Finds the client behind a peer: the rightmost untrusted address of X-Forwarded-For, else the peer.
    pub(crate) fn of(request: &Request, peer: IpAddr, trusted: &AddressSet) -> Self {
        let peer = peer.to_canonical();
        if trusted.is_empty() || !trusted.contains(peer) {
            return Self::direct(peer);
        }
        let claims = request.fields.values_of(Known::XForwardedFor);
        let address = policy::client_address(peer, claims, trusted);
        Self { address, peer_is_trusted: true, ..Self::direct(peer) }
    }
}
