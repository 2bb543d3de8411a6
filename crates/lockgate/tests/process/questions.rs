//! What is asked and what is answered.

use crate::{answer, fails, run, run_with, samples};

const LINES: &str = "\
{\"user_id\":1,\"value\":1.5,\"status\":200}
{\"user_id\":2,\"value\":0.1,\"status\":500}
{\"user_id\":1,\"value\":2,\"status\":200}
{\"user_id\":1,\"value\":1.0,\"status\":404}
{\"user_id\":2,\"value\":null,\"status\":429}
";

/// The answer to a question about the lines.
#[track_caller]
fn check(arguments: &[&str], expected: &str) {
    let done = run_with(LINES.as_bytes(), arguments);
    assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (Some(0), expected, ""), "{arguments:?}");
}

#[test]
fn the_plain_question_is_usage_per_user() {
    check(
        &["--json"],
        "[{\"user_id\":1,\"count\":3,\"total_value\":4.5},\n {\"user_id\":2,\"count\":1,\"total_value\":0.1}]\n",
    );
    check(&["--format", "json", "--top", "1"], "[{\"user_id\":1,\"count\":3,\"total_value\":4.5}]\n");
}

#[test]
fn answers_have_the_format_that_is_asked_for() {
    let by_status = ["--by", "status", "--measure", "count,max(value)", "--where", "user_id = 1", "--format"];
    let check = |format: &str, expected: &str| check(&[&by_status[..], &[format]].concat(), expected);
    check("csv", "status,count,max(value)\r\n200,2,2\r\n404,1,1\r\n");
    check(
        "ndjson",
        "{\"status\":200,\"count\":2,\"max(value)\":2}\n{\"status\":404,\"count\":1,\"max(value)\":1}\n",
    );
    check(
        "table",
        "status  count                max(value)\n   200      2  ████████████           2\n   404      1  ██████                 1\n",
    );
}

#[test]
fn everything_can_be_one_group_and_nothing_is_measured_twice() {
    check(
        &["--json", "--by", "none", "--measure", "count,sum(value),count"],
        "[{\"count\":5,\"sum(value)\":4.6}]\n",
    );
    check(
        &["--json", "--by", "user_id,user_id", "--measure", "count", "--top", "1"],
        "[{\"user_id\":1,\"count\":3}]\n",
    );
}

#[test]
fn no_two_columns_have_the_same_name() {
    let csv = "ts,count\n1970-01-01T00:00:00Z,7\n1970-01-01T00:00:01Z,7\n";
    let asked = |arguments: &[&str]| {
        let done = run_with(csv.as_bytes(), arguments);
        assert_eq!((done.status, done.err.as_str()), (Some(0), ""), "{arguments:?}");
        done.out
    };
    assert_eq!(asked(&["--json", "--by", "count", "--measure", "count"]), "[{\"count\":7,\"count_2\":2}]\n");
    assert_eq!(
        asked(&["--format", "csv", "--by", "ts", "--every", "1h", "--measure", "count", "--top", "1"]),
        "ts,ts_2,count\r\n1970-01-01T00:00:00.000000Z,1970-01-01T00:00:00Z,1\r\n"
    );
}

#[test]
fn a_drawing_is_svg() {
    for question in [
        &["--every", "5m"][..],
        &["--by", "none", "--measure", "histogram(latency_us)"],
        &["--by", "none", "--measure", "p50(latency_us),p90(latency_us),p99(latency_us)"],
        &["--by", "path"],
        &["--where", "status = 999"],
    ] {
        let done = run(&samples(), &[&["events.ndjson", "--format", "svg"], question].concat());
        assert_eq!(done.status, Some(0), "{question:?}: {}", done.err);
        assert!(
            done.out.starts_with("<svg") && done.out.trim_end().ends_with("</svg>"),
            "{question:?}: {}",
            done.out
        );
    }
}

#[test]
fn a_wrong_condition_is_marked_where_it_is_wrong() {
    let done = run(&samples(), &["events.ndjson", "--where", "status >= 500 and route ="]);
    fails(&done, 2, &["--where", "\n  status >= 500 and route =\n                           ^\n"]);
}

#[test]
fn what_cannot_be_asked_is_a_wrong_command_line() {
    for (arguments, word) in [
        (&["--measure", "sum"][..], "name a field"),
        (&["--measure", "average(x)"], "is no measure"),
        (&["--every", "often"], "--every"),
        (&["--format", "xml"], "ndjson"),
        (&["--format", "csv", "--json"], "--json"),
        (&["--threads", "0"], "--threads"),
        (&["--input-format", "parquet"], "combined"),
    ] {
        fails(&run(&samples(), &[&["events.ndjson"], arguments].concat()), 2, &[word]);
    }
}

#[test]
fn what_is_not_there_is_a_failure_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, word) in [
        (&["absent.log"][..], "absent.log"),
        (&["*.log"], "*.log"),
        (&["."], "holds no file"),
        (&[], "there is no configuration"),
    ] {
        fails(&run(dir.path(), arguments), 3, &["error: ", "help: ", word]);
    }
}

#[test]
fn an_answer_that_may_surprise_is_explained() {
    let warned = |input: &str, arguments: &[&str], out: &str, words: &str| {
        let done = run_with(input.as_bytes(), arguments);
        assert_eq!((done.status, done.out.as_str()), (Some(0), out), "{arguments:?}: {}", done.err);
        assert!(done.err.starts_with("warning: ") && done.err.contains(words), "{arguments:?}: {}", done.err);
    };
    warned("", &["--json"], "[]\n", "nothing is found in 0 lines");
    warned(LINES, &["--where", "status = 999"], "", "nothing is found in 5 lines");
    warned(
        "{\"a\":1}\n",
        &["--json", "--by", "a"],
        "[{\"a\":1,\"count\":0,\"total_value\":0}]\n",
        "`--measure count`",
    );
    warned(
        "{\"at\":\"2026-11-21T09:00:00Z\"}\n{\"at\":\"soon\"}\n",
        &["--json", "--by", "none", "--measure", "count", "--every", "1h", "--time-field", "at"],
        "[{\"at\":\"2026-11-21T09:00:00.000000Z\",\"count\":1}]\n",
        "1 line says no moment in `at`",
    );
}

#[test]
fn a_format_that_is_not_found_out_can_be_said() {
    let text = "user_id\n7\n7\n";
    fails(&run_with(text.as_bytes(), &["--measure", "count"]), 3, &["standard input", "--input-format"]);
    let done = run_with(text.as_bytes(), &["--measure", "count", "--input-format", "csv", "--json"]);
    assert_eq!(done.out, "[{\"user_id\":7,\"count\":2}]\n");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = crate::process(&samples(), &["events.ndjson"]).stdout(writer).output().unwrap();
    assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
}

#[test]
fn the_table_has_color_only_where_it_is_wanted() {
    let colored = |choice: &str| answer(&samples(), &["events.ndjson", "--color", choice]).contains('\x1b');
    assert_eq!([colored("auto"), colored("always"), colored("never")], [false, true, false]);
}
