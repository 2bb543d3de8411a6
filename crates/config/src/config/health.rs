//! What endpoints are asked to know whether they take requests.

use std::time::Duration;

/// `health` of an upstream
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub question: HealthQuestion,
    /// `Host` of the check; `None`: the upstream's, else the endpoint's own.
    pub host: Option<String>,
    /// Interval between two checks of an endpoint; default 5 s.
    pub every: Duration,
    /// Time for one check, connection included; default 2 s.
    pub timeout: Duration,
    /// Failed checks in a row by which an endpoint is out; default 2, at least 1.
    pub failures: u32,
    /// Passed checks in a row by which it is back; default 1, at least 1.
    pub successes: u32,
}

/// What an endpoint is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthQuestion {
    /// `path`: a GET.
    Path {
        /// Path and query.
        target: String,
        /// Statuses that mean health; none: those of 200 to 299.
        statuses: Vec<u16>,
    },
    /// `grpc`: `grpc.health.v1.Health/Check`; only of upstreams of HTTP/2.
    Grpc {
        /// The service asked for; empty: the server as a whole.
        service: String,
    },
}
