//! The admin API over real connections.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod answers;
mod events;
mod reload;
mod support;
