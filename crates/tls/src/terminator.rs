//! What a listener answers handshakes by.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::{HandshakeKind, ServerConfig, ServerConnection};

use crate::names::Names;
use crate::policy::provider;
use crate::{Authority, Identity, Policy};

/// What HTTP/2 is called by ALPN (RFC 9113 §3.1).
pub(crate) const HTTP2: &[u8] = b"h2";
/// What HTTP/1.1 is called by ALPN (RFC 7301 §6).
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// What a listener is given: its certificates, the first being the one for names that none is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// At least one.
    pub identities: Vec<Arc<Identity>>,
    /// Versions and ciphers.
    pub policy: Policy,
    /// Whether HTTP/1.1 is offered by ALPN (RFC 7301).
    pub http1: bool,
    /// Whether HTTP/2 is, which goes first.
    pub http2: bool,
    /// Whether clients are asked for a certificate.
    pub clients: Option<ClientCertificates>,
}

impl Terms {
    /// Whether connections that were made under `others` meet these terms. The server's own certificates do not matter: connections outlive
    /// their renewal.
    pub fn admit(&self, others: &Self) -> bool {
        self.clients == others.clients
            && (self.policy == Policy::Intermediate || others.policy == Policy::Modern)
            && (self.http1 || !others.http1)
            && (self.http2 || !others.http2)
    }
}

/// Whose certificates clients show, and whether they must.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientCertificates {
    /// Who has issued them.
    pub authority: Authority,
    /// Whether a handshake without one fails.
    pub required: bool,
}

/// Terms, ready for handshakes. Two are equal when their terms are.
#[derive(Clone)]
pub struct Terminator {
    terms: Terms,
    names: Arc<Names>,
    config: Arc<ServerConfig>,
    /// Who looks at the certificates of clients.
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Terminator {
    /// Makes terms ready.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn new(terms: Terms) -> Result<Self, String> {
        let names = Arc::new(Names::new(&terms.identities).ok_or("there is no certificate")?);
        let builder = ServerConfig::builder_with_provider(provider().clone())
            .with_protocol_versions(terms.policy.versions())
            .map_err(|error| error.to_string())?;
        let clients: Option<Arc<dyn ClientCertVerifier>> = match &terms.clients {
            None => None,
            Some(clients) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    clients.authority.roots.clone(),
                    provider().clone(),
                );
                let verifier = if clients.required { verifier } else { verifier.allow_unauthenticated() };
                Some(verifier.build().map_err(|error| error.to_string())?)
            }
        };
        let builder = match &clients {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier.clone()),
        };
        let mut config = builder.with_cert_resolver(names.clone());
        let offered =
            [(terms.http2, HTTP2), (terms.http1, HTTP1)].into_iter().filter(|(is_spoken, _)| *is_spoken);
        config.alpn_protocols = offered.map(|(_, name)| name.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = match &terms.clients {
            None => shared_tickets()?,
            // A ticket holds the certificate its client has shown. Nobody who is to be asked by others may come with it.
            Some(_) => new_tickets()?,
        };
        Ok(Self { terms, names, config: Arc::new(config), clients })
    }

    /// What it was made of.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What rustls answers a handshake by.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Whether the certificate that a client has shown still does. One that comes with a ticket is not looked at in the handshake, and may
    /// have ended since it was.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify_again(&self, connection: &ServerConnection) -> Result<(), rustls::Error> {
        let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        match (&self.clients, connection.peer_certificates()) {
            (Some(clients), Some([own, issuers @ ..])) if is_resumed => {
                clients.verify_client_cert(own, issuers, UnixTime::now()).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Whether a connection for `server_name` is for this host: by SNI its client asked for it, or for another one of the same certificate, as browsers
    /// do that use a connection for several hosts. A request for any other came on the wrong connection (RFC 9110 §7.4). Whoever named a host
    /// that no certificate is for was shown the first one, and may ask for the hosts of that: such a client, as the checks of a balancer are,
    /// does not go by the name. `host` is in lower case, as rustls has the name.
    pub fn covers(&self, server_name: Option<&str>, host: &str) -> bool {
        match server_name {
            // Nobody was named, so nobody was asked for wrongly.
            None => true,
            // An HTTP/1.0 client need not name a host.
            Some(name) if name == host || host.is_empty() => true,
            Some(name) => {
                let certificate = self.names.made_out_to(host);
                certificate.is_some_and(|certificate| Arc::ptr_eq(certificate, self.names.find(name)))
            }
        }
    }
}

/// Tickets of all listeners that ask clients for nothing: a client may come back to another worker, or after a reload. Their keys are
/// replaced every six hours, and the ones before are taken for as long again.
fn shared_tickets() -> Result<Arc<dyn ProducesTickets>, String> {
    static TICKETS: LazyLock<Result<Arc<dyn ProducesTickets>, String>> = LazyLock::new(new_tickets);
    TICKETS.clone()
}

fn new_tickets() -> Result<Arc<dyn ProducesTickets>, String> {
    rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())
}

impl PartialEq for Terminator {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminator").field("terms", &self.terms).finish_non_exhaustive()
    }
}
