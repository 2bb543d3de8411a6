//! A report as text.

use alloc::vec::Vec;

use crate::Report;

/// Appends one JSON array with an object per row.
pub fn write_json(_report: &Report, _out: &mut Vec<u8>) {}

/// Appends one JSON object per line.
pub fn write_ndjson(_report: &Report, _out: &mut Vec<u8>) {}

/// Appends comma-separated values with a header (RFC 4180).
pub fn write_csv(_report: &Report, _out: &mut Vec<u8>) {}
