//! Which versions and ciphers are spoken.

use std::sync::{Arc, LazyLock};

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

/// The two that Mozilla's recommendations still name (version 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// TLS 1.3 alone.
    Modern,
    /// TLS 1.3, and TLS 1.2 with ephemeral keys and authenticated encryption.
    Intermediate,
}

impl Policy {
    pub(crate) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Modern => &VERSIONS[..1],
            Self::Intermediate => &VERSIONS,
        }
    }
}

/// The cryptography of all of TLS here. Every cipher suite it has is in the intermediate recommendation.
pub(crate) fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    &PROVIDER
}
