//! Which lines are found, and how they are printed.

use serde_json::Value;

use crate::{check, folder, run};

const LOG: &[u8] = b"one foo\ntwo Foo bar\nthree a.c food\nfour abc\n";

#[track_caller]
fn check_log(arguments: &[&str], expected: &str) {
    let dir = folder(&[("a.log", LOG)]);
    check(dir.path(), &[arguments, &["-p", "a.log"]].concat(), expected);
}

#[test]
fn lines_are_found_by_pattern() {
    check_log(&["foo"], "one foo\nthree a.c food\n");
    check_log(&["fo+$"], "one foo\n");
    check_log(&["-i", "foo"], "one foo\ntwo Foo bar\nthree a.c food\n");
    check_log(&["-w", "foo"], "one foo\n");
    check_log(&["-F", "a.c"], "three a.c food\n");
    check_log(&["a.c"], "three a.c food\nfour abc\n");
    check_log(&["-v", "foo"], "two Foo bar\nfour abc\n");
    check_log(&["--invert", "o"], "");
    check_log(&["five"], "");
}

#[test]
fn lines_come_with_numbers_and_their_context() {
    check_log(&["-n", "abc"], "4:four abc\n");
    check_log(&["-N", "abc"], "four abc\n");
    check_log(&["-n", "-A1", "one"], "1:one foo\n2-two Foo bar\n");
    check_log(&["-n", "-B1", "four"], "3-three a.c food\n4:four abc\n");
    check_log(&["-n", "-C1", "two"], "1-one foo\n2:two Foo bar\n3-three a.c food\n");
    check_log(&["-A0", "-B0", "one|four"], "one foo\nfour abc\n");
    check_log(&["-C0", "-A1", "one"], "one foo\ntwo Foo bar\n");
}

#[test]
fn counts_and_names_stand_for_the_lines() {
    check_log(&["-c", "foo"], "2\n");
    check_log(&["-c", "-v", "foo"], "2\n");
    check_log(&["-c", "five"], "");
    check_log(&["-l", "foo"], "a.log\n");
    check_log(&["-l", "five"], "");
    check_log(&["--max-count", "1", "foo"], "one foo\n");
    check_log(&["-m1", "-c", "foo"], "1\n");
}

#[test]
fn what_matches_has_a_color_if_wanted() {
    check_log(&["--color", "never", "abc"], "four abc\n");
    let dir = folder(&[("a.log", LOG)]);
    let done = run(dir.path(), &["--color", "always", "abc", "-p", "a.log"]);
    assert!(done.out.contains("\u{1b}[") && done.out.contains("abc"), "{:?}", done.out);
}

#[test]
fn json_is_that_of_ripgrep() {
    let dir = folder(&[("a.log", LOG)]);
    let done = run(dir.path(), &["--json", "foo", "-p", "a.log"]);
    let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["begin", "match", "match", "end", "summary"]);
    let found = &lines[2]["data"];
    assert_eq!(found["path"]["text"], "a.log");
    assert_eq!(found["lines"]["text"], "three a.c food\n");
    assert_eq!((found["line_number"].as_u64(), found["absolute_offset"].as_u64()), (Some(3), Some(20)));
    assert_eq!((&found["submatches"][0]["start"], &found["submatches"][0]["end"]), (&10.into(), &13.into()));
    assert_eq!(lines[4]["data"]["stats"]["matched_lines"], 2);
    assert!(lines[4]["data"]["elapsed_total"]["nanos"].is_u64());
    assert_eq!(done.status, Some(0));

    let none = run(dir.path(), &["--json", "five", "-p", "a.log"]);
    assert_eq!((none.status, none.out.lines().count()), (Some(1), 1), "the summary alone: {}", none.out);
}

#[test]
fn a_pattern_that_is_none_is_a_wrong_command_line() {
    let dir = folder(&[("a.log", LOG)]);
    for wrong in [
        &["("][..],
        &["a\\nb"],
        &["x", "--since", "soon"],
        &["x", "--where", "status >="],
        &["x", "-c", "--json"],
        &[],
    ] {
        let done = run(dir.path(), &[wrong, &["-p", "a.log"]].concat());
        assert_eq!((done.status, done.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(done.err.starts_with("error: "), "{wrong:?}: {}", done.err);
    }
    check(dir.path(), &["-F", "a.c food", "-p", "a.log"], "three a.c food\n");
}
