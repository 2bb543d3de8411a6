//! However an input is handed in, it says the same.

use std::format;
use std::io::Write;
use std::string::ToString;

use super::*;
use crate::input::{PIECE_BYTES, Source};
use crate::{Query, write_json};

/// The answer, and the malformed lines by their numbers.
fn read(source: Source<'_>, name: &str, by: &str) -> (String, Vec<u64>) {
    let measures = std::vec!["count".parse().unwrap()];
    let plan = Query { group_by: std::vec![by.into()], measures, ..Query::usage() }.plan();
    let inputs = std::vec![Input { name: name.into(), source }];
    let found = analyze(&plan, inputs, Options::default(), &()).unwrap();
    let mut json = Vec::new();
    write_json(&found.partial.report(), &mut json);
    let places = found.places.iter().map(|place| place.line).collect();
    (String::from_utf8(json).unwrap().trim_end().to_string(), places)
}

#[track_caller]
fn check(name: &str, text: &str, by: &str, expected: &str, malformed: &[u64]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let start: String = text.chars().take(40).collect();
    for source in [
        Source::Bytes(text.as_bytes()),
        Source::Stream(Box::new(text.as_bytes())),
        Source::File(file.path().into()),
    ] {
        assert_eq!(read(source, name, by), (expected.to_string(), malformed.to_vec()), "{start:?}");
    }
}

const LINE: &str = "::1 - - [21/Nov/2026:01:20:23 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\"\n";

#[test]
fn the_mark_of_utf_8_is_no_part_of_the_first_line() {
    let (two, one) = ("[{\"a\":1,\"count\":2}]", "[{\"a\":1,\"count\":1}]");
    check("a.ndjson", "\u{feff}{\"a\":1}\n{\"a\":1}\n", "a", two, &[]);
    check("a.ndjson", "\u{feff}{\"a\":1}\n\u{feff}{\"a\":1}\noops\n", "a", one, &[2, 3]);
    check("a.csv", "\u{feff}a,b\r\n1,2\r\n1,3\r\n1\r\n", "a", two, &[4]);
    check("a.csv", "\u{feff}\"a\",b\n1,2\n", "a", one, &[]);
    let log = format!("\u{feff}{LINE}{LINE}");
    check("a.log", &log, "client", "[{\"client\":\"::1\",\"count\":2}]", &[]);
    check("a.ndjson", "\u{feff}", "a", "[]", &[]);
}

#[test]
fn the_mark_of_utf_8_is_passed_over_once_in_a_large_input() {
    let lines = PIECE_BYTES / 4;
    let text = format!("\u{feff}{}{{\"a\":\n", "{\"a\":1}\n".repeat(lines));
    check("a.ndjson", &text, "a", &format!("[{{\"a\":1,\"count\":{lines}}}]"), &[lines as u64 + 1]);
}

#[test]
fn a_lone_quote_in_a_header_swallows_no_row() {
    let one = "[{\"id\":1,\"count\":1},\n {\"id\":2,\"count\":1}]";
    check("a.csv", "id,size 5\",n\n1,2,3\n2,3,4\n", "id", one, &[]);
    check("a.csv", "id,\"size,n\n1,2,3\n2,3,4\n", "id", one, &[]);
    check("a.csv", "id,\"size,n\n1,\"2\",3\n2,\"3\",4\n5\n", "id", one, &[4]);
}

#[test]
fn lines_are_counted_behind_a_header_of_several() {
    check("a.csv", "id,\"size\nof it\"\n1,2\n2\n", "id", "[{\"id\":1,\"count\":1}]", &[4]);
}
