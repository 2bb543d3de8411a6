//! The journal from outside: real files, real processes, real signals, real file systems.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod disk;
mod events;
mod follow;
mod kill;
mod lifecycle;
