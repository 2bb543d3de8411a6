//! The admin side: REST API, metrics, live events, access log; asks the data plane through Gateway.
//!
//! It knows nothing of the proxy. What it shows comes from two places: [`Gateway`], the trait the process implements
//! for it, and the journal, of which [`Metrics`], [`LiveReader`] and [`AccessLogReader`] are readers. Each of the
//! three is half of a pair: the reader goes to the journal's drainer, the handle stays here.
//!
//! ```no_run
//! # async fn start(gateway: std::sync::Arc<dyn control::Gateway>) -> Result<(), Box<dyn std::error::Error>> {
//! use control::{Admin, LiveEvents, Metrics, Tokens};
//!
//! let (metrics_reader, metrics) = Metrics::new();
//! let (live_reader, live) = LiveEvents::new();
//! let tokens = Tokens::load("lockgate-data".as_ref(), None, None)?;
//! let listener = std::net::TcpListener::bind("127.0.0.1:9180")?;
//! Admin::new(gateway, tokens, metrics, live).serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod access_log;
mod admin;
mod chain;
mod databases;
mod gateway;
mod key_hint;
mod key_sink;
mod keys;
pub mod limits;
mod live;
mod metering;
mod metrics;
#[cfg(test)]
mod testing;
mod tokens;

pub use access_log::{AccessLogCounts, AccessLogFormat, AccessLogHandle, AccessLogReader, write_combined};
pub use admin::{Admin, admin_reference, openapi_document};
pub use chain::chain_of;
pub use databases::Databases;
pub use gateway::{
    EndpointHealth, EndpointInfo, EndpointState, FunctionInfo, FunctionLimits, Gateway, Gauges,
    JournalGauges, LimitGauges, ListenerGauges, Readiness, ReloadFuture, ReloadProblem, ReloadReport,
    RingGauges, RouteInfo, UpstreamInfo,
};
pub use key_hint::KeyHint;
pub use key_sink::KeySink;
pub use keys::{KeyFollower, KeysHandle, KeysStatus};
pub use live::{Filter, LiveEvent, LiveEvents, LiveReader, SubscribeError, Subscription};
pub use metering::{Metering, MeteringHandle, MeteringStatus};
pub use metrics::{Metrics, MetricsHandle, Summary, metrics_reference};
pub use tokens::{ADMIN_TOKEN_FILE, ADMIN_TOKEN_VARIABLE, READ_TOKEN_FILE, Role, TokenError, Tokens};
