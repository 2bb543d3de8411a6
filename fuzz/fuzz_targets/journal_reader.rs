//! Fuzzes [`testkit::fuzz::journal_reader`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzz::journal_reader(data));
