//! Text to Document to Config, or every problem at once.

mod config;

pub use config::*;
