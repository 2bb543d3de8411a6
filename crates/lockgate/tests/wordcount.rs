//! `lockgate wordcount`: as `wc` counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use testkit::Done;

const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

fn run(dir: &Path, program: &str, arguments: &[&str], input: &[u8]) -> Done {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env("LC_ALL", "C.UTF-8");
    Done::with_input(&mut command, input).unwrap()
}

#[track_caller]
fn wordcount(dir: &Path, arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let done = run(dir, LOCKGATE, &[&["wordcount"], arguments].concat(), input);
    (done.status, done.out, done.err)
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

#[test]
fn words_and_lines_are_counted_per_file_and_in_total() {
    let dir = folder(&[("a", b"one two\nthree\n"), ("b", "vier  fünf\u{2003}sechs".as_bytes()), ("c", b"")]);
    let check = |arguments: &[&str], expected: &str| {
        assert_eq!(
            wordcount(dir.path(), arguments, b""),
            (Some(0), expected.into(), String::new()),
            "{arguments:?}"
        );
    };
    check(&["a"], "3 a\n");
    check(&["a", "b", "c"], "3 a\n3 b\n0 c\n6 total\n");
    check(&["-l", "a", "b"], "2 a\n0 b\n2 total\n");
    check(
        &["--json", "a", "c"],
        "{\"files\":[{\"file\":\"a\",\"words\":3},{\"file\":\"c\",\"words\":0}],\"total\":{\"words\":3}}\n",
    );
    check(
        &["--json", "--lines", "a"],
        "{\"files\":[{\"file\":\"a\",\"lines\":2}],\"total\":{\"lines\":2}}\n",
    );
}

#[test]
fn a_file_s_name_cannot_steer_the_terminal() {
    let dir = folder(&[("a\u{1b}[2J", b"one")]);
    let name = "a\u{1b}[2J";
    assert_eq!(wordcount(dir.path(), &[name], b"").1, "1 a\u{fffd}[2J\n");
    let (_, out, _) = wordcount(dir.path(), &["--json", name], b"");
    assert!(out.contains("\"a\\u001b[2J\""), "a program gets the name as it is: {out}");
}

#[test]
fn standard_input_is_counted() {
    let dir = folder(&[("a", b"one")]);
    assert_eq!(wordcount(dir.path(), &[], b"one two"), (Some(0), "2\n".into(), String::new()));
    assert_eq!(wordcount(dir.path(), &["-l"], b"a\nb\n"), (Some(0), "2\n".into(), String::new()));
    let both = wordcount(dir.path(), &["-", "a"], b"one two");
    assert_eq!(both, (Some(0), "2 -\n1 a\n3 total\n".into(), String::new()));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_is_counted() {
    let dir = folder(&[("a", b"one"), ("b", b"one two")]);
    let (status, out, err) = wordcount(dir.path(), &["a", "gone", ".", "b"], b"");
    assert_eq!((status, out.as_str()), (Some(3), "1 a\n2 b\n3 total\n"));
    assert!(err.contains("`gone`") && err.contains("`.`"), "{err}");
}

#[test]
fn large_files_are_counted_as_wc_counts_them() {
    // Characters of one to four bytes and white space of one to three, so that every border between parts is met by some.
    let mut text = String::new();
    let mut state = 1_u64;
    while text.len() < 50 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push(
            ['a', ' ', 'é', '\u{3000}', '\n', '€', '\u{2003}', '𝄞', 'b', 'c', 'd', '\t']
                [(state >> 33) as usize % 12],
        );
    }
    let dir = folder(&[("a", text.as_bytes())]);
    let words = text.split_whitespace().count();
    assert_eq!(wordcount(dir.path(), &["a"], b"").1, format!("{words} a\n"));
    for (ours, theirs) in [("", "-w"), ("-l", "-l")] {
        let options: Vec<&str> = [ours, "a"].into_iter().filter(|word| !word.is_empty()).collect();
        let counted = run(dir.path(), "wc", &[theirs, "a"], b"").out;
        assert_eq!(wordcount(dir.path(), &options, b"").1, counted, "{theirs}");
    }
    // One word without an end.
    let (_, out, _) = wordcount(folder(&[("c", &vec![b'x'; 40 << 20])]).path(), &["c"], b"");
    assert_eq!(out, "1 c\n");
}
