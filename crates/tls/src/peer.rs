//! What a handshake has shown of the client.

use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::terminator::HTTP2;

/// One finished handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version of TLS.
    pub version: Version,
    /// The protocol agreed on by ALPN is `h2` (RFC 9113 §3.2).
    pub is_http2: bool,
    /// The host name asked for (RFC 6066 §3), in lower case.
    pub server_name: Option<String>,
    /// Whether keys of an earlier connection were taken up again.
    pub resumed: bool,
    /// The certificate shown, verified.
    pub client: Option<ClientCertificate>,
}

/// A version of TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.2 (RFC 5246).
    Tls12,
    /// 1.3 (RFC 8446).
    Tls13,
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its subject as text (RFC 4514), without control characters.
    pub subject: String,
    /// SHA-256 of the certificate, in lower-case hexadecimal digits.
    pub fingerprint: String,
    /// The same as bytes.
    pub sha256: [u8; 32],
}

impl Session {
    /// Of a connection whose handshake is done.
    pub fn of(connection: &ServerConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Version::Tls13,
            _ => Version::Tls12,
        };
        let own = connection.peer_certificates().and_then(<[_]>::first);
        Self {
            version,
            is_http2: connection.alpn_protocol() == Some(HTTP2),
            server_name: connection.server_name().map(str::to_owned),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            client: own.map(|certificate| ClientCertificate::of(certificate)),
        }
    }
}

impl ClientCertificate {
    fn of(der: &[u8]) -> Self {
        let subject = X509Certificate::from_der(der).map(|(_, parsed)| parsed.subject().to_string());
        let subject = subject.unwrap_or_default();
        let sha256: [u8; 32] = Sha256::digest(der).into();
        Self {
            subject: subject.chars().filter(|character| !character.is_control()).collect(),
            fingerprint: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            sha256,
        }
    }
}
