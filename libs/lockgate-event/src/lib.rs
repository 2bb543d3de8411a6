//! One exchange's record as a value, and its encodings.
//!
//! An [`EventRef`] borrows its texts and is what the data plane writes; an [`Event`] owns them. The same record has two encodings: compact
//! bytes for the ring and the segments ([`encode`], [`decode`]) and one line of JSON for people and tools ([`write_ndjson`]). The feature
//! `segment` adds the format of the files that hold the journal (its checksums come from a crate that needs `std`).
#![no_std]

extern crate alloc;

mod codec;
mod decimal;
mod event;
mod id;
mod ndjson;
#[cfg(feature = "segment")]
pub mod segment;
#[cfg(test)]
mod testing;
mod time;
mod tls;
mod value;

pub use codec::{
    DecodeError, FIXED_BYTES_MAX, FORMAT_VERSION, FORMAT_VERSION_TLS, Glance, HOST_BYTES_MAX,
    METHOD_BYTES_MAX, PATH_BYTES_MAX, REASON_BYTES_MAX, RECORD_BYTES_MAX, ROUTE_BYTES_MAX, RecordView,
    SERVER_NAME_BYTES_MAX, TRACE_BYTES_MAX, UPSTREAM_BYTES_MAX, decode, encode, encoded_len, glance,
};
pub use event::{Event, EventId, EventRef, HttpVersion, Kind, Value};
pub use id::ParseEventIdError;
pub use ndjson::write_ndjson;
pub use time::{Timestamp, parse_common_log, parse_date, parse_rfc3339};
pub use tls::{Tls, TlsRef, TlsVersion};
pub use value::ParseValueError;
