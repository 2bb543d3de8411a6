//! `[[listener]]`

use std::net::SocketAddr;
use std::time::Duration;

use policy::Cidr;

use tls::Policy;

use super::{DAY_MS, PemPath};
use crate::config::Protocol;
use crate::form::{At, Bytes, choice, section};

section! {
    /// An address to listen on.
    ListenerSection = "[[listener]]" {
        /// Address and port to listen on.
        address: Option<At<SocketAddr>> { required: true },
        /// Protocols spoken.
        protocols: Option<At<Vec<At<Protocol>>>> { otherwise: Some("`[\"h1\"]`, and `\"h2\"` with `tls`") },
        /// What one connection of HTTP/2 may take.
        http2: At<Http2Section>,
        /// Peers whose `X-Forwarded-*` fields are believed.
        trusted_proxies: At<Vec<At<Cidr>>> { otherwise: Some("none") },
        /// Balancers that say for whom they connect: connections from these addresses must begin with a header of PROXY protocol, version 1
        /// or 2. The client it names is the peer from then on, for `trusted_proxies`, too.
        proxy_protocol: At<Vec<At<Cidr>>> { otherwise: Some("none"), status: Some("closed without an answer") },
        /// Certificates with their keys, for TLS. Each is used for the host names it is made out to, exact ones and wildcards; the first
        /// for clients that ask for another name, or none. Their files are read again within two seconds of a change.
        tls: Option<At<Vec<At<CertificateSection>>>> { otherwise: Some("cleartext") },
        /// Versions and ciphers of TLS.
        tls_policy: At<PolicyWord> { default: Some("intermediate"), status: Some("the handshake fails") },
        /// From the connection to the end of its handshake.
        handshake_timeout: At<Duration> {
            default: Some("10s"),
            range: Some((1, DAY_MS)),
            status: Some("closed without an answer")
        },
        /// Has clients show a certificate.
        client_certificates: Option<At<ClientCertificatesSection>> { otherwise: Some("none is asked for") },
        /// Tells browsers to come by TLS only (RFC 6797).
        hsts: Option<At<HstsSection>> { otherwise: Some("they are not told") },
        /// Every request is sent to the same URL with `https` on this port, which is another listener's.
        redirect_https: Option<At<u64>> { range: Some((1, 65_535)), status: Some("308") },
        /// Open connections on this listener over all workers; 0: no limit.
        connections: At<u64> {
            default: Some("0"),
            range: Some((0, 10_000_000)),
            status: Some("503, then close")
        },
        /// From the first byte of a request to the end of its head.
        head_timeout: At<Duration> { default: Some("10s"), range: Some((1, DAY_MS)), status: Some("408") },
        /// No byte of a request body or of a response moved on the client's side.
        body_timeout: At<Duration> {
            default: Some("60s"),
            range: Some((1, DAY_MS)),
            status: Some("408, or the connection is cut when the response has begun")
        },
        /// Idle time between requests of one connection.
        keep_alive: At<Duration> {
            default: Some("75s"),
            range: Some((1, DAY_MS)),
            status: Some("closed without an answer")
        },
        /// Requests served on one connection before it is closed; 0: no limit.
        requests: At<u64> { default: Some("0"), status: Some("`Connection: close` on the last answer") },
    }
}

section! {
    /// What one connection of HTTP/2 may take. Bytes that wait for an upstream are held in memory, at most `connection_window` for each
    /// connection.
    Http2Section = "[[listener]] http2" {
        /// Requests under way at the same time.
        streams: At<u64> { default: Some("100"), range: Some((1, 10_000)), status: Some("the request is refused, and may be sent again") },
        /// Bytes of one request's body that may come before they are asked for.
        stream_window: At<Bytes> { default: Some("64KiB"), range: Some((1 << 10, 1 << 30)) },
        /// The same for all requests of a connection together.
        connection_window: At<Bytes> { default: Some("256KiB"), range: Some((64 << 10, 1 << 30)) },
    }
}

section! {
    /// A certificate and its key.
    CertificateSection = "[[listener]] tls" {
        /// The certificate in PEM, followed by those that vouch for it.
        certificate: Option<At<PemPath>> { required: true },
        /// Its private key in PEM, not encrypted.
        key: Option<At<PemPath>> { required: true },
    }
}

section! {
    /// Certificates that clients show. Upstreams are told of one in `X-Lockgate-Client-Subject` and `X-Lockgate-Client-Fingerprint`,
    /// which no client can forge.
    ClientCertificatesSection = "[[listener]] client_certificates" {
        /// Who must have issued them: one or more certificates in PEM.
        authority: Option<At<PemPath>> { required: true },
        /// Whether a handshake without one fails.
        required: At<bool> { default: Some("true"), status: Some("the handshake fails") },
    }
}

section! {
    /// HTTP Strict Transport Security.
    HstsSection = "[[listener]] hsts" {
        /// How long browsers keep to it.
        max_age: At<Duration> { default: Some("365d"), range: Some((0, 3650 * DAY_MS)) },
        /// Whether it holds for all hosts under the one that is asked, too.
        subdomains: At<bool> { default: Some("false") },
    }
}

/// Versions and ciphers of TLS.
#[derive(Clone, Copy)]
pub(crate) enum PolicyWord {
    Modern,
    Intermediate,
}

impl From<PolicyWord> for Policy {
    fn from(word: PolicyWord) -> Self {
        match word {
            PolicyWord::Modern => Self::Modern,
            PolicyWord::Intermediate => Self::Intermediate,
        }
    }
}

choice!(PolicyWord {
    "modern" => PolicyWord::Modern, "TLS 1.3";
    "intermediate" => PolicyWord::Intermediate, "TLS 1.3, and TLS 1.2 with ephemeral keys and authenticated encryption";
});

choice!(Protocol {
    "h1" => Protocol::H1, "HTTP/1.0 and HTTP/1.1";
    "h2" => Protocol::H2, "HTTP/2, agreed on by TLS (ALPN)";
    "h2c" => Protocol::H2c, "HTTP/2 in cleartext, for clients that know of it beforehand";
});
