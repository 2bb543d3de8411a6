//! Fuzzes [`testkit::fuzz::request_head`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::request_head(data));
