//! What an upstream is shaken hands with by.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::sign::SingleCertAndKey;

use crate::anyone::Anyone;
use crate::platform::{self, PlatformError};
use crate::policy::provider;
use crate::terminator::{HTTP1, HTTP2};
use crate::{Authority, Identity, Policy};

/// Who has to vouch for an upstream.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// Whom the operating system trusts.
    Platform,
    /// These alone.
    Authority(Authority),
    /// Nobody: whoever answers is believed to be the upstream.
    Anyone,
}

/// What a connector is given.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorTerms {
    /// Whose word is taken for who the upstream is.
    pub trust: Trust,
    /// What is shown to an upstream that asks for a certificate.
    pub identity: Option<Arc<Identity>>,
    /// What is offered by ALPN.
    pub offer: Offer,
}

/// What an upstream is offered by ALPN (RFC 7301): `http/1.1`, `h2` (RFC 9113 §3.2), or both, of which it picks one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone.
    Http2,
    /// HTTP/2, and HTTP/1.1 behind it.
    Either,
}

impl Offer {
    fn protocols(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::Http1 => &[HTTP1],
            Self::Http2 => &[HTTP2],
            Self::Either => &[HTTP2, HTTP1],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// Why there is no connector.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// Upstreams would have to be vouched for by whom the operating system trusts, and that is nobody.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The cryptography does not take the terms.
    #[error("{0}")]
    Refused(String),
}

/// Terms, ready for handshakes by any number of threads. Two are equal when their terms are.
///
/// Sessions are kept in it, by name, 256 at most, and taken up again: so who takes one up has been verified by these very terms.
#[derive(Clone)]
pub struct Connector {
    terms: ConnectorTerms,
    config: Arc<ClientConfig>,
    /// The same with HTTP/1.1 alone on offer.
    http1: Arc<ClientConfig>,
}

impl Connector {
    /// Makes terms ready. The operating system's authorities are read by the first that needs them.
    ///
    /// # Errors
    /// See [`ConnectorError`].
    pub fn new(terms: ConnectorTerms) -> Result<Self, ConnectorError> {
        let roots = match &terms.trust {
            Trust::Platform => Some(platform::roots()?),
            Trust::Authority(authority) => Some(authority.roots.clone()),
            Trust::Anyone => None,
        };
        let builder = ClientConfig::builder_with_provider(provider().clone())
            .with_protocol_versions(Policy::Intermediate.versions())
            .map_err(|error| ConnectorError::Refused(error.to_string()))?;
        let builder = match roots {
            Some(roots) => builder.with_root_certificates(roots),
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone)),
        };
        let mut config = match &terms.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let shown = SingleCertAndKey::from(identity.certified.clone());
                builder.with_client_cert_resolver(Arc::new(shown))
            }
        };
        config.alpn_protocols = terms.offer.protocols();
        // A session can be taken up under another protocol (RFC 7301 §3.1): both keep theirs in one place.
        let mut http1 = config.clone();
        http1.alpn_protocols = Offer::Http1.protocols();
        Ok(Self { terms, config: Arc::new(config), http1: Arc::new(http1) })
    }

    /// What it was made of.
    pub fn terms(&self) -> &ConnectorTerms {
        &self.terms
    }

    /// What rustls begins a handshake by.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The same for a connection that can only be of HTTP/1.1.
    pub fn http1_config(&self) -> &Arc<ClientConfig> {
        &self.http1
    }
}

impl PartialEq for Connector {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("terms", &self.terms).finish_non_exhaustive()
    }
}
