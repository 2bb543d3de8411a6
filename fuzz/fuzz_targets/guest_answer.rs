//! Fuzzes [`testkit::fuzz::guest_answer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::guest_answer(data));
