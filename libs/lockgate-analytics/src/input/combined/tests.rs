//! Lines of NGINX and Apache say what they say, and nothing else is taken for one.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use lockgate_event::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Datum, Function, Measure, Query};

const COMMON: &str = "203.0.113.9 - 7 [21/Nov/2026:01:20:23 +0000] \"GET /a?b=c HTTP/1.1\" 200 512";

/// The fields of the one line as `name=text`, a text marked by `'`, but for those that are null; or what is wrong.
fn fields(line: &[u8]) -> Result<Vec<String>, &'static str> {
    let query = Query {
        group_by: FIELDS.map(Into::into).to_vec(),
        measures: std::vec![Measure::new(Function::Count, None)],
        ..Query::usage()
    };
    let plan = query.plan();
    let mut sink = Sink::new(&plan);
    CombinedRows::new(&plan).read(line, &mut sink).unwrap();
    match sink.found.places.first() {
        Some((_, what)) => Err(what),
        None => Ok(sink.partial.report().rows.iter().flat_map(|row| shown(row)).collect()),
    }
}

fn shown(row: &[Datum]) -> Vec<String> {
    let named = FIELDS.iter().zip(row).filter(|(_, datum)| **datum != Datum::Null);
    named
        .map(|(name, datum)| {
            let mut text = Vec::new();
            datum.write_text(&mut text);
            let mark = if matches!(datum, Datum::Text(_)) { "'" } else { "" };
            format!("{name}={mark}{}", String::from_utf8(text).unwrap())
        })
        .collect()
}

/// Checks that the line has all of these, and the `absent` fields not at all.
#[track_caller]
fn check(line: &str, expected: &[&str], absent: &[&str]) {
    let fields = fields(line.as_bytes()).unwrap();
    for one in expected {
        assert!(fields.contains(&(*one).to_string()), "{line}: {one} is not in {fields:?}");
    }
    for name in absent {
        assert!(
            !fields.iter().any(|field| field.starts_with(&format!("{name}="))),
            "{line}: {name} in {fields:?}"
        );
    }
}

#[track_caller]
fn check_malformed(line: &str, what: &str) {
    let said = fields(line.as_bytes()).unwrap_err();
    assert!(said.contains(what), "{line}: {said}");
}

#[test]
fn a_common_line_says_all_but_referer_and_agent() {
    check(
        COMMON,
        &[
            "client='203.0.113.9",
            "user='7",
            "user_id=7",
            "ts=2026-11-21T01:20:23.000000Z",
            "method='GET",
            "path='/a",
            "query='b=c",
            "http='1.1",
            "status=200",
            "bytes_out=512",
            "value=1",
        ],
        &["host", "referer", "agent"],
    );
}

#[test]
fn a_combined_line_has_them() {
    check(
        &format!("{COMMON} \"https://example.com/\" \"curl/8\"\r\n"),
        &["referer='https://example.com/", "agent='curl/8"],
        &[],
    );
    check(&format!("{COMMON} \"-\" \"-\" \"198.51.100.1\" 0.003"), &["status=200"], &["referer", "agent"]);
    check(&format!("{COMMON} 0.003"), &["bytes_out=512"], &["referer", "agent"]);
}

#[test]
fn a_virtual_host_may_come_first() {
    check(
        &format!("example.com:443 {COMMON}"),
        &["host='example.com", "client='203.0.113.9", "user_id=7"],
        &[],
    );
    check(&format!("example.com {COMMON}"), &["host='example.com", "client='203.0.113.9"], &[]);
}

#[test]
fn names_of_users_are_texts_and_may_have_spaces() {
    check(&COMMON.replace("- 7", "- ann"), &["user='ann", "user_id='ann"], &["host"]);
    check(&COMMON.replace("- 7", "- ann [x] lee"), &["user='ann [x] lee", "client='203.0.113.9"], &["host"]);
    check(&COMMON.replace("- 7", "- -"), &["client='203.0.113.9"], &["user", "user_id"]);
}

#[test]
fn what_is_not_there_is_null() {
    check(&COMMON.replace("200 512", "304 -"), &["status=304"], &["bytes_out"]);
    check(&COMMON.replace("200 512", "- 0"), &["bytes_out=0"], &["status"]);
    check(&COMMON.replace("200", "000"), &["status=0"], &[]);
}

#[test]
fn a_request_that_is_none_has_no_parts_and_its_line_counts() {
    for request in [
        "-",
        "",
        "\\x16\\x03\\x01\\x02",
        "GET",
        "GET /a b HTTP/1.1",
        "G\u{e4}T / HTTP/1.1",
        "GET / HTTP/x",
        "hello world",
        " / HTTP/1.1",
    ] {
        let line = COMMON.replace("GET /a?b=c HTTP/1.1", request);
        check(&line, &["status=200", "value=1"], &["method", "path", "query", "http"]);
    }
}

#[test]
fn requests_of_other_kinds_are_taken_apart() {
    let with = |request: &str| COMMON.replace("GET /a?b=c HTTP/1.1", request);
    check(&with("GET /"), &["method='GET", "path='/"], &["http", "query"]);
    check(&with("OPTIONS * HTTP/1.1"), &["method='OPTIONS", "path='*"], &["query"]);
    check(&with("CONNECT example.com:443 HTTP/2.0"), &["path='example.com:443", "http='2.0"], &[]);
    check(&with("GET /? HTTP/3"), &["path='/", "query='", "http='3"], &[]);
}

#[test]
fn escapes_are_the_characters_they_stand_for() {
    let with = |agent: &str| format!("{COMMON} \"-\" \"{agent}\"");
    check(&with("a\\x22b\\\"c\\\\d\\t"), &["agent='a\"b\"c\\d\t"], &[]);
    check(&with("\\xC3\\xa9"), &["agent='\u{e9}"], &[]);
    check(&with("\\xe9"), &["agent='\\xe9"], &[]);
    check(&with("\\q\\xz1\\x4"), &["agent='\\q\\xz1\\x4"], &[]);
    check(&COMMON.replace("/a?b", "/\\x22?\\x5c"), &["path='/\"", "query='\\=c"], &[]);
}

#[test]
fn what_is_no_line_says_why() {
    check_malformed("hello", "no time");
    check_malformed("a - - [21/Nov/2026:01:20:23 +0000] GET /", "no time");
    check_malformed("- - [21/Nov/2026:01:20:23 +0000] \"GET / HTTP/1.1\" 200 5", "no client");
    check_malformed(&COMMON.replace("Nov", "Foo"), "time");
    check_malformed(&COMMON[..COMMON.len() - 12], "without its end");
    check_malformed(&COMMON.replace("\" 200", "\"200"), "status");
    check_malformed(&COMMON.replace("200", "2000"), "status");
    check_malformed(&COMMON.replace("200", "abc"), "number");
    check_malformed(&COMMON.replace(" 512", ""), "size");
    check_malformed(&COMMON.replace("512", "99999999999999999999"), "number");
    check_malformed(&format!("{COMMON} \"http"), "not closed");
    check_malformed(&format!("{COMMON} \"-\" \"cut \\\""), "not closed");
    assert_eq!(fields(b"\xff - - [21/Nov/2026:01:20:23 +0000] \"-\" 400 0"), Err(NOT_UTF8));
}

#[test]
fn lines_of_nothing_are_no_rows() {
    assert_eq!(fields(b"\n\r\n"), Ok(Vec::new()));
}

#[test]
fn malformed_lines_have_their_places() {
    let plan = Query::usage().plan();
    let mut sink = Sink::new(&plan);
    let text = format!("{COMMON}\nx\n\n{COMMON}\n\u{e9}");
    CombinedRows::new(&plan).read(text.as_bytes(), &mut sink).unwrap();
    let places: Vec<_> = sink.found.places.iter().map(|(line, _)| *line).collect();
    assert_eq!((places, sink.found.lines, sink.partial.rows()), (std::vec![1, 4], 5, 2));
}

/// A text as NGINX writes it into its logs.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | 0..32 | 127.. => format!("\\x{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_as_nginx_does_is_read(
        (user, path, agent) in ("[a-z][a-z0-9]{0,8}", "/[a-z\"\\\\%\u{e9}]{0,12}", "\\PC{1,20}"),
        us in 0..4_000_000_000_000_000_u64,
        status in 100..600_u32,
        bytes in 0..1_000_000_000_000_u64,
    ) {
        prop_assume!(agent != "-");
        let us = us - us % 1_000_000;
        let mut time = Vec::new();
        Timestamp::from_unix_us(us).write_common_log(&mut time);
        let time = String::from_utf8(time).unwrap();
        let line = format!("::1 - {user} [{time}] \"PUT {} HTTP/1.1\" {status} {bytes} \"-\" \"{}\"", escaped(&path), escaped(&agent));
        let fields = fields(line.as_bytes()).unwrap();
        let expected = [
            "client='::1".to_string(), format!("user='{user}"), format!("ts={}", Timestamp::from_unix_us(us)), "method='PUT".into(),
            format!("path='{path}"), format!("status={status}"), format!("bytes_out={bytes}"), format!("agent='{agent}"),
        ];
        for one in expected {
            prop_assert!(fields.contains(&one), "{} is not in {:?}", one, fields);
        }
    }

    #[test]
    fn any_bytes_are_lines_or_malformed(piece in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = fields(&piece);
    }

    #[test]
    fn a_damaged_line_is_a_line_or_malformed(at in 0..COMMON.len() + 20, byte: u8, length in 0..COMMON.len() + 20) {
        let mut line = format!("{COMMON} \"-\" \"a\\x22\\\"b\"  ").into_bytes();
        if let Some(place) = line.get_mut(at) {
            *place = byte;
        }
        line.truncate(length);
        let _ = fields(&line);
    }
}

#[test]
fn every_field_that_is_told_of_is_one() {
    assert!(FIELDS.iter().all(|name| Field::of(name) != Field::Absent));
}
