//! One exchange's record as a value, and its encodings.
#![no_std]

extern crate alloc;

mod event;

pub use event::{Event, EventId, EventRef, HttpVersion, Kind, Value};
