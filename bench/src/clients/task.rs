//! The kinds of work by HTTP/2 and by TLS.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::h2load::Plan;
use super::handshakes::Session;
use crate::load::Work;

/// What one command measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Suite {
    Http2,
    Tls,
}

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Small GETs by HTTP/2 in cleartext, four connections of 25 streams.
    H2cSmall,
    /// The same, one connection of 100 streams.
    H2cOne,
    /// As the first, by TLS.
    H2Small,
    /// As the second, by TLS.
    H2One,
    /// Answers of 1 MiB by HTTP/2 and TLS.
    H2Large,
    /// Unary calls of gRPC in cleartext, to an origin of HTTP/2.
    Grpc,
    /// A handshake of TLS 1.3 with an ECDSA P-256 certificate, and one small GET.
    FullEcdsa,
    /// The same with an RSA certificate of 2048 bits.
    FullRsa,
    /// As the first, by a client that offers X25519MLKEM768, too.
    FullHybrid,
    /// A session of TLS 1.3 resumed by its ticket.
    Resumed13,
    /// A session of TLS 1.2 resumed by its ticket.
    Resumed12,
    /// Small GETs by HTTP/1.1 over kept connections of TLS.
    TlsSmall,
    /// Answers of 1 MiB over the same.
    TlsLarge,
}

/// What a kind of connection is left idle as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// HTTP/2 in cleartext.
    H2c,
    /// HTTP/2 by TLS.
    H2,
    /// HTTP/1.1 by TLS.
    Tls,
}

/// Who does the work.
pub(crate) enum Means {
    H2load(Plan),
    Grpc,
    Handshakes(Session),
}

/// The keys that certificates are made out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    P256,
    Rsa2048,
}

impl Suite {
    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Http2 => "HTTP/2 side by side",
            Self::Tls => "TLS side by side",
        }
    }

    /// The end of its run directories.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Http2 => "h2",
            Self::Tls => "tls",
        }
    }

    /// In the order of the report.
    pub(crate) fn tasks(self) -> &'static [Task] {
        match self {
            Self::Http2 => {
                &[Task::H2cSmall, Task::H2cOne, Task::H2Small, Task::H2One, Task::H2Large, Task::Grpc]
            }
            Self::Tls => &[
                Task::FullEcdsa,
                Task::FullRsa,
                Task::FullHybrid,
                Task::Resumed13,
                Task::Resumed12,
                Task::TlsSmall,
                Task::TlsLarge,
            ],
        }
    }

    /// Idle connections whose memory is looked at.
    pub(crate) fn idle(self) -> &'static [Kind] {
        match self {
            Self::Http2 => &[Kind::H2c, Kind::H2],
            Self::Tls => &[Kind::Tls],
        }
    }
}

impl Kind {
    /// As people say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::H2c => "HTTP/2 in cleartext",
            Self::H2 => "HTTP/2 by TLS",
            Self::Tls => "HTTP/1.1 by TLS",
        }
    }
}

impl Task {
    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::H2cSmall => "Small GET, HTTP/2 in cleartext, 4 connections of 25 streams",
            Self::H2cOne => "Small GET, HTTP/2 in cleartext, 1 connection of 100 streams",
            Self::H2Small => "Small GET, HTTP/2 by TLS, 4 connections of 25 streams",
            Self::H2One => "Small GET, HTTP/2 by TLS, 1 connection of 100 streams",
            Self::H2Large => "GET of 1 MiB, HTTP/2 by TLS, 4 connections of 4 streams",
            Self::Grpc => "gRPC, unary calls in cleartext, 4 connections of 25 streams",
            Self::FullEcdsa => "Full handshake, TLS 1.3, ECDSA P-256, X25519",
            Self::FullRsa => "Full handshake, TLS 1.3, RSA 2048, X25519",
            Self::FullHybrid => "Full handshake, TLS 1.3, ECDSA P-256, X25519MLKEM768 where it is spoken",
            Self::Resumed13 => "Resumed handshake, TLS 1.3",
            Self::Resumed12 => "Resumed handshake, TLS 1.2",
            Self::TlsSmall => "Small GET, HTTP/1.1 by TLS, 64 kept connections",
            Self::TlsLarge => "GET of 1 MiB, HTTP/1.1 by TLS, 16 kept connections",
        }
    }

    /// Whether each request has a connection of its own.
    pub(crate) fn is_handshake(self) -> bool {
        matches!(self.means(), Means::Handshakes(_))
    }

    /// The key of the certificate; `None`: cleartext.
    pub(crate) fn key(self) -> Option<Key> {
        match self {
            Self::H2cSmall | Self::H2cOne | Self::Grpc => None,
            Self::FullRsa => Some(Key::Rsa2048),
            _ => Some(Key::P256),
        }
    }

    /// Who does it, and how.
    pub(crate) fn means(self) -> Means {
        let small = |connections, streams, protocol| {
            Means::H2load(Plan { work: Work::Small, connections, streams, protocol })
        };
        let large = |connections, streams, protocol| {
            Means::H2load(Plan { work: Work::Large, connections, streams, protocol })
        };
        match self {
            Self::H2cSmall => small(4, 25, "h2c"),
            Self::H2cOne => small(1, 100, "h2c"),
            Self::H2Small => small(4, 25, "h2"),
            Self::H2One => small(1, 100, "h2"),
            Self::H2Large => large(4, 4, "h2"),
            Self::Grpc => Means::Grpc,
            Self::FullEcdsa | Self::FullRsa => Means::Handshakes(Session::Full),
            Self::FullHybrid => Means::Handshakes(Session::FullHybrid),
            Self::Resumed13 => Means::Handshakes(Session::Resumed13),
            Self::Resumed12 => Means::Handshakes(Session::Resumed12),
            Self::TlsSmall => small(64, 1, "http/1.1"),
            Self::TlsLarge => large(16, 1, "http/1.1"),
        }
    }
}
