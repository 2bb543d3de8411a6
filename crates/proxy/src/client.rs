//! Who is on the other end of a client's connection.

use std::net::{IpAddr, SocketAddr};

use message::{Known, Request, Version};
use policy::AddressSet;
use policy::proxy_protocol::Ends;
use tls::Session;

use crate::connection::Secured;
use crate::listen::Settings;

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
    /// Whether every success means a tunnel to the client: it has asked for one by CONNECT (RFC 8441 §5).
    pub(crate) is_connect: bool,
}

impl<'a> Arrival<'a> {
    /// Of a request that came on a listener's connection.
    pub(crate) fn of(
        request: &Request,
        ends: Ends,
        settings: &'a Settings,
        secured: Option<&'a Secured>,
    ) -> Self {
        Self {
            client: Client {
                is_secure: secured.is_some(),
                ..Client::of(request, ends, &settings.trusted_proxies)
            },
            session: secured.map(|secured| &secured.session),
            hsts: settings.tls.as_ref().and_then(|tls| tls.hsts.as_deref()),
            redirect_https: settings.redirect_https,
            is_misdirected: secured.is_some_and(|secured| !secured.covers(request.host())),
            is_connect: request.version == Version::Http2 && !request.upgrade.is_empty(),
        }
    }

    /// Whether an answer that is no tunnel would be taken for one.
    pub(crate) fn takes_for_tunnel(&self, status: u16) -> bool {
        self.is_connect && (200..300).contains(&status)
    }

    /// Of a request that was not understood, so that nothing it says is believed.
    pub(crate) fn unread(ends: Ends, secured: Option<&'a Secured>) -> Self {
        Self { session: secured.map(|secured| &secured.session), ..Self::from(Client::direct(ends)) }
    }
}

impl From<Client> for Arrival<'_> {
    /// One that nothing more is known of.
    fn from(client: Client) -> Self {
        Self {
            client,
            session: None,
            hsts: None,
            redirect_https: None,
            is_misdirected: false,
            is_connect: false,
        }
    }
}

/// The sender of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// The connection's other end.
    pub(crate) peer: IpAddr,
    /// The client, after the proxies that are trusted.
    pub(crate) address: IpAddr,
    /// Its port; 0: not known, as behind a proxy that is trusted.
    pub(crate) port: u16,
    /// Where the peer has connected to.
    pub(crate) destination: SocketAddr,
    /// Whether the peer's X-Forwarded-* are believed.
    pub(crate) peer_is_trusted: bool,
    /// Whether the request came by TLS.
    pub(crate) is_secure: bool,
}

impl Client {
    /// The peer itself.
    pub(crate) fn direct(Ends { client, destination }: Ends) -> Self {
        let peer = client.ip().to_canonical();
        Self {
            peer,
            address: peer,
            port: client.port(),
            destination,
            peer_is_trusted: false,
            is_secure: false,
        }
    }

    /// Finds the client behind a peer: the rightmost untrusted address of X-Forwarded-For, else the peer.
    pub(crate) fn of(request: &Request, ends: Ends, trusted: &AddressSet) -> Self {
        let direct = Self::direct(ends);
        if trusted.is_empty() || !trusted.contains(direct.peer) {
            return direct;
        }
        let claims = request.fields.values_of(Known::XForwardedFor);
        let address = policy::client_address(direct.peer, claims, trusted);
        let port = if address == direct.peer { direct.port } else { 0 };
        Self { address, port, peer_is_trusted: true, ..direct }
    }

    /// What a PROXY header says of it.
    pub(crate) fn ends(&self) -> Ends {
        Ends { client: SocketAddr::new(self.address, self.port), destination: self.destination }
    }
}
