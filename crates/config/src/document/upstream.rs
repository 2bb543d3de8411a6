//! `[upstream.NAME]`

use std::time::Duration;

use policy::proxy_protocol::Form as ProxyForm;
use toml::Spanned;
use toml::de::DeValue;

use super::{CheckTarget, DAY_MS, GrpcService, HOUR_MS, HostValue, PeerName, PemPath};
use crate::config::{Balance, EndpointAddress, UpstreamProtocol};
use crate::form::{At, Form, Key, OneOrMany, Shape, choice, section};
use crate::reader::Reader;

section! {
    /// A service behind the gateway: one or more endpoints that answer alike.
    UpstreamSection = "[upstream.NAME]", later ["retry"] {
        /// Where it is: addresses `127.0.0.1:9001`, host names `orders.internal:9001`, Unix sockets
        /// `unix:/run/orders.sock`, or tables with a weight. At least one.
        endpoints: Option<At<Vec<At<EndpointForm>>>> { required: true },
        /// How an endpoint is chosen.
        balance: At<Balance> { default: Some("round-robin") },
        /// How it is spoken to.
        protocol: At<UpstreamProtocol> { default: Some("h1") },
        /// PROXY header that its endpoints are sent first on each connection, before TLS: it names the client. A connection is then for one
        /// request, and none is kept.
        proxy_protocol: Option<At<ProxyWord>> { otherwise: Some("none is sent") },
        /// Time limits.
        timeout: At<UpstreamTimeoutSection>,
        /// Idle connections kept per worker; the surplus is shared between workers.
        idle_connections: At<u64> { default: Some("128"), range: Some((0, 65_535)) },
        /// Open connections over all workers; 0: no limit.
        connections: At<u64> { default: Some("0"), range: Some((0, 10_000_000)), status: Some("503") },
        /// How long an endpoint rests after its first failure; doubles up to sixteen times this.
        rest: At<Duration> {
            default: Some("1s"),
            range: Some((1, HOUR_MS)),
            status: Some("none: when all rest, they are tried all the same")
        },
        /// Asks each endpoint again and again whether it takes requests.
        health: Option<At<HealthSection>> {
            otherwise: Some("no endpoint is asked"),
            status: Some("none: when all are out, they are tried all the same")
        },
        /// How often host names are resolved again; the last good answer is kept.
        resolve: At<Duration> { default: Some("10s"), range: Some((100, DAY_MS)) },
        /// `Host` sent to the upstream.
        host: Option<At<HostValue>> { otherwise: Some("the client's") },
        /// Speaks TLS with its endpoints; `tls = {}` is all it takes where the operating system trusts their certificates.
        tls: Option<At<UpstreamTlsSection>> { otherwise: Some("cleartext"), status: Some("502") },
    }
}

section! {
    /// TLS to an upstream: versions 1.3 and 1.2. Files are read again within two seconds of a change.
    UpstreamTlsSection = "[upstream.NAME] tls" {
        /// Who must have issued the endpoints' certificates: one or more certificates in PEM.
        authority: Option<At<PemPath>> { otherwise: Some("whom the operating system trusts") },
        /// Host name or IP address that the certificates must be made out to; a host name is what is asked for by SNI, too. An
        /// endpoint that is a Unix socket has no name of its own.
        name: Option<At<PeerName>> { otherwise: Some("the endpoint's own host name or IP address") },
        /// Certificate that is shown to an upstream that asks for one, in PEM, followed by those that vouch for it.
        certificate: Option<At<PemPath>> { otherwise: Some("none is shown") },
        /// Its private key in PEM, not encrypted.
        key: Option<At<PemPath>> { otherwise: Some("none") },
        /// Whether the endpoints' certificates are looked at. With `false`, for trying things out, whoever stands in between can read and
        /// change everything; it is warned of.
        verify: At<bool> { default: Some("true") },
    }
}

section! {
    /// What each endpoint is asked, and how often: either `path` or `grpc`. Each check is made on a connection of its own, by the
    /// upstream's `protocol` and `tls`.
    HealthSection = "[upstream.NAME] health" {
        /// Asks for this path by GET, with a query if there is one.
        path: Option<At<CheckTarget>> { otherwise: Some("`grpc` asks") },
        /// One or more statuses by which an endpoint is healthy.
        status: Option<At<OneOrMany<u64>>> { otherwise: Some("200 to 299"), range: Some((200, 599)) },
        /// Asks `grpc.health.v1.Health` for this service, such as `helloworld.Greeter`; the empty text asks for the server as a whole.
        grpc: Option<At<GrpcService>> { otherwise: Some("`path` asks") },
        /// `Host` of the check.
        host: Option<At<HostValue>> { otherwise: Some("`host` of the upstream, else the endpoint's own") },
        /// Interval between two checks of an endpoint, a tenth more or less.
        every: At<Duration> { default: Some("5s"), range: Some((100, HOUR_MS)) },
        /// Time for one check, with its connection and TLS handshake.
        timeout: At<Duration> { default: Some("2s"), range: Some((1, HOUR_MS)) },
        /// Failed checks in a row by which a healthy endpoint is out; the first check of all decides alone.
        failures: At<u64> { default: Some("2"), range: Some((1, 1000)) },
        /// Passed checks in a row by which it is back.
        successes: At<u64> { default: Some("1"), range: Some((1, 1000)) },
    }
}

section! {
    /// Time limits of an upstream.
    UpstreamTimeoutSection = "[upstream.NAME] timeout" {
        /// To establish a connection, its TLS handshake included. A lost SYN is sent again after a second (RFC 6298), so that less than that gives up on one.
        connect: At<Duration> { default: Some("3s"), range: Some((1, HOUR_MS)), status: Some("504") },
        /// From the request sent to the head of the response.
        response: At<Duration> { default: Some("30s"), range: Some((1, DAY_MS)), status: Some("504") },
        /// No byte moved.
        idle: At<Duration> {
            default: Some("60s"),
            range: Some((1, DAY_MS)),
            status: Some("504, or the connection is cut when the response has begun")
        },
        /// An idle pooled connection is closed after this.
        keep_alive: At<Duration> { default: Some("60s"), range: Some((1, DAY_MS)) },
    }
}

section! {
    /// An endpoint with more than an address.
    EndpointSection = "[upstream.NAME] endpoints" {
        /// Where it is.
        address: Option<At<EndpointAddress>> { required: true },
        /// Its share among the endpoints.
        weight: At<u64> { default: Some("1"), range: Some((1, 65_535)) },
    }
}

/// An endpoint, as an address or as a table.
pub(crate) struct EndpointForm {
    pub(crate) address: EndpointAddress,
    pub(crate) weight: u64,
}

impl Form for EndpointForm {
    const SHAPE: Shape = Shape::Either(&EndpointAddress::SHAPE, &EndpointSection::SHAPE);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => {
                EndpointAddress::read(value, key, reader).map(|address| Self { address, weight: 1 })
            }
            DeValue::Table(_) => {
                let table = EndpointSection::read(value, key, reader)?;
                table.address.map(|address| Self { address: address.value, weight: table.weight.value })
            }
            _ => reader.wrong_type(value, key, &Self::SHAPE),
        }
    }
}

choice!(UpstreamProtocol {
    "h1" => UpstreamProtocol::H1, "HTTP/1.1, a connection for each request under way";
    "h2" => UpstreamProtocol::H2, "HTTP/2, many requests on one connection; by ALPN with `tls`, in cleartext by prior knowledge";
    "auto" => UpstreamProtocol::Auto, "with `tls`: what each endpoint picks of the two by ALPN, and HTTP/1.1 where it picks nothing";
});

/// Versions of PROXY protocol.
#[derive(Clone, Copy)]
pub(crate) enum ProxyWord {
    V1,
    V2,
}

impl From<ProxyWord> for ProxyForm {
    fn from(word: ProxyWord) -> Self {
        match word {
            ProxyWord::V1 => Self::Line,
            ProxyWord::V2 => Self::Binary,
        }
    }
}

choice!(ProxyWord {
    "v1" => ProxyWord::V1, "a line of text";
    "v2" => ProxyWord::V2, "binary";
});

choice!(Balance {
    "round-robin" => Balance::RoundRobin, "in turn, smoothly, by weight";
});
