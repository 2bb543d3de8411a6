//! Fuzzes [`testkit::fuzz::guest_body`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::guest_body(data));
