//! Every limit of the admin side, in one place.

use std::time::Duration;

/// Declares each limit as a constant, and all of them as rows of the reference page.
macro_rules! limits {
    ($($(#[doc = $what:literal])+ pub const $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[doc = $what])+ pub const $name: $type = $value;)+

        /// Name, value and meaning of every limit.
        pub(crate) fn all() -> Vec<(&'static str, String, String)> {
            vec![$((stringify!($name), format!("{:?}", $name), [$($what),+].concat())),+]
        }
    };
}

limits! {
    /// Open connections on the admin address; the oldest one without a complete request makes room for a new one.
    pub const CONNECTIONS: usize = 256;
    /// Clients of `GET /events` at the same time; one more is answered 503.
    pub const SUBSCRIBERS: usize = 64;
    /// Events waiting for one client of `GET /events`; what comes beyond is lost to it and counted.
    pub const SUBSCRIBER_EVENTS: usize = 1024;
    /// Length of one filter word of `GET /events`, bytes; a longer one is answered 400.
    pub const FILTER_BYTES: usize = 256;
    /// Request body, bytes; a larger one is answered 413.
    pub const BODY_BYTES: usize = 64 * 1024;
    /// Request head, request line and fields together, bytes; a larger one is answered 431.
    pub const HEAD_BYTES: usize = 32 * 1024;
    /// Header fields of a request; more are answered 431.
    pub const HEADER_COUNT: usize = 64;
    /// Accepted connection, or end of the last response, to the end of the next request head.
    pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
    /// Request head to response head, `GET /events` included; 503.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
    /// No byte of a response taken by the client; the connection is closed.
    pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
    /// Silence on `GET /events` after which a comment is sent, so that neither side takes the other for dead.
    pub const HEARTBEAT: Duration = Duration::from_secs(15);
    /// Time the open connections have to end once the admin side is asked to stop.
    pub const DRAIN: Duration = Duration::from_secs(5);
    /// First and longest pause after a failed `accept`, which lasts while file descriptors are short.
    pub const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
    /// Routes with series of their own in `GET /metrics`, unless asked otherwise; the rest count as `other`.
    pub const METRIC_ROUTES: usize = 1000;
    /// Reasons with a series of their own in `GET /metrics`; the rest count as `other`.
    pub const METRIC_REASONS: usize = 64;
    /// Endpoints with gauges of their own in `GET /metrics`; the rest are left out.
    pub const METRIC_ENDPOINTS: usize = 1000;
    /// Chunks of the access log that wait for its writer; lines that find none free are lost and counted.
    pub const LOG_CHUNKS: usize = 16;
    /// Size at which a chunk of the access log is handed to its writer, bytes.
    pub const LOG_CHUNK_BYTES: usize = 64 * 1024;
    /// Time the access log's writer has to write what is left when the reader is dropped.
    pub const LOG_DRAIN: Duration = Duration::from_secs(2);
    /// Shortest admin or read-only token accepted, bytes.
    pub const TOKEN_BYTES_MIN: usize = 16;
    /// Longest admin or read-only token accepted, bytes.
    pub const TOKEN_BYTES_MAX: usize = 512;
}
