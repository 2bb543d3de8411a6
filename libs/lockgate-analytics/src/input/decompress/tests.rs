//! What was compressed is read as it was, and damage is said.

use std::io::Write;
use std::string::{String, ToString};

use proptest::prelude::*;

use super::*;

const TEXT: &[u8] = b"{\"user_id\":1}\n{\"user_id\":2}\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What each decoder that is there makes of bytes.
fn read(bytes: &[u8]) -> Vec<Result<Vec<u8>, String>> {
    let contents = std::vec![whole(decoded(Box::new(bytes)))];
    #[cfg(feature = "zstd-rust")]
    if Compression::of(bytes) == Some(Compression::Zstd) {
        let in_rust = whole(Ok(Box::new(Decoder { decoder: frames::Frames::new(bytes), name: "zstd" })));
        return [contents, std::vec![in_rust]].concat();
    }
    contents
}

fn whole(reader: io::Result<Box<dyn Read + Send + '_>>) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    reader.and_then(|mut reader| reader.read_to_end(&mut content)).map_err(|error| error.to_string())?;
    Ok(content)
}

#[track_caller]
fn check(bytes: &[u8], expected: &[u8]) {
    read(bytes).iter().for_each(|content| assert_eq!(content.as_deref(), Ok(expected)));
}

#[track_caller]
fn check_damaged(bytes: &[u8], what: &str) {
    for content in read(bytes) {
        let said = content.unwrap_err();
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn plain_bytes_stay_as_they_are() {
    for text in [TEXT, b"", b"a", b"\x1f\x8b", b"\x1f\x8b\x09"] {
        check(text, text);
    }
}

#[test]
fn members_and_frames_behind_each_other_are_one_stream() {
    let twice = [TEXT, TEXT].concat();
    check(&[gzip(TEXT), gzip(b""), gzip(TEXT)].concat(), &twice);
    check(&[zstd(TEXT), zstd(b""), zstd(TEXT)].concat(), &twice);
    let to_be_skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    check(&[&to_be_skipped[..], &zstd(TEXT)].concat(), TEXT);
}

#[test]
fn what_ends_too_early_is_said() {
    for compressed in [gzip(TEXT), zstd(TEXT)] {
        for length in 4..compressed.len() {
            check_damaged(&compressed[..length], "ends too early");
        }
    }
}

#[test]
fn damage_is_said() {
    let damaged = |mut bytes: Vec<u8>, back: usize| {
        let at = bytes.len() - back;
        bytes[at] ^= 0x55;
        bytes
    };
    check_damaged(&damaged(gzip(TEXT), 6), "the gzip data is damaged");
    check_damaged(&damaged(zstd(TEXT), 2), "the zstd data is damaged");
    check_damaged(&[&gzip(TEXT)[..], b"garbage garbage"].concat(), "the gzip data is damaged");
}

/// A window of 2^30 bytes would be asked for by a few bytes.
#[test]
fn a_window_beyond_the_limit_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(WINDOW_LOG_MAX + 1).unwrap();
    encoder.write_all(TEXT).unwrap();
    check_damaged(&encoder.finish().unwrap(), "too much memory");
}

/// Peak memory of this process, bytes.
#[cfg(target_os = "linux")]
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_bomb_of_a_gibibyte_goes_through_bounded_memory() {
    const BYTES: u64 = 1 << 30;
    let member = gzip(&std::vec![0; 16 << 20]);
    let bomb = member.repeat((BYTES >> 24) as usize);
    assert!((bomb.len() as u64) < BYTES / 500);
    let before = peak_bytes();
    let content = io::copy(&mut decoded(Box::new(&bomb[..])).unwrap(), &mut io::sink()).unwrap();
    assert_eq!(content, BYTES);
    let grown = peak_bytes() - before;
    assert!(grown < 256 << 20, "{grown} bytes were taken");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_compressed_is_read_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for content in [read(&gzip(&bytes)), read(&zstd(&bytes))].concat() {
            prop_assert_eq!(content.as_ref(), Ok(&bytes));
        }
    }

    #[test]
    fn any_bytes_behind_a_magic_number_are_content_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200), is_gzip: bool) {
        let magic: &[u8] = if is_gzip { &[0x1f, 0x8b, 8, 0] } else { &[0x28, 0xb5, 0x2f, 0xfd] };
        let _ = read(&[magic, &bytes].concat());
    }
}
