//! Fuzzes [`testkit::fuzz::router`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::router(data));
