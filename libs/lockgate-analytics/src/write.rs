//! A report as text: JSON, comma-separated values, tables for terminals.

mod csv;
mod json;
mod table;

pub use csv::write_csv;
pub use json::{write_json, write_ndjson};
pub use table::{TableStyle, write_table};
