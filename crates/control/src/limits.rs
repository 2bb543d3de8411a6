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
    /// What a 503 says in `Retry-After` when the database does not take a request, seconds.
    pub const RETRY_AFTER_SECONDS: u32 = 1;
    /// Entries on one page of a list, at most; more in `?limit=` is answered 400.
    pub const PAGE_ENTRIES: u32 = 1000;
    /// Entries on one page of a list, unless `?limit=` says otherwise.
    pub const PAGE_ENTRIES_DEFAULT: u32 = 100;
    /// `Idempotency-Key`, bytes; a longer one is answered 400.
    pub const ONCE_KEY_BYTES: usize = 255;
    /// Name of a user, a key or a route, characters; a longer one is answered 422.
    pub const NAME_CHARACTERS: usize = 200;
    /// E-mail address of a user, characters; a longer one is answered 422.
    pub const EMAIL_CHARACTERS: usize = 254;
    /// Routes among the scopes of a key; more are answered 422.
    pub const KEY_SCOPES: usize = 64;
    /// Note of a correction, characters; a longer one is answered 422.
    pub const NOTE_CHARACTERS: usize = 1000;
    /// Largest amount and largest count of one correction, either sign; a larger one is answered 422.
    pub const CORRECTION_MAX: i64 = 1_000_000_000_000;
    /// Request head, request line and fields together, bytes; a larger one is answered 431.
    pub const HEAD_BYTES: usize = 32 * 1024;
    /// Header fields of a request; more are answered 431.
    pub const HEADER_COUNT: usize = 64;
    /// Accepted connection, or end of the last response, to the end of the next request head.
    pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
    /// Request head to response head, `GET /events` included, usage as CSV or NDJSON not; 503.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
    /// Usage as CSV or NDJSON, from the request to the body's end, however slow the client; the body ends unfinished then, or 503 if it had not begun.
    pub const USAGE_STREAM: Duration = Duration::from_secs(600);
    /// No byte of a response taken by the client; the connection is closed.
    pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
    /// Silence on `GET /events` after which a comment is sent, so that neither side takes the other for dead.
    pub const HEARTBEAT: Duration = Duration::from_secs(15);
    /// Time the open connections have to end once the admin side is asked to stop.
    pub const DRAIN: Duration = Duration::from_secs(5);
    /// First and longest pause after a failed `accept`, which lasts while file descriptors are short.
    pub const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
    /// Routes with series of their own in `GET /metrics`, unless asked otherwise; the rest count as `other`. Where the places are short, a reload takes those of routes that are gone.
    pub const METRIC_ROUTES: usize = 1000;
    /// Reasons with a series of their own in `GET /metrics`; the rest count as `other`.
    pub const METRIC_REASONS: usize = 64;
    /// Endpoints with gauges of their own in `GET /metrics`; the rest are left out.
    pub const METRIC_ENDPOINTS: usize = 1000;
    /// Functions with series of their own in `GET /metrics`; the rest are left out.
    pub const METRIC_FUNCTIONS: usize = 1000;
    /// Chunks of the access log that wait for its writer; lines that find none free are lost and counted.
    pub const LOG_CHUNKS: usize = 16;
    /// Size at which a chunk of the access log is handed to its writer, bytes.
    pub const LOG_CHUNK_BYTES: usize = 64 * 1024;
    /// Time the access log's writer has to write what is left when the reader is dropped.
    pub const LOG_DRAIN: Duration = Duration::from_secs(2);
    /// How often the fold commits, at least and at most; between them it rests the longer, the more groups it wrote, so that many busy keys, whose rows
    /// are all written anew each time, cost traffic no more than a hundredth of a core.
    pub const FOLD_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
    /// Rest of the fold for each group it has committed: a hundred times what it costs.
    pub const FOLD_REST: Duration = Duration::from_micros(600);
    /// Groups of usage (user, key, route, hour) after which a transaction of the fold is full, about.
    pub const FOLD_GROUPS: usize = 512 * 1024;
    /// Bytes of the journal after which a transaction of the fold is full, about.
    pub const FOLD_BYTES: u64 = 256 * 1024 * 1024;
    /// Longest wait for one call of the database by the fold; it is made again then.
    pub const FOLD_CALL: Duration = Duration::from_secs(60);
    /// Changes of the database that a data directory remembers; what was recorded before them is counted nowhere any more.
    pub const DATABASES_KEPT: usize = 64;
    /// First and longest pause of the fold after a failure.
    pub const FOLD_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
    /// Pause before a segment that cannot be read is tried again.
    pub const UNREADABLE_RETRY: Duration = Duration::from_secs(60);
    /// Tries after which places of a segment that the disk cannot give count as damaged, so that what is around them is folded.
    pub const UNREADABLE_TRIES: u32 = 10;
    /// Time the fold has at the end of the process; the next start folds the rest.
    pub const FOLD_END: Duration = Duration::from_secs(5);
    /// How often the database is asked for changed keys when nobody tells of any.
    pub const KEY_POLL: Duration = Duration::from_millis(500);
    /// Changed keys asked for at once.
    pub const KEY_PAGE: u32 = 4096;
    /// Longest wait for an answer to that question; it is asked again then.
    pub const KEY_CALL: Duration = Duration::from_secs(5);
    /// Pause before listening to other nodes is tried again.
    pub const KEY_LISTEN_RETRY: Duration = Duration::from_secs(5);
    /// How long a changed key waits for the file of saved keys before it is in force all the same.
    pub const KEY_SAVE_WAIT: Duration = Duration::from_millis(250);
    /// Changed keys that wait for a disk that stalls; with more, all keys are saved anew.
    pub const KEY_CHANGES_WAITING: usize = 65_536;
    /// Pause before keys that could not be saved are read and saved anew.
    pub const KEY_SAVE_RETRY: Duration = Duration::from_secs(10);
    /// Shortest admin or read-only token accepted, bytes.
    pub const TOKEN_BYTES_MIN: usize = 16;
    /// Longest admin or read-only token accepted, bytes.
    pub const TOKEN_BYTES_MAX: usize = 512;
}
