//! Which lines are found, and how they are printed.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Done, LOCKGATE, check, folder, run};

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

/// Each place holds standard output from the time it has printed 64 KiB, and adds to the summary after that.
#[test]
fn json_of_any_length_ends_with_its_summary() {
    let log = format!("{:94}foo\n", "").repeat(1500);
    let dir = folder(&[("logs/a.log", log.as_bytes()), ("logs/b.log", log.as_bytes())]);
    for (path, matched) in [("logs/a.log", 1500), ("logs", 3000)] {
        let done = run(dir.path(), &["--json", "foo", "-p", path]);
        let last: Value = serde_json::from_str(done.out.lines().last().unwrap()).unwrap();
        assert_eq!((done.status, last["type"].as_str()), (Some(0), Some("summary")), "{path}: {}", done.err);
        assert_eq!(last["data"]["stats"]["matched_lines"], matched, "{path}");
    }
}

#[test]
fn a_file_s_name_cannot_steer_the_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return testkit::skip("`script`, which gives a program a terminal, is not installed");
    }
    let dir = folder(&[("logs/a\u{1b}[2J.log", LOG), ("logs/b.log", LOG)]);
    for form in ["-N", "-c", "-l"] {
        let command = format!("'{LOCKGATE}' search foo {form} -p logs --color never");
        let shown = Done::of(
            Command::new("script")
                .args(["--quiet", "--return", "--command", &command, "/dev/null"])
                .current_dir(dir.path())
                .stdin(Stdio::null()),
        );
        let shown = shown.unwrap();
        assert!(shown.out.contains("logs/a\u{fffd}[2J.log") && !shown.out.contains('\u{1b}'), "{shown:?}");
    }
    let piped = run(dir.path(), &["foo", "-l", "-p", "logs"]);
    assert!(piped.out.contains("logs/a\u{1b}[2J.log\n"), "a program gets the name as it is: {piped:?}");
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
