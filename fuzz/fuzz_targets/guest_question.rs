//! Fuzzes [`testkit::fuzz::guest_question`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::guest_question(data));
