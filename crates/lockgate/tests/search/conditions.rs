//! Lines that must also satisfy a condition, or be of a certain time.

use crate::{check, folder};

const EVENTS: &[u8] = b"\
{\"ts\":\"2026-11-21T01:00:00Z\",\"route\":\"orders\",\"status\":503,\"path\":\"/a\"}
{\"ts\":\"2026-11-21T02:00:00Z\",\"route\":\"orders\",\"status\":200,\"path\":\"/a\"}
{\"ts\":\"2026-11-21T03:00:00Z\",\"route\":\"users\",\"status\":500,\"path\":\"/b\"}
status 503 of /a, in words
{\"status\":503,\"path\":\"/a\"}
";

/// Checks which lines are found, by their numbers.
#[track_caller]
fn check_events(arguments: &[&str], expected: &[usize]) {
    let dir = folder(&[("events", EVENTS)]);
    let lines: Vec<&str> = std::str::from_utf8(EVENTS).unwrap().lines().collect();
    let expected: String = expected.iter().map(|line| format!("{line}:{}\n", lines[line - 1])).collect();
    check(dir.path(), &[arguments, &["-n", "-p", "events"]].concat(), &expected);
}

#[test]
fn lines_satisfy_the_pattern_and_the_condition() {
    check_events(&["/a", "--where", "status >= 500"], &[1, 5]);
    check_events(&["", "--where", "status >= 500 and route in (orders, users)"], &[1, 3]);
    check_events(&["/[a-z]", "--where", "not status = 200"], &[1, 3, 5]);
    check_events(&["/c", "--where", "status >= 500"], &[]);
    check_events(&["words", "--where", "status is null"], &[]);
}

#[test]
fn lines_that_do_not_match_satisfy_the_condition_too() {
    check_events(&["-v", "/a", "--where", "status >= 500"], &[3]);
    check_events(&["-v", "/b", "--since", "2026-11-21T01:30:00Z"], &[2]);
    check_events(&["-v", "x"], &[1, 2, 3, 4, 5]);
}

#[test]
fn counts_and_limits_are_of_lines_that_satisfy_the_condition() {
    let dir = folder(&[("events", EVENTS)]);
    check(dir.path(), &["/a", "-c", "--where", "status = 503", "-p", "events"], "2\n");
    check(dir.path(), &["", "-l", "--where", "status = 404", "-p", "events"], "");
    check_events(&["", "-m1", "--where", "route = users"], &[3]);
}

#[test]
fn lines_have_their_time() {
    check_events(&["status", "--since", "2026-11-21T02:00:00Z"], &[2, 3]);
    check_events(&["status", "--until", "2026-11-21T02:00:00Z"], &[1]);
    check_events(&["", "--since", "2026-11-21T01:30:00Z", "--until", "2026-11-21T02:30:00Z"], &[2]);
    check_events(&["", "--since", "2026-11-21T01:30:00Z", "--where", "status >= 500"], &[3]);
    check_events(&["", "--since", "15m", "--until", "20m"], &[]);
}

#[test]
fn an_earlier_bracket_or_a_zone_apart_hides_no_time() {
    let log = b"[::1] - - [21/Nov/2026:03:00:00 +0000] a\n2026-11-21 03:30:00 +0200 b\n";
    let dir = folder(&[("a.log", log)]);
    let found =
        |arguments: &[&str]| crate::run(dir.path(), &[&["."], arguments, &["-p", "a.log"]].concat()).out;
    assert_eq!(found(&["--since", "2026-11-21T02:00:00Z"]), "[::1] - - [21/Nov/2026:03:00:00 +0000] a\n");
    assert_eq!(found(&["--until", "2026-11-21T02:00:00Z"]), "2026-11-21 03:30:00 +0200 b\n");
}

#[test]
fn lines_of_text_have_the_time_they_begin_with() {
    let log =
        b"2026-11-21 01:00:00 a\n[2026-11-21T02:00:00Z] b\n    c\n::1 - - [21/Nov/2026:03:00:00 +0000] d\n";
    let dir = folder(&[("a.log", log)]);
    let since = |when: &str| crate::run(dir.path(), &[".", "--since", when, "-p", "a.log"]).out;
    assert_eq!(
        since("2026-11-21T01:30:00Z"),
        "[2026-11-21T02:00:00Z] b\n::1 - - [21/Nov/2026:03:00:00 +0000] d\n"
    );
    assert_eq!(since("2026-11-21T03:00:01Z"), "");
    assert_eq!(since("100000w").lines().count(), 3, "a line that says no time is of none");
}
