//! Fuzzes [`testkit::fuzz::analytics_ndjson`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::analytics_ndjson(data));
