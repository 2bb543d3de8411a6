//! What a configuration means, once every word in it has been understood.

mod access;
mod function;
mod health;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use policy::{AddressSet, HostPattern, PathPattern};

use crate::stamp::ReadFile;

pub use access::{Access, LIMITS_PER_ROUTE_MAX, Limit, Meter, Per, Rate, RateError};
pub use function::{FUNCTIONS_BEFORE_MAX, Function, FunctionSettings, Outbound};
pub use health::{HealthCheck, HealthQuestion};

/// A whole configuration, with all defaults filled in and all names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The admin side.
    pub admin: Admin,
    /// Where the journal lives and how much of it is kept.
    pub data: Data,
    /// The data plane's threads.
    pub workers: Workers,
    /// Process-wide limits.
    pub limits: Limits,
    /// The access log on standard output.
    pub access_log: AccessLog,
    /// Listening addresses, in the order written.
    pub listeners: Vec<Listener>,
    /// Upstreams by name, in the order written; behind them one for each origin that functions may call.
    pub upstreams: Vec<Upstream>,
    /// What all functions share.
    pub function_settings: FunctionSettings,
    /// Functions by name, in the order written.
    pub functions: Vec<Function>,
    /// Routes in the order written.
    pub routes: Vec<Route>,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// Address of the REST API; default `127.0.0.1:9180`.
    pub address: SocketAddr,
    /// Admin token given in the configuration (usually `"$NAME"`); else `$LOCKGATE_ADMIN_TOKEN`, else the file.
    pub token: Option<Secret>,
    /// Read-only token for scrapers; else a file beside the admin token.
    pub read_token: Option<Secret>,
}

/// A secret, never printed: `Debug` says `Secret(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one comparison it is made for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `[data]`
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Data directory, resolved against the configuration's folder; default `lockgate-data`.
    pub dir: PathBuf,
    /// Interval between syncs of the live segment; default 1 s.
    pub sync: Duration,
    /// Sealed segments beyond this many bytes in total are deleted, oldest first; default 1 GiB.
    pub keep_bytes: u64,
    /// Sealed segments older than this are deleted; default 30 days.
    pub keep_age: Duration,
    /// A segment is sealed at this size; default 64 MiB.
    pub segment_bytes: u64,
    /// Size of each worker's ring, a power of two; default 1 MiB.
    pub ring_bytes: u64,
    /// Where the rings lie.
    pub rings: RingPlace,
    /// What happens to traffic when an event cannot be recorded.
    pub when_full: WhenFull,
    /// Where users, keys and usage are kept; default: SQLite in the data directory.
    pub database: Database,
}

/// `data.database`
#[derive(Clone, Debug, PartialEq)]
pub enum Database {
    /// `sqlite`: `lockgate.db` in the data directory; `sqlite:PATH`: that file.
    Sqlite(PathBuf),
    /// `postgres://user@host/db`; it may hold a password.
    Postgres(Secret),
}

/// `data.rings`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingPlace {
    /// `/dev/shm`; the data directory where that cannot be used.
    SharedMemory,
    /// The data directory, beside the segments.
    DataDir,
}

/// `data.when_full`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Traffic flows; the loss is counted.
    Drop,
    /// Requests whose record might not fit are answered 503.
    Refuse,
}

/// `[workers]`
#[derive(Clone, Debug, PartialEq)]
pub struct Workers {
    /// Number of worker threads; `None`: one per core.
    pub count: Option<usize>,
}

/// `[limits]`: process-wide; each has a name, a default and, where a client sees it, a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Request head, request line and fields together, bytes; default 32 KiB; 431.
    pub head_bytes: usize,
    /// Number of header fields in a request; default 100; 431.
    pub header_count: usize,
    /// Request target, bytes; default 8 KiB; 414.
    pub target_bytes: usize,
    /// Response head from an upstream, bytes; default 64 KiB; 502.
    pub response_head_bytes: usize,
    /// Open client connections over all listeners; default 0: no limit of its own (file descriptors bound it).
    pub connections: usize,
    /// Distinct users, keys, addresses and headers that rate limits tell apart at the same time, and as many that concurrency limits
    /// do; default 1,000,000; 503 beyond it.
    pub limited_keys: usize,
    /// Deadline of a drain after SIGTERM, SIGINT, or a reload that removes a listener or changes its terms; default 30 s.
    pub drain: Duration,
}

/// `[log] access`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// No access log (default).
    Off,
    /// Apache combined format on standard output.
    Combined,
    /// One JSON object per line on standard output.
    Json,
}

/// `[[listener]]`
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Address to listen on.
    pub address: SocketAddr,
    /// Protocols spoken; default HTTP/1, and with TLS HTTP/2.
    pub protocols: Vec<Protocol>,
    /// Bounds of HTTP/2.
    pub http2: Http2,
    /// Peers whose X-Forwarded-* are believed; none by default.
    pub trusted_proxies: AddressSet,
    /// Peers whose connections begin with a PROXY header; none by default.
    pub proxy_protocol: AddressSet,
    /// Open connections on this listener over all workers; default 0: no limit. Beyond it: 503 and close.
    pub connections: usize,
    /// First byte of a request to the end of its head; default 10 s; 408.
    pub head_timeout: Duration,
    /// No byte of a request body or response moved on the client side; default 60 s; 408 or close.
    pub body_timeout: Duration,
    /// Idle time between requests; default 75 s; close without an answer.
    pub keep_alive: Duration,
    /// Requests served on one connection before it is closed; default 0: no limit.
    pub requests: u64,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// Port of `https` that every request is sent to (308).
    pub redirect_https: Option<u16>,
}

/// `tls` of a listener, and what belongs to it. The files have been read: two are equal when the files' contents are.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// Certificates, versions, and what is asked of clients.
    pub terminator: tls::Terminator,
    /// The files it was read from.
    pub files: Vec<ReadFile>,
    /// From the connection to the end of its handshake; default 10 s; close.
    pub handshake_timeout: Duration,
    /// Strict Transport Security (RFC 6797).
    pub hsts: Option<Hsts>,
}

/// `hsts` of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// How long browsers keep to it; default 365 days.
    pub max_age: Duration,
    /// Whether it holds for hosts under the one that is asked.
    pub subdomains: bool,
}

/// A protocol a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    H1,
    /// HTTP/2 over TLS, by ALPN.
    H2,
    /// HTTP/2 over cleartext, by prior knowledge (RFC 9113 §3.3).
    H2c,
}

/// `http2` of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Requests under way at the same time on one connection; default 100; REFUSED_STREAM.
    pub streams: u32,
    /// Bytes of a request's body that may come unasked (RFC 9113 §6.9.2); default 64 KiB.
    pub stream_window: u32,
    /// Bytes of all request bodies of a connection that may come unasked; default 256 KiB.
    pub connection_window: u32,
}

/// `[upstream.NAME]`
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// At least one endpoint.
    pub endpoints: Vec<Endpoint>,
    /// How an endpoint is chosen.
    pub balance: Balance,
    /// Time limits.
    pub timeout: UpstreamTimeout,
    /// How it is spoken to; default HTTP/1.1.
    pub protocol: UpstreamProtocol,
    /// PROXY header that each connection begins with; `None`: none. Connections are not kept then.
    pub proxy_protocol: Option<policy::proxy_protocol::Form>,
    /// Idle connections kept per worker before the surplus goes to the shared shelf; default 128.
    pub idle_connections: usize,
    /// Open connections over all workers; default 0: no limit. Beyond it: 503.
    pub connections: usize,
    /// How long a failing endpoint rests after its first failure; doubles up to sixteen times this; default 1
    /// s.
    pub rest: Duration,
    /// What endpoints are asked to know whether they take requests; `None`: nothing.
    pub health: Option<HealthCheck>,
    /// How often host names are resolved again; default 10 s.
    pub resolve: Duration,
    /// `Host` sent to the upstream; `None`: the client's.
    pub host: Option<String>,
    /// TLS, if it is spoken.
    pub tls: Option<UpstreamTls>,
    /// Whether a host name may only stand for public addresses: so it is for an origin that a function may call. An address that was
    /// written is taken as it is.
    pub public_only: bool,
}

/// `tls` of an upstream. The files have been read: two are equal when the files' contents are.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamTls {
    /// Whom to believe, and what to show.
    pub connector: tls::Connector,
    /// The name that endpoints must prove to have; `None`: each its own, which it has then.
    pub name: Option<tls::ServerName<'static>>,
    /// The files it was read from.
    pub files: Vec<ReadFile>,
}

/// One endpoint of an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Where it is.
    pub address: EndpointAddress,
    /// Its share; default 1, at least 1, at most 65535.
    pub weight: u16,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointAddress {
    /// `127.0.0.1:9001`, `[::1]:9001`
    Ip(SocketAddr),
    /// `orders.internal:9001`: resolved at start and again, last good answer kept.
    Host {
        /// DNS name.
        name: String,
        /// Port.
        port: u16,
    },
    /// `unix:/run/orders.sock`
    Unix(PathBuf),
}

/// `balance`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Smooth weighted round robin.
    RoundRobin,
}

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// HTTP/1.1, each connection for one request at a time.
    H1,
    /// HTTP/2: by ALPN with `tls`, by prior knowledge in cleartext.
    H2,
    /// By TLS, and what each handshake agrees on; HTTP/1.1 where that is nothing.
    Auto,
}

/// `timeout` of an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamTimeout {
    /// To establish a connection, with TLS; default 3 s, so that a SYN lost once is got over; 504.
    pub connect: Duration,
    /// Request sent to response head; default 30 s; 504.
    pub response: Duration,
    /// No byte moved; default 60 s; 504, or the connection is cut when the response has begun.
    pub idle: Duration,
    /// An idle pooled connection is closed after this; default 60 s.
    pub keep_alive: Duration,
}

/// `[[route]]`
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its name: given, or derived from host and path.
    pub name: String,
    /// Host pattern; `None`: any host.
    pub host: Option<HostPattern>,
    /// Path pattern.
    pub path: PathPattern,
    /// Methods; `None`: any.
    pub methods: Option<Vec<String>>,
    /// Required headers: lower-case name → exact value, or `None` for "present".
    pub headers: BTreeMap<String, Option<String>>,
    /// Required query parameters: name → exact value, or `None` for "present".
    pub query: BTreeMap<String, Option<String>>,
    /// Functions that stand before the target, outermost first, as indices into `Config::functions`.
    pub before: Vec<usize>,
    /// What answers.
    pub target: Target,
    /// `strip = "/orders"`: this prefix is taken off the path before forwarding.
    pub strip_prefix: Option<String>,
    /// `rewrite = "/v2/*"`: replaces the path; a final `*` stands for what the route's `*` matched.
    pub rewrite: Option<String>,
    /// What happens to `%2F` and `%5C`.
    pub encoded_slashes: EncodedSlashes,
    /// Changes to the request's header fields before forwarding.
    pub request_headers: HeaderEdits,
    /// Changes to the response's header fields.
    pub response_headers: HeaderEdits,
    /// Cross-origin resource sharing.
    pub cors: Option<Cors>,
    /// Clients that may use the route; `None`: all.
    pub allow: Option<AddressSet>,
    /// Clients that may not.
    pub deny: AddressSet,
    /// Who may use the route.
    pub access: Access,
    /// How much of it; all of them have to be kept.
    pub limits: Vec<Limit>,
    /// What is counted.
    pub meter: Meter,
    /// Largest request body, bytes; default 0: no limit; 413.
    pub body_bytes: u64,
    /// Replaces the upstream's response time-out.
    pub response_timeout: Option<Duration>,
    /// Replaces the upstream's idle time-out.
    pub idle_timeout: Option<Duration>,
}

/// What answers a route.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One or more upstreams, each with its weight (a single one: weight 1), as indices into
    /// `Config::upstreams`.
    Upstreams(Vec<(usize, u16)>),
    /// A function, as its index into `Config::functions`.
    Function(usize),
    /// `redirect = { to = "https://example.com/new", status = 308 }`; in `to`, `{path}` stands for the
    /// request's path
    /// and `{query}` for its query with the `?`, or for nothing when there is none.
    Redirect {
        /// Location template.
        to: String,
        /// 301, 302, 303, 307 or 308.
        status: u16,
    },
    /// `respond = { status = 200, body = "ok", content_type = "text/plain" }`
    Fixed {
        /// 200 to 599.
        status: u16,
        /// Body.
        body: String,
        /// Content type; default `text/plain; charset=utf-8`.
        content_type: String,
    },
}

/// `encoded-slashes`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedSlashes {
    /// 400 (default).
    Refuse,
    /// Forwarded as they are.
    Keep,
}

/// `request_headers`, `response_headers`: applied in the order remove, set, add.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderEdits {
    /// Names taken away.
    pub remove: Vec<String>,
    /// Name and value that replace all fields of that name.
    pub set: Vec<(String, String)>,
    /// Name and value appended.
    pub add: Vec<(String, String)>,
}

impl HeaderEdits {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

/// `cors`
#[derive(Clone, Debug, PartialEq)]
pub struct Cors {
    /// Allowed origins; a single `"*"`: any.
    pub origins: Vec<String>,
    /// Methods named in a preflight answer; empty: the method asked for.
    pub methods: Vec<String>,
    /// Request headers named in a preflight answer; empty: those asked for.
    pub headers: Vec<String>,
    /// Response headers scripts may read.
    pub expose: Vec<String>,
    /// Whether credentials are allowed; not with origin `*`.
    pub credentials: bool,
    /// How long a browser may keep a preflight answer; default 5 min.
    pub max_age: Duration,
}
