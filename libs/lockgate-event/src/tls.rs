//! What is known of a request that came by TLS.

use alloc::boxed::Box;

/// Version of TLS spoken with the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    /// The number of the version: `1.2` or `1.3`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// What the handshake has shown of the client, borrowed from its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsRef<'a> {
    /// Version spoken.
    pub version: TlsVersion,
    /// Whether keys of an earlier connection were taken up again.
    pub resumed: bool,
    /// Name the client asked for (SNI), in lower case.
    pub server_name: Option<&'a str>,
    /// SHA-256 of the certificate that the client has shown and that was found good.
    pub client_fingerprint: Option<&'a [u8; 32]>,
}

/// What the handshake has shown of the client, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of TlsRef")]
pub struct Tls {
    pub version: TlsVersion,
    pub resumed: bool,
    pub server_name: Option<Box<str>>,
    pub client_fingerprint: Option<[u8; 32]>,
}

impl TlsRef<'_> {
    /// Copies what is borrowed.
    #[must_use]
    pub fn to_tls(&self) -> Tls {
        Tls {
            version: self.version,
            resumed: self.resumed,
            server_name: self.server_name.map(Box::from),
            client_fingerprint: self.client_fingerprint.copied(),
        }
    }
}

impl Tls {
    /// Borrows it, for the encoders.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "`AsRef` returns a reference, and this is a value that holds references"
    )]
    pub fn as_ref(&self) -> TlsRef<'_> {
        TlsRef {
            version: self.version,
            resumed: self.resumed,
            server_name: self.server_name.as_deref(),
            client_fingerprint: self.client_fingerprint.as_ref(),
        }
    }
}
