//! Large files, which all cores search: what is printed is what one would print.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::{folder, run};

/// About seven pieces of lines of all lengths, one of them longer than a piece, the last without its end.
fn content() -> String {
    let mut text = String::new();
    let mut state = 7_u64;
    for line in 0..60_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = if line == 30_000 { 2_500_000 } else { (state >> 33) as usize % 160 };
        let _ = writeln!(
            text,
            "{line} {} {}",
            "y".repeat(length),
            if state >> 60 == 0 { "needle" } else { "hay" }
        );
    }
    text + "the end needle"
}

#[test]
fn a_divided_file_is_printed_as_an_undivided_one() {
    let text = content();
    let dir = folder(&[("a.log", text.as_bytes())]);
    for (pattern, options) in
        [("needle", &[][..]), ("^[0-9]+ y* hay$", &[]), ("needle", &["-v"]), ("", &[]), ("none", &[])]
    {
        let is_wanted = |line: &&str| match (pattern, options) {
            ("needle", []) => line.contains("needle"),
            ("needle", _) => !line.contains("needle"),
            ("none", _) => false,
            ("", _) => true,
            _ => line.ends_with("hay"),
        };
        let mut expected = String::new();
        for line in text.lines().filter(is_wanted) {
            let _ = writeln!(expected, "{line}");
        }
        let divided = run(dir.path(), &[&[pattern, "-p", "a.log"], options].concat());
        assert!(
            divided.out == expected,
            "{pattern} {options:?}: {} bytes of {}",
            divided.out.len(),
            expected.len()
        );
        assert_eq!((divided.status, divided.err.as_str()), (Some(i32::from(expected.is_empty())), ""));
        let numbered = run(dir.path(), &[&[pattern, "-c", "-p", "a.log"], options].concat());
        assert_eq!(
            numbered.out.trim(),
            if expected.is_empty() { String::new() } else { expected.lines().count().to_string() }
        );
    }
}

#[test]
fn lines_of_a_large_file_in_a_folder_say_their_file() {
    let dir = folder(&[("in/a.log", &b"a needle in a line of some length\n".repeat(200_000))]);
    let done = run(dir.path(), &["needle in", "-p", "in"]);
    assert_eq!(done.out.lines().filter(|line| line.starts_with("in/a.log:a needle")).count(), 200_000);
}

#[test]
fn bytes_within_a_file_are_no_mark_of_an_encoding() {
    // Every line begins as UTF-16 does, so every piece does; the file does not.
    let text = [b"start\n".to_vec(), b"\xff\xfeneedle in a line of some length\n".repeat(200_000)].concat();
    let dir = folder(&[("a.log", &text)]);
    assert_eq!(run(dir.path(), &["needle in", "-p", "a.log"]).out.lines().count(), 200_000);
}

#[test]
fn a_divided_file_is_searched_by_condition_too() {
    let mut text = String::new();
    for status in 0..120_000 {
        let _ = writeln!(text, "{{\"status\":{status},\"path\":\"/orders/of/somebody/who/orders/much\"}}");
    }
    let dir = folder(&[("a.log", text.as_bytes())]);
    let done = run(dir.path(), &["orders", "--where", "status >= 59998 and status < 60002", "-p", "a.log"]);
    let found: Vec<&str> = done.out.lines().map(|line| &line[10..15]).collect();
    assert_eq!(found, ["59998", "59999", "60000", "60001"]);
}

#[test]
fn a_line_that_is_too_long_fails() {
    let dir = folder(&[]);
    let mut file = std::fs::File::create(dir.path().join("a.log")).unwrap();
    file.write_all(b"needle\n").unwrap();
    // Not a single line ends in it, and its start is not binary.
    for _ in 0..100 {
        file.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    let done = run(dir.path(), &["needle", "-p", "a.log"]);
    assert_eq!(done.status, Some(3));
    assert!(done.err.contains("longer than 64 MiB"), "{}", done.err);
}
