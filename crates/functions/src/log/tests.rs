//! Lines as they come out.

use super::*;

/// The lines that are open after these writes to standard output, and how many bytes may still come.
fn open_after(bytes_max: u64, writes: &[&str]) -> (String, u64) {
    let log = GuestLog::new("a".into());
    log.begin_call(RequestId::default(), bytes_max);
    for write in writes {
        log.write(Stream::Stdout, write.as_bytes());
    }
    let state = log.state();
    (String::from_utf8_lossy(&state.open[0]).into_owned(), state.bytes_left)
}

#[test]
fn a_line_is_whole_at_its_end_or_at_its_most() {
    assert_eq!(open_after(100, &["a", "b"]), ("ab".into(), 98));
    assert_eq!(open_after(1_000, &["a\nb", "c\n", "d"]), ("d".into(), 1_000 - 2 * 64 - 3));
    assert_eq!(open_after(3, &["abcdef"]), ("abc".into(), 0));
    assert_eq!(open_after(0, &["abcdef"]), (String::new(), 0));
    let long = "x".repeat(LINE_BYTES_MAX * 2 + 5);
    let (open, _) = open_after(1 << 20, &[&long]);
    assert_eq!(open.len(), 5);
}

#[test]
fn empty_lines_are_not_for_free() {
    let log = GuestLog::new("a".into());
    log.begin_call(RequestId::default(), 640);
    log.write(Stream::Stdout, &b"\n".repeat(10));
    assert!(log.state().bytes_left < 64 && !log.state().cut);
    log.write(Stream::Stdout, &b"\n".repeat(11));
    assert!(log.state().cut);
}

#[test]
fn the_two_streams_do_not_mix() {
    let log = GuestLog::new("a".into());
    log.begin_call(RequestId::default(), 100);
    log.write(Stream::Stdout, b"out");
    log.write(Stream::Stderr, b"err");
    assert_eq!(log.state().open, [b"out".to_vec(), b"err".to_vec()]);
    log.end_call();
    assert_eq!(log.state().open, [Vec::<u8>::new(), Vec::new()]);
}

#[test]
fn control_characters_are_escaped() {
    for (text, expected) in [
        ("plain é", "plain é"),
        ("\u{1b}[31mred", "\\u{1b}[31mred"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u{85}", "\\u{85}"),
    ] {
        assert_eq!(Printable(text).to_string(), expected);
    }
}
