//! What the fuzz targets do with their bytes: one function per target, which panics when a promise is broken.
//!
//! The targets in `fuzz/` only call these, and `tests/corpus.rs` replays the seeds through them, so that what a
//! fuzzer once found stays found without one.

mod analytics;
mod config;
#[cfg(feature = "functions")]
mod fields;
#[cfg(feature = "functions")]
mod guest;
#[cfg(feature = "proxy")]
mod h2;
#[cfg(feature = "proxy")]
mod h2_connection;
#[cfg(feature = "proxy")]
mod h2_sides;
#[cfg(feature = "proxy")]
mod h2_upstream;
mod http1;
mod journal;
mod path_form;
#[cfg(feature = "proxy")]
mod proxy_header;
mod router;

pub use analytics::{
    analytics_combined, analytics_csv, analytics_ndjson, analytics_partial, analytics_segment,
};
pub use config::config;
#[cfg(feature = "functions")]
pub use functions::fuzz::guest_body;
#[cfg(feature = "functions")]
pub use guest::{check_fields, guest_answer, guest_question};
#[cfg(feature = "proxy")]
pub use h2::{h2_answer, h2_question};
#[cfg(feature = "proxy")]
pub use h2_connection::h2_connection;
#[cfg(feature = "proxy")]
pub use h2_upstream::h2_upstream;
pub use http1::{chunked, request_head, response_head};
pub use journal::{event_record, journal_reader};
pub use path_form::path_form;
#[cfg(feature = "proxy")]
pub use proxy_header::proxy_header;
pub use router::router;

/// A target: takes whatever the fuzzer made up.
pub type Target = fn(&[u8]);

/// All targets by the name they have in `fuzz/fuzz_targets` and `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("analytics_combined", analytics_combined),
    ("analytics_csv", analytics_csv),
    ("analytics_ndjson", analytics_ndjson),
    ("analytics_partial", analytics_partial),
    ("analytics_segment", analytics_segment),
    ("chunked", chunked),
    ("config", config),
    ("event_record", event_record),
    #[cfg(feature = "functions")]
    ("guest_answer", guest_answer),
    #[cfg(feature = "functions")]
    ("guest_body", guest_body),
    #[cfg(feature = "functions")]
    ("guest_question", guest_question),
    #[cfg(feature = "proxy")]
    ("h2_answer", h2_answer),
    #[cfg(feature = "proxy")]
    ("h2_connection", h2_connection),
    #[cfg(feature = "proxy")]
    ("h2_question", h2_question),
    #[cfg(feature = "proxy")]
    ("h2_upstream", h2_upstream),
    ("journal_reader", journal_reader),
    ("path_form", path_form),
    #[cfg(feature = "proxy")]
    ("proxy_header", proxy_header),
    ("request_head", request_head),
    ("response_head", response_head),
    ("router", router),
];
