//! Which certificate answers for which name (RFC 6066 §3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Identity;

/// The certificates of a listener: by exact name, by wildcard, and the first for whoever names none of them, or none at all.
#[derive(Debug)]
pub(crate) struct Names {
    first: Arc<CertifiedKey>,
    exact: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// By what follows the `*.`.
    wildcards: HashMap<Box<str>, Arc<CertifiedKey>>,
}

impl Names {
    /// Of several certificates for a name the first is used. `None`: there are none.
    pub(crate) fn new(identities: &[Arc<Identity>]) -> Option<Self> {
        let (mut exact, mut wildcards) = (HashMap::new(), HashMap::new());
        for identity in identities {
            for name in identity.names() {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut wildcards, parent),
                    None => (&mut exact, name),
                };
                map.entry(name.into()).or_insert_with(|| identity.certified.clone());
            }
        }
        Some(Self { first: identities.first()?.certified.clone(), exact, wildcards })
    }

    /// The certificate made out to a name in lower case: an exact one, else a wildcard's, which stands for one label.
    pub(crate) fn made_out_to(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let wildcard = || name.split_once('.').and_then(|(_, parent)| self.wildcards.get(parent));
        self.exact.get(name).or_else(wildcard)
    }

    /// The one for a name, or for one that none is made out to.
    pub(crate) fn find(&self, name: &str) -> &Arc<CertifiedKey> {
        self.made_out_to(name).unwrap_or(&self.first)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has made it lower case.
        Some(hello.server_name().map_or(&self.first, |name| self.find(name)).clone())
    }
}
