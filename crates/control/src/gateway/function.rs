//! What is known of a function in force, for `GET /functions` and for metrics.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockgate_event::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// One function. Counts and figures are those since it was loaded, which a changed component or changed settings do again.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FunctionInfo {
    /// Its name in the configuration, as metrics and logs say it.
    pub name: String,
    /// The component's file.
    pub component: String,
    /// SHA-256 of the component, in hexadecimal digits.
    pub hash: String,
    /// What it is called through: `wasi:http/proxy@0.2` or `wasi:http/service@0.3`.
    pub interface: String,
    /// When it was loaded.
    #[serde(serialize_with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub loaded_at: SystemTime,
    /// Routes that it answers.
    pub routes: Vec<String>,
    /// Routes before whose target it stands.
    pub before: Vec<String>,
    /// Whom it may ask, as it writes them: `orders.internal`, `api.example.com:8080`.
    pub outbound: Vec<String>,
    /// What it is allowed.
    pub limits: FunctionLimits,
    /// Calls that ended, well or not.
    pub calls: u64,
    /// Calls that failed, by reason; reasons that never came are left out.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub failures: BTreeMap<&'static str, u64>,
    /// Calls under way.
    pub running: u64,
    /// Calls that wait for an instance.
    pub waiting: u64,
    /// CPU time of all calls, seconds.
    #[serde(rename = "cpu_seconds", serialize_with = "seconds")]
    #[schema(rename = "cpu_seconds", value_type = f64)]
    pub cpu: Duration,
    /// Most memory that one instance had, bytes.
    pub memory_bytes_max: u64,
}

/// What a function is allowed; each limit holds for one call. 0 bytes of a body: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FunctionLimits {
    /// All memories, tables and the heap of an instance together, bytes.
    pub memory_bytes: u64,
    /// From the start of a call to the end of its response, milliseconds.
    pub time_ms: u64,
    /// CPU time, milliseconds.
    pub cpu_ms: u64,
    /// Calls at once.
    pub instances: u64,
    /// Calls that wait for an instance.
    pub queue: u64,
    /// How long they do, milliseconds.
    pub queue_time_ms: u64,
    /// Largest request body, bytes.
    pub request_body_bytes: u64,
    /// Largest response body, bytes.
    pub response_body_bytes: u64,
    /// Outgoing requests.
    pub calls: u32,
    /// Log, bytes.
    pub log_bytes: u64,
    /// Calls that one instance serves.
    pub reuse: u32,
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    serializer.collect_str(&Timestamp::from_unix_us(us))
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
