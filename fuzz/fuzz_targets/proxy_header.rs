//! Fuzzes [`testkit::fuzz::proxy_header`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::proxy_header(data));
