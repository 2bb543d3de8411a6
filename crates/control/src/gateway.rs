//! What the admin side asks of the data plane: one trait, and the values it answers with.

mod function;

use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::function::{FunctionInfo, FunctionLimits};

/// The data plane as the admin side sees it.
///
/// All but [`reload`](Gateway::reload) answer at once from what is known: they neither block nor wait.
pub trait Gateway: Send + Sync + 'static {
    /// Whether traffic may be sent here.
    fn readiness(&self) -> Readiness;
    /// The routes in force, in the order of the configuration.
    fn routes(&self) -> Vec<RouteInfo>;
    /// The upstreams in force and the state of their endpoints.
    fn upstreams(&self) -> Vec<UpstreamInfo>;
    /// The functions in force, in the order of the configuration.
    fn functions(&self) -> Vec<FunctionInfo>;
    /// Figures of this moment, for metrics.
    fn gauges(&self) -> Gauges;
    /// Reads the configuration again and puts it in force, or says why not and leaves the old one in force.
    fn reload(&self) -> ReloadFuture<'_>;
}

/// What [`Gateway::reload`] returns.
pub type ReloadFuture<'a> = Pin<Box<dyn Future<Output = Result<ReloadReport, ReloadProblem>> + Send + 'a>>;

/// Whether traffic may be sent to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    /// Not all listeners accept yet.
    Starting,
    /// Every listener accepts.
    Ready,
    /// The gateway finishes what it has begun and will end.
    Draining,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteInfo {
    /// Its name, as events and metrics say it.
    pub name: String,
    /// Host pattern; `None`: any host.
    pub host: Option<String>,
    /// Path pattern.
    pub path: String,
    /// Methods; `None`: any.
    pub methods: Option<Vec<String>>,
    /// What answers, in words: `upstream orders`, `redirect 308 https://example.com/`.
    pub target: String,
}

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpstreamInfo {
    /// Its name.
    pub name: String,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointInfo>,
}

/// One endpoint of an upstream; counts are sums over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointInfo {
    /// Its address as configured.
    pub address: String,
    /// The addresses a host name stands for at present.
    pub resolved: Vec<String>,
    /// Its share.
    pub weight: u16,
    /// Whether it is left alone for a while after failures.
    pub resting: bool,
    /// Failed attempts since the start.
    pub failures: u64,
    /// Connections open, idle ones included.
    pub open: u64,
    /// Connections idle in the pool.
    pub idle: u64,
    /// What health checks have found, one for each address; empty where the upstream has none.
    pub health: Vec<EndpointHealth>,
}

/// What health checks have found of one address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointHealth {
    /// The address.
    pub address: String,
    /// What is believed of it.
    pub state: EndpointState,
    /// What the last check found, in a few words; empty before the first.
    pub reason: String,
    /// Checks passed.
    pub passed: u64,
    /// Checks failed.
    pub failed: u64,
}

/// What health checks say of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// No check has ended yet: it is used.
    #[default]
    Unchecked,
    /// It is used.
    Healthy,
    /// It is not used as long as there is another.
    Out,
}

/// Figures of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauges {
    /// Listening addresses.
    pub listeners: Vec<ListenerGauges>,
    /// Exchanges being answered.
    pub exchanges: u64,
    /// Tunnels open (WebSocket and other upgrades).
    pub tunnels: u64,
    /// The journal.
    pub journal: JournalGauges,
    /// Counts the configurations put in force, from 1.
    pub generation: u64,
    /// When the process started.
    pub started_at: SystemTime,
    /// Worker threads.
    pub workers: u64,
    /// The access log, where there is one.
    pub access_log: Option<crate::AccessLogCounts>,
    /// Keys that are known.
    pub keys: u64,
    /// How they are followed in the database.
    pub key_following: crate::KeysStatus,
    /// What limits have done.
    pub limits: LimitGauges,
    /// How the journal is folded into usage.
    pub metering: crate::MeteringStatus,
    /// Responses that counted as nothing because what their route's meter reads could not be read.
    pub meter_unreadable: u64,
}

/// One listening address; counts are sums over all workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerGauges {
    /// The address.
    pub address: String,
    /// Connections open.
    pub open: u64,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections refused by a limit since the start.
    pub refused: u64,
    /// TLS handshakes since the start that made new keys.
    pub handshakes: u64,
    /// Those that took up the keys of an earlier connection.
    pub handshakes_resumed: u64,
    /// Those that came to nothing.
    pub handshakes_failed: u64,
    /// Connections since the start that were ended because they asked for too much work and gave none.
    pub floods: u64,
}

/// State of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalGauges {
    /// Records lost since the start because ring or disk was full.
    pub lost: u64,
    /// Requests refused since the start because their records might not have fitted; no event tells of them.
    pub refused: u64,
    /// The rings, by worker.
    pub rings: Vec<RingGauges>,
    /// Segment files on disk.
    pub segments: u64,
    /// Bytes of all segment files.
    pub disk_bytes: u64,
    /// Whether the last write failed for want of space.
    pub disk_full: bool,
    /// What went wrong last, until it has gone right again.
    pub last_error: Option<String>,
}

/// One worker's ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingGauges {
    /// Bytes not yet drained.
    pub used_bytes: u64,
    /// Size, bytes.
    pub size_bytes: u64,
}

/// What limits have refused since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitGauges {
    /// Requests refused by a rate.
    pub rate_limited: u64,
    /// Requests refused because too many were under way.
    pub concurrency_limited: u64,
    /// Requests refused because there was no room to count them in.
    pub limiter_full: u64,
    /// Memory in which limits are counted, bytes.
    pub memory_bytes: u64,
}

/// A configuration came into force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ReloadReport {
    /// Number of the configuration now in force.
    pub generation: u64,
    /// What differs from the one before, one line each; empty when nothing does.
    pub changes: Vec<String>,
    /// What the configuration was warned of, in the form of [`ReloadProblem::diagnostics`].
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<serde_json::Value>,
}

/// A configuration was refused; the one before stays in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReloadProblem {
    /// All diagnostics as the command line would print them, without color.
    pub rendered: String,
    /// The same as JSON objects.
    pub diagnostics: Vec<serde_json::Value>,
}
