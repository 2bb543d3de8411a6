//! What is known of one exchange once it has been answered.

use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr};

use crate::{Tls, TlsRef};

/// Names one exchange for ever: node, start of the node, worker, and a counter of that worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// Random number of the node, kept in its data directory.
    pub node: u64,
    /// How often the node had been started.
    pub boot: u32,
    /// Worker within the process.
    pub worker: u16,
    /// Counts the worker's exchanges from 0.
    pub sequence: u64,
}

/// What a record says about its exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The exchange ended; counts 1.
    Done,
    /// A long exchange goes on; carries deltas since the last record; counts 0.
    Part,
    /// The last write failed: takes back what the client did not get; counts −1.
    Cut,
}

/// A metered amount in millionths of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub i64);

impl Value {
    /// One unit, the value of a request unless its route says otherwise.
    pub const ONE: Self = Self(1_000_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

/// Protocol spoken with the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
    /// HTTP/3
    Http3,
}

/// A record that borrows its texts: what the data plane writes and readers see.
///
/// Texts are bytes as the client sent them only after the gateway's own checks: always UTF-8, never with control characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRef<'a> {
    /// The exchange.
    pub id: EventId,
    /// The exchange on whose behalf this one was made.
    pub parent: Option<EventId>,
    /// What this record says.
    pub kind: Kind,
    /// When the record was made, microseconds since 1970-01-01T00:00:00Z.
    pub ts_us: u64,
    /// Route name; empty when no route matched.
    pub route: &'a str,
    /// The user asking.
    pub user_id: Option<u64>,
    /// The key presented.
    pub key_id: Option<u64>,
    /// Metered amount; `None` for refusals and failures before a response head.
    pub value: Option<Value>,
    /// Request method.
    pub method: &'a str,
    /// Host asked for, without port.
    pub host: &'a str,
    /// Normal form of the path without query, at most 1 KiB.
    pub path: &'a str,
    /// Whether the path was cut at 1 KiB.
    pub path_cut: bool,
    /// Status sent; 0 when the client was gone before one could be sent.
    pub status: u16,
    /// Why the gateway itself answered or gave up, a token such as `no_route` or `upstream_timeout`.
    pub reason: Option<&'a str>,
    /// Request body bytes received from the client.
    pub bytes_in: u64,
    /// Response body bytes sent to the client.
    pub bytes_out: u64,
    /// Head of the request read to this record, microseconds.
    pub latency_us: u64,
    /// Endpoint that answered; empty for none.
    pub upstream: &'a str,
    /// Request sent upstream to response head, microseconds; `None` without an upstream answer.
    pub upstream_us: Option<u64>,
    /// Attempts made on upstream endpoints.
    pub attempts: u32,
    /// The client's address, after trusted proxies.
    pub client: IpAddr,
    /// Protocol spoken with the client.
    pub http: HttpVersion,
    /// What TLS has shown; `None` for a request in clear text, or of a function.
    pub tls: Option<TlsRef<'a>>,
    /// Trace id of `traceparent`, or empty.
    pub trace: &'a str,
}

/// A record that owns its texts.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of EventRef")]
pub struct Event {
    pub id: EventId,
    pub parent: Option<EventId>,
    pub kind: Kind,
    pub ts_us: u64,
    pub route: Box<str>,
    pub user_id: Option<u64>,
    pub key_id: Option<u64>,
    pub value: Option<Value>,
    pub method: Box<str>,
    pub host: Box<str>,
    pub path: Box<str>,
    pub path_cut: bool,
    pub status: u16,
    pub reason: Option<Box<str>>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub latency_us: u64,
    pub upstream: Box<str>,
    pub upstream_us: Option<u64>,
    pub attempts: u32,
    pub client: IpAddr,
    pub http: HttpVersion,
    pub tls: Option<Tls>,
    pub trace: Box<str>,
}

impl EventRef<'static> {
    /// A usual exchange, for documentation, tests and benchmarks to begin with.
    pub const EXAMPLE: Self = Self {
        id: EventId { node: 0xab, boot: 2, worker: 1, sequence: 31 },
        parent: None,
        kind: Kind::Done,
        ts_us: 1_795_224_023_123_456,
        route: "orders",
        user_id: Some(1),
        key_id: Some(3),
        value: Some(Value::ONE),
        method: "GET",
        host: "api.example.com",
        path: "/orders/7",
        path_cut: false,
        status: 200,
        reason: None,
        bytes_in: 0,
        bytes_out: 512,
        latency_us: 431,
        upstream: "127.0.0.1:9001",
        upstream_us: Some(380),
        attempts: 1,
        client: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
        http: HttpVersion::Http11,
        tls: None,
        trace: "",
    };
}

impl EventRef<'_> {
    /// Copies the texts, so that the record can outlive the bytes it came from.
    #[must_use]
    pub fn to_event(&self) -> Event {
        Event {
            id: self.id,
            parent: self.parent,
            kind: self.kind,
            ts_us: self.ts_us,
            route: self.route.into(),
            user_id: self.user_id,
            key_id: self.key_id,
            value: self.value,
            method: self.method.into(),
            host: self.host.into(),
            path: self.path.into(),
            path_cut: self.path_cut,
            status: self.status,
            reason: self.reason.map(Box::from),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            latency_us: self.latency_us,
            upstream: self.upstream.into(),
            upstream_us: self.upstream_us,
            attempts: self.attempts,
            client: self.client,
            http: self.http,
            tls: self.tls.as_ref().map(TlsRef::to_tls),
            trace: self.trace.into(),
        }
    }
}

impl Event {
    /// Borrows the record, for the encoders.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "`AsRef` returns a reference, and this is a value that holds references"
    )]
    pub fn as_ref(&self) -> EventRef<'_> {
        EventRef {
            id: self.id,
            parent: self.parent,
            kind: self.kind,
            ts_us: self.ts_us,
            route: &self.route,
            user_id: self.user_id,
            key_id: self.key_id,
            value: self.value,
            method: &self.method,
            host: &self.host,
            path: &self.path,
            path_cut: self.path_cut,
            status: self.status,
            reason: self.reason.as_deref(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            latency_us: self.latency_us,
            upstream: &self.upstream,
            upstream_us: self.upstream_us,
            attempts: self.attempts,
            client: self.client,
            http: self.http,
            tls: self.tls.as_ref().map(Tls::as_ref),
            trace: &self.trace,
        }
    }
}
