//! Fuzzes [`testkit::fuzz::h2_upstream`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::h2_upstream(data));
