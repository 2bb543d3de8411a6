//! Lines are read as serde_json reads them, by either way.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{Function, Measure, Query};

/// How often each text of `key` is there, the malformed lines among all.
fn count(piece: &[u8]) -> (BTreeMap<String, u64>, Vec<(u64, &'static str)>, u64) {
    let query = Query {
        group_by: std::vec!["key".into()],
        measures: std::vec![Measure::new(Function::Count, None)],
        ..Query::usage()
    };
    let plan = query.plan();
    let mut sink = Sink::new(&plan);
    NdjsonRows::new(&plan).read(piece, &mut sink).unwrap();
    let report = sink.partial.report();
    let groups = report.rows.iter().map(|row| {
        let mut text = Vec::new();
        row[0].write_text(&mut text);
        let crate::Datum::Number(number) = row[1] else { panic!("a count is a number") };
        (
            format!(
                "{}{}",
                if matches!(row[0], crate::Datum::Text(_)) { "'" } else { "" },
                String::from_utf8(text).unwrap()
            ),
            number.as_whole().unwrap(),
        )
    });
    (groups.collect(), sink.found.places, sink.found.lines)
}

#[track_caller]
fn check(lines: &str, expected: &[(&str, u64)]) {
    let (groups, places, _) = count(lines.as_bytes());
    assert_eq!(places, [], "{lines}");
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(text, count)| ((*text).to_string(), *count)).collect();
    assert_eq!(groups, expected, "{lines}");
}

#[track_caller]
fn check_malformed(line: &str, what: &str) {
    let text = format!("{{\"key\":1}}\n{line}\n{{\"key\":1}}\n");
    let (groups, places, lines) = count(text.as_bytes());
    assert_eq!((groups.get("1"), lines), (Some(&2), 3), "{line}");
    assert!(matches!(places[..], [(1, said)] if said.contains(what)), "{line}: {places:?}");
}

#[test]
fn values_of_all_kinds_are_read() {
    check("{\"key\":\"a\"}\n{\"key\":\"b\"}\n{\"key\":\"a\"}\n", &[("'a", 2), ("'b", 1)]);
    check("{\"key\":1}\n{\"key\":1.0}\n{\"key\":1e0}", &[("1", 3)]);
    check("{\"key\":null}\n{\"other\":1}\n{}\n{ }\n", &[("", 4)]);
    check("{\"key\":true}\n{\"key\":false}\n", &[("true", 1), ("false", 1)]);
    check("{\"key\":[1,{\"a\":[]}]}\n", &[("'[1,{\"a\":[]}]", 1)]);
    check("{\"key\":\"1\"}\n", &[("'1", 1)]);
}

#[test]
fn a_number_that_is_too_large_is_malformed_where_it_is_asked_for() {
    check("{\"key\":1,\"a\":1e30}\n{\"key\":1,\"a\":1e30}\n", &[("1", 2)]);
    check_malformed("{\"key\":1e30,\"a\":1}", "a number beyond");
    check_malformed("{\"key\":1,\"a\":1e}", "");
}

#[test]
fn lines_of_one_shape_may_differ_in_everything_else() {
    let lines: String = (0..100)
        .map(|n| format!("{{\"id\": \"x{n}\", \"key\": {}, \"more\": \"{}\"}}\n", n % 3, "é".repeat(n)))
        .collect();
    check(&lines, &[("0", 34), ("1", 33), ("2", 33)]);
}

#[test]
fn space_escapes_and_repeated_keys_are_json() {
    check(" \t{ \"a\" : [ ] , \"key\" : 7 } \r\n", &[("7", 1)]);
    check("{\"k\\u0065y\":\"\\u00e9\\n\"}\n{\"k\\u0065y\":\"x\"}\n", &[("'é\n", 1), ("'x", 1)]);
    check("{\"key\":1,\"key\":2}\n{\"key\":1,\"key\":2}\n", &[("2", 2)]);
    check("\n  \n\r\n{\"key\":1}", &[("1", 1)]);
}

#[test]
fn what_is_no_object_is_malformed_and_the_next_line_is_read() {
    check_malformed("[1]", "not a JSON object");
    check_malformed("hello", "not a JSON object");
    check_malformed("{\"key\":1", "ends within");
    check_malformed("{\"key\":", "ends within");
    check_malformed("{\"key\":1}}", "follows");
    check_malformed("{\"key\":1} {\"key\":1}", "follows");
    check_malformed("{\"key\":1,}", "a key");
    check_malformed("{\"key\" 1}", "colon");
    check_malformed("{\"key\":01}", "value");
    check_malformed("{\"key\":1.}", "value");
    check_malformed("{\"key\":nul}", "value");
    check_malformed("{\"key\":\"\t\"}", "control");
    check_malformed("{\"key\":\"\\ud800\"}", "escape");
    check_malformed("{\"key\":1e30}", "beyond");
    check_malformed(&format!("{{\"key\":{}{}}}", "[".repeat(200), "]".repeat(200)), "too deep");
    let (_, places, _) = count(b"{\"key\":1}\n{\"other\":\"\xff\"}\n");
    assert_eq!(places, [(1, scan::NOT_UTF8)]);
}

#[test]
fn shapes_that_take_turns_are_all_remembered() {
    let lines: String = (0..3000).map(|n| format!("{{\"a{}\":1,\"key\":\"{}\"}}\n", n % 12, n % 2)).collect();
    check(&lines, &[("'0", 1500), ("'1", 1500)]);
}

#[test]
fn values_that_stay_for_a_while_may_change_at_any_line() {
    let value = |n: u32| if n % 97 < 60 { "null".to_string() } else { format!("\"{}\"", n / 97) };
    let lines: String = (0..3000)
        .map(|n| format!("{{\"a\":\"same\",\"key\":{},\"b\":{},\"c\":true}}\n", value(n), n % 200 / 199))
        .collect();
    let mut expected = BTreeMap::<String, u64>::new();
    for n in 0..3000 {
        let text = if n % 97 < 60 { String::new() } else { format!("'{}", n / 97) };
        *expected.entry(text).or_default() += 1;
    }
    let (groups, places, _) = count(lines.as_bytes());
    assert_eq!((groups, places), (expected, Vec::new()));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-1_000_000..1_000_000_i64).prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            proptest::collection::hash_map("[a-z]{0,3}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_serde_writes_is_read(values in proptest::collection::vec((any_json(), any_json()), 0..20)) {
        let mut lines = String::new();
        let mut expected = BTreeMap::<String, u64>::new();
        for (key, other) in values {
            let line = serde_json::json!({"before": other, "key": key, "z": 1});
            lines += &format!("{line}\n");
            let text = match &key {
                serde_json::Value::String(text) => format!("'{text}"),
                serde_json::Value::Null => String::new(),
                nested @ (serde_json::Value::Array(_) | serde_json::Value::Object(_)) => format!("'{nested}"),
                simple => simple.to_string(),
            };
            *expected.entry(text).or_default() += 1;
        }
        let (groups, places, _) = count(lines.as_bytes());
        prop_assert_eq!(places, []);
        prop_assert_eq!(groups, expected);
    }

    #[test]
    fn lines_are_malformed_where_serde_says_so(damaged in "\\{\"key\":[0-9a\"\\[\\]{},:.e\\\\ -]{0,12}\\}?") {
        let text = format!("{{\"key\":\"\"}}\n{damaged}\n{{\"key\":\"\"}}\n");
        let (_, places, lines) = count(text.as_bytes());
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&damaged).is_ok();
        prop_assert_eq!(lines, 3);
        let is_too_large = places.iter().any(|(_, what)| what.contains("beyond"));
        prop_assert!(is_too_large || places.is_empty() == is_object, "{:?}", places);
    }

    #[test]
    fn any_bytes_are_lines_or_malformed(piece in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_, _, lines) = count(&piece);
        prop_assert_eq!(lines, piece.split_inclusive(|byte| *byte == b'\n').count() as u64);
    }
}
