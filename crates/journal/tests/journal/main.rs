//! The journal from outside: real files, real processes, real signals.

mod events;
mod lifecycle;
