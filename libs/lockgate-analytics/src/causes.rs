//! An error as people are told it: with what caused it, on one line.

use alloc::string::{String, ToString};
use core::error::Error;

/// An error and its causes, set off by colons.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.extend([": ", &error.to_string()]);
        cause = error.source();
    }
    text
}
