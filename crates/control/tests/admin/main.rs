//! The admin API over real connections.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod answers;
mod broken;
mod events;
mod keys;
mod openapi;
mod reload;
mod streams;
mod support;
mod usage;
mod users;
