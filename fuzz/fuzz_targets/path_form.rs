//! Fuzzes [`testkit::fuzz::path_form`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::path_form(data));
