//! Fuzzes [`testkit::fuzz::h2_answer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::h2_answer(data));
