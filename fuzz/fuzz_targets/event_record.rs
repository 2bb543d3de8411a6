//! Fuzzes [`testkit::fuzz::event_record`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::event_record(data));
