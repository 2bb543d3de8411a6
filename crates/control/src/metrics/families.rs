//! Every metric there is, by name, and the reference page made from them.

/// What a metric is, in Prometheus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric: its name, what it is, its labels, and what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels, help }
}

/// Declares the metrics as constants, and `ALL` of them in the order written.
macro_rules! families {
    ($($constant:ident = $family:expr;)*) => {
        $(pub(crate) const $constant: Family = $family;)*
        /// Every metric, in the order of the exposition.
        pub(crate) const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    REQUESTS = counter("lockgate_requests_total", &["route", "class"],
        "Exchanges ended, by route and class of the status sent; class `none`: the client was gone before a status.");
    METHODS = counter("lockgate_requests_by_method_total", &["method"],
        "Exchanges ended, by method; `OTHER`: not one of RFC 9110 or RFC 5789.");
    REASONS = counter("lockgate_requests_by_reason_total", &["reason"],
        "Exchanges the gateway itself answered or gave up, by reason.");
    BYTES_IN = counter("lockgate_request_bytes_total", &["route"],
        "Request body bytes received from clients.");
    BYTES_OUT = counter("lockgate_response_bytes_total", &["route"],
        "Response body bytes handed to clients.");
    VALUE = counter("lockgate_value_total", &["route"],
        "Units metered.");
    CUT_REQUESTS = counter("lockgate_cut_requests_total", &["route"],
        "Exchanges counted above whose last write then failed; to be subtracted for an exact count.");
    CUT_BYTES_IN = counter("lockgate_cut_request_bytes_total", &["route"],
        "Request body bytes taken back from the counter above.");
    CUT_BYTES_OUT = counter("lockgate_cut_response_bytes_total", &["route"],
        "Response body bytes counted above that the client did not get.");
    CUT_VALUE = counter("lockgate_cut_value_total", &["route"],
        "Units counted above and taken back.");
    REQUEST_DURATION = histogram("lockgate_request_duration_seconds", &["route"],
        "Head of the request read to the end of the exchange.");
    UPSTREAM_DURATION = histogram("lockgate_upstream_duration_seconds", &["route"],
        "Request sent upstream to response head.");
    ATTEMPTS = counter("lockgate_upstream_attempts_total", &["route"],
        "Attempts made on upstream endpoints.");
    EXCHANGES = gauge("lockgate_exchanges", &[],
        "Exchanges being answered.");
    TUNNELS = gauge("lockgate_tunnels", &[],
        "Tunnels open (WebSocket and other upgrades).");
    LISTENER_OPEN = gauge("lockgate_listener_connections", &["address"],
        "Client connections open.");
    LISTENER_ACCEPTED = counter("lockgate_listener_accepted_total", &["address"],
        "Client connections accepted.");
    LISTENER_REFUSED = counter("lockgate_listener_refused_total", &["address"],
        "Client connections refused by a limit.");
    LISTENER_HANDSHAKES = counter("lockgate_listener_handshakes_total", &["address"],
        "TLS handshakes that made new keys.");
    LISTENER_RESUMED = counter("lockgate_listener_handshakes_resumed_total", &["address"],
        "TLS handshakes that took up the keys of an earlier connection.");
    LISTENER_HANDSHAKES_FAILED = counter("lockgate_listener_handshakes_failed_total", &["address"],
        "TLS handshakes that failed, or did not end in time.");
    LISTENER_FLOODS = counter("lockgate_listener_floods_total", &["address"],
        "Connections of HTTP/2 ended because they asked for too much work and gave none.");
    ENDPOINT_OPEN = gauge("lockgate_endpoint_connections", &["upstream", "endpoint"],
        "Connections open to the endpoint, idle ones included.");
    ENDPOINT_IDLE = gauge("lockgate_endpoint_idle_connections", &["upstream", "endpoint"],
        "Connections to the endpoint idle in the pool.");
    ENDPOINT_RESTING = gauge("lockgate_endpoint_resting", &["upstream", "endpoint"],
        "1 while the endpoint is left alone after failures.");
    ENDPOINT_FAILURES = counter("lockgate_endpoint_failures_total", &["upstream", "endpoint"],
        "Failed attempts on the endpoint.");
    ENDPOINT_HEALTHY = gauge("lockgate_endpoint_healthy", &["upstream", "endpoint"],
        "0 while health checks find the endpoint out, for a host name while they find all its addresses out; else 1. None without checks.");
    ENDPOINT_CHECKS = counter("lockgate_endpoint_checks_total", &["upstream", "endpoint", "result"],
        "Health checks of the endpoint, by result: passed or failed.");
    FUNCTION_CALLS = counter("lockgate_function_calls_total", &["function"],
        "Calls of the function that ended, well or not, since it was loaded.");
    FUNCTION_RUNNING = gauge("lockgate_function_running", &["function"],
        "Calls of the function under way.");
    FUNCTION_WAITING = gauge("lockgate_function_waiting", &["function"],
        "Calls that wait for an instance of the function.");
    FUNCTION_MEMORY = gauge("lockgate_function_memory_max_bytes", &["function"],
        "Most memory that one instance of the function had since it was loaded.");
    FUNCTION_FAILURES = counter("lockgate_function_failures_total", &["function", "reason"],
        "Calls of the function that failed since it was loaded; reason as in lockgate_requests_by_reason_total.");
    FUNCTION_CPU = counter("lockgate_function_cpu_seconds_total", &["function"],
        "CPU time of the function's calls since it was loaded.");
    FUNCTION_REQUESTS = counter("lockgate_function_requests_total", &["class"],
        "Requests that functions made while they were called, by class of their status; no metric of routes counts them.");
    JOURNAL_LOST = counter("lockgate_journal_lost_total", &[],
        "Records lost because ring or disk was full.");
    JOURNAL_REFUSED = counter("lockgate_journal_refused_requests_total", &[],
        "Requests refused because their records might not have fitted, under data.when_full = \"refuse\"; no event tells of them.");
    RING_USED = gauge("lockgate_journal_ring_used_bytes", &["worker"],
        "Bytes in the worker's ring that are not yet drained.");
    RING_SIZE = gauge("lockgate_journal_ring_size_bytes", &["worker"],
        "Size of the worker's ring.");
    SEGMENTS = gauge("lockgate_journal_segments", &[],
        "Segment files on disk.");
    DISK_BYTES = gauge("lockgate_journal_disk_bytes", &[],
        "Bytes of all segment files.");
    DISK_FULL = gauge("lockgate_journal_disk_full", &[],
        "1 while the journal cannot be written for want of space.");
    JOURNAL_FAILING = gauge("lockgate_journal_failing", &[],
        "1 while the last attempt to write the journal has failed.");
    LOG_LINES = counter("lockgate_access_log_lines_total", &[],
        "Access log lines handed to the writer.");
    LOG_LOST = counter("lockgate_access_log_lost_total", &[],
        "Access log lines lost because the reader of the log was slow or gone.");
    LOG_ERRORS = counter("lockgate_access_log_write_errors_total", &[],
        "Failed writes of the access log.");
    DATABASE_UP = gauge("lockgate_database_up", &[],
        "1 while the database of users, keys and usage answers; asked about twice a second.");
    KEYS = gauge("lockgate_keys", &[],
        "Keys known to the data plane.");
    KEYS_AGE = gauge("lockgate_keys_age_seconds", &[],
        "How long ago the keys were last compared with the database; before the first time, since the start.");
    KEY_CHANGES = counter("lockgate_key_changes_total", &[],
        "Changes of keys put in force one by one.");
    KEY_RELOADS = counter("lockgate_key_reloads_total", &[],
        "Times all keys were read anew: at a first start, and when the database turned out to be another one or an older one.");
    KEY_ERRORS = counter("lockgate_key_errors_total", &[],
        "Failed attempts to learn of changed keys.");
    KEYS_UNSAVED = gauge("lockgate_keys_unsaved", &[],
        "1 while the keys cannot be saved in the data directory; a start without the database would know none.");
    METERING_RECORDS = counter("lockgate_metering_records_total", &[],
        "Records of the journal folded into usage.");
    METERING_ERRORS = counter("lockgate_metering_errors_total", &[],
        "Failed attempts to fold records into usage, which are made again.");
    METERING_LAG = gauge("lockgate_metering_lag_seconds", &[],
        "How long usage has not been all of what the journal's segments hold; 0 when it is.");
    METERING_LAG_BYTES = gauge("lockgate_metering_lag_bytes", &[],
        "Bytes of segments that are not in the usage.");
    METERING_SEGMENTS = gauge("lockgate_metering_segments_held", &[],
        "Segments kept because they are not in the usage to their end, the live one included.");
    METERING_UNREADABLE = gauge("lockgate_metering_segments_unreadable", &[],
        "Segments that could not be read when they were last tried; what is behind them is in the usage.");
    METER_UNREADABLE = counter("lockgate_meter_unreadable_total", &[],
        "Responses that counted as nothing because the header their route is metered by was missing or no number.");
    LIMIT_REFUSED = counter("lockgate_limit_refused_total", &["reason"],
        "Requests refused by limits, counted at once and not from the journal; reason as in lockgate_requests_by_reason_total.");
    LIMIT_MEMORY = gauge("lockgate_limit_memory_bytes", &[],
        "Memory in which limits are counted; it grows with the keys seen, to a bound.");
    LIVE_SUBSCRIBERS = gauge("lockgate_live_subscribers", &[],
        "Clients of GET /events.");
    LIVE_LOST = counter("lockgate_live_lost_total", &[],
        "Events lost to clients of GET /events that were slow.");
    READY = gauge("lockgate_ready", &[],
        "1 while GET /ready answers 200.");
    GENERATION = gauge("lockgate_config_generation", &[],
        "Number of the configuration in force, counted from 1 at the start.");
    WORKERS = gauge("lockgate_workers", &[],
        "Worker threads.");
    BUILD = gauge("lockgate_build_info", &["version"],
        "Always 1; the version is in the label.");
    START_TIME = gauge("process_start_time_seconds", &[],
        "When the process started, seconds since 1970-01-01T00:00:00Z.");
    CPU = counter("process_cpu_seconds_total", &[],
        "User and system CPU time of the process.");
    RESIDENT = gauge("process_resident_memory_bytes", &[],
        "Resident memory of the process.");
    VIRTUAL = gauge("process_virtual_memory_bytes", &[],
        "Virtual memory of the process.");
    OPEN_FDS = gauge("process_open_fds", &[],
        "Open file descriptors.");
    MAX_FDS = gauge("process_max_fds", &[],
        "Soft limit of open file descriptors.");
}
