//! Text to Document to Config, or every problem at once.
//!
//! A text is read in three steps, and each reports all it finds: TOML with recovery, keys and values by the
//! definitions in `document`, then what they mean together (`resolve`). The same definitions make the JSON Schema and
//! the reference page, so that neither can drift from what is read.

mod config;
mod diagnostics;
mod difference;
mod document;
mod environment;
mod findings;
mod form;
mod load;
mod reader;
mod reference;
mod resolve;
mod schema;
mod stamp;
mod suggest;
mod syntax;
mod units;

pub use config::*;
pub use diagnostics::{Diagnostic, Diagnostics, Severity, Span};
pub use difference::{Changes, Difference, difference};
pub use environment::{Environment, ProcessEnvironment};
pub use load::{FILE_BYTES_MAX, Loaded, load_file, load_text};
pub use reference::reference_markdown;
pub use schema::json_schema;
pub use stamp::{ReadFile, Stamp};
