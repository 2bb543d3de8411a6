//! Fuzzes [`testkit::fuzz::analytics_partial`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::analytics_partial(data));
