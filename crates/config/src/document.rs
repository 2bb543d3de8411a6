//! What a configuration says: every key of the top level and the process-wide sections, defined once.

mod access;
mod function;
mod listener;
mod route;
mod upstream;
mod words;

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use access::{LimitSection, RateWord};
pub(crate) use function::{FunctionSection, FunctionsSection};
pub(crate) use listener::{Http2Section, ListenerSection};
pub(crate) use route::{
    CorsSection, FixedSection, HeaderEditsSection, MatchValue, RedirectSection, RouteSection, RouteUpstream,
};
pub(crate) use upstream::{EndpointForm, HealthSection, UpstreamSection, UpstreamTlsSection};
pub(crate) use words::*;

use crate::config::{AccessLog, RingPlace, WhenFull};
use crate::form::{At, Bytes, Map, choice, section};

section! {
    /// The top level of `lockgate.toml`.
    Document = "lockgate.toml", later ["cache"] {
        /// The admin side: REST API and dashboard.
        admin: At<AdminSection>,
        /// The journal and other files of the gateway.
        data: At<DataSection>,
        /// The threads that carry traffic.
        workers: At<WorkersSection>,
        /// Limits that hold for the whole process.
        limits: At<LimitsSection>,
        /// Logs.
        log: At<LogSection>,
        /// Addresses to listen on, one table each; at least one.
        listener: At<Vec<At<ListenerSection>>>,
        /// Services behind the gateway, by name.
        upstream: At<Map<Name, UpstreamSection>>,
        /// What all functions share.
        functions: At<FunctionsSection>,
        /// WebAssembly components that run in the gateway, by name.
        function: At<Map<Name, FunctionSection>>,
        /// Which requests go where, one table each.
        route: At<Vec<At<RouteSection>>>,
    }
}

section! {
    /// The admin side: REST API and dashboard.
    AdminSection = "[admin]" {
        /// Address of the REST API and dashboard.
        address: At<SocketAddr> { default: Some("127.0.0.1:9180"), restart: true },
        /// Token that admin requests carry; write `"$NAME"` to take it from the environment.
        token: Option<At<SecretWord>> {
            otherwise: Some("`$LOCKGATE_ADMIN_TOKEN`, else the file `admin-token` in `data.dir`"),
            restart: true,
            secret: true
        },
        /// Token that may only read, for scrapers.
        read_token: Option<At<SecretWord>> {
            otherwise: Some("the file `read-token` in `data.dir`"),
            restart: true,
            secret: true
        },
    }
}

section! {
    /// Where the gateway keeps what must outlive it: the journal, and users, keys and usage.
    DataSection = "[data]" {
        /// Folder of the journal and of everything else the gateway keeps, relative to the configuration's
        /// folder.
        dir: At<PathWord> { default: Some("lockgate-data"), restart: true },
        /// Where users, keys and usage are kept: SQLite in `lockgate.db` in `data.dir`, SQLite in another file
        /// (`sqlite:PATH`, relative to the configuration's folder), or PostgreSQL (`postgres://user@host/db`).
        database: At<DatabaseWord> { default: Some("sqlite"), restart: true },
        /// Interval between syncs of the live segment to disk.
        sync: At<Duration> { default: Some("1s"), range: Some((1, HOUR_MS)), restart: true },
        /// How much of the journal is kept.
        keep: At<KeepSection>,
        /// A segment is sealed at this size.
        segment: At<Bytes> { default: Some("64MiB"), range: Some((1 << 20, 1 << 34)), restart: true },
        /// Size of each worker's ring, a power of two.
        ring: At<Bytes> { default: Some("1MiB"), range: Some((1 << 16, 1 << 30)), restart: true },
        /// Where the rings lie.
        rings: At<RingPlace> { default: Some("shared-memory"), restart: true },
        /// What happens to traffic when an event cannot be recorded.
        when_full: At<WhenFull> { default: Some("drop"), status: Some("503 under `refuse`"), restart: true },
    }
}

section! {
    /// How much of the journal is kept: what exceeds either bound is deleted, the oldest segment first.
    KeepSection = "[data] keep" {
        /// Size of all sealed segments together.
        size: At<Bytes> { default: Some("1GiB"), range: Some((1 << 20, 1 << 50)), restart: true },
        /// Age of a sealed segment.
        age: At<Duration> { default: Some("30d"), range: Some((1000, 3650 * DAY_MS)), restart: true },
    }
}

section! {
    /// The threads that carry traffic.
    WorkersSection = "[workers]" {
        /// Number of worker threads.
        count: Option<At<u64>> { otherwise: Some("one per core"), range: Some((1, 1024)), restart: true },
    }
}

section! {
    /// Limits that hold for the whole process.
    LimitsSection = "[limits]" {
        /// Head of a request: request line and fields together.
        head_bytes: At<Bytes> { default: Some("32KiB"), range: Some((1024, 1 << 20)), status: Some("431") },
        /// Header fields of a request.
        header_count: At<u64> { default: Some("100"), range: Some((8, 256)), status: Some("431") },
        /// Target of a request: path and query as received.
        target_bytes: At<Bytes> { default: Some("8KiB"), range: Some((256, 1 << 20)), status: Some("414") },
        /// Head of an upstream's response.
        response_head_bytes: At<Bytes> {
            default: Some("64KiB"),
            range: Some((1024, 1 << 20)),
            status: Some("502")
        },
        /// Open client connections over all listeners; 0: only file descriptors bound them.
        connections: At<u64> {
            default: Some("0"),
            range: Some((0, 10_000_000)),
            status: Some("503, then close")
        },
        /// Distinct users, keys, addresses and header values that the rates of all routes tell apart at the same
        /// time, and as many that the limits of concurrency do.
        limited_keys: At<u64> {
            default: Some("1000000"),
            range: Some((1000, 100_000_000)),
            status: Some("503 beyond it"),
            restart: true
        },
        /// Time that running exchanges are given after SIGTERM, SIGINT, or a reload that removes a listener or changes its terms.
        drain: At<Duration> {
            default: Some("30s"),
            range: Some((1, DAY_MS)),
            status: Some("the connection is cut")
        },
    }
}

section! {
    /// Logs on standard output.
    LogSection = "[log]" {
        /// The access log on standard output: one line per exchange, written by a reader of the journal.
        access: At<AccessLog> { default: Some("off") },
    }
}

pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

choice!(WhenFull {
    "drop" => WhenFull::Drop, "traffic flows; the loss is counted";
    "refuse" => WhenFull::Refuse, "requests whose record might not fit are answered 503";
});

choice!(RingPlace {
    "shared-memory" => RingPlace::SharedMemory, "`/dev/shm`, or the data directory where that cannot be used";
    "data-dir" => RingPlace::DataDir, "the data directory";
});

choice!(AccessLog {
    "off" => AccessLog::Off, "no access log";
    "combined" => AccessLog::Combined, "the combined format of Apache";
    "json" => AccessLog::Json, "one JSON object per line";
});
