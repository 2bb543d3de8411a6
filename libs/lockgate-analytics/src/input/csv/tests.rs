//! Records are read as the csv crate reads and writes them, however they are cut into pieces.

use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{Datum, Function, Measure, Query};

/// What a row of the fields `a` and `b` says, with how often; a text is marked by `'`.
type Seen = std::collections::BTreeMap<(String, String), u64>;

#[derive(Debug, Default, PartialEq)]
struct Read {
    rows: Seen,
    lines: u64,
    malformed: Vec<(u64, &'static str)>,
}

fn shown(datum: &Datum) -> String {
    let mut text = Vec::new();
    datum.write_text(&mut text);
    let text = String::from_utf8(text).unwrap();
    match datum {
        Datum::Text(_) => format!("'{text}"),
        Datum::Null => "null".into(),
        _ => text,
    }
}

fn question() -> Query {
    Query {
        group_by: std::vec!["a".into(), "b".into()],
        measures: std::vec![Measure::new(Function::Count, None)],
        ..Query::usage()
    }
}

/// Reads a text with its header, cut into pieces behind the last record of every so many bytes.
fn read(text: &[u8], piece_bytes: usize) -> Read {
    let plan = question().plan();
    let header = Header::of(text);
    let mut rest = &text[header.len()..];
    let mut rows = CsvRows::new(&plan, &header);
    let mut sink = Sink::new(&plan);
    let mut read = Read::default();
    let mut size = piece_bytes;
    while !rest.is_empty() {
        let window = &rest[..size.min(rest.len())];
        let end = if window.len() == rest.len() { Some(rest.len()) } else { header.records_end()(window) };
        let Some(end) = end else {
            size *= 2;
            continue;
        };
        rows.read(&rest[..end], &mut sink).unwrap();
        let found = std::mem::take(&mut sink.found);
        read.malformed.extend(found.places.iter().map(|(line, what)| (read.lines + line, *what)));
        read.lines += found.lines;
        (rest, size) = (&rest[end..], piece_bytes);
    }
    for row in &sink.partial.report().rows {
        let Datum::Number(count) = row[2] else { panic!("a count is a number") };
        read.rows.insert((shown(&row[0]), shown(&row[1])), count.as_whole().unwrap());
    }
    read
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let read = read(text.as_bytes(), usize::MAX);
    assert_eq!(read.malformed, [], "{text}");
    let mut rows = Seen::new();
    for (a, b) in expected {
        *rows.entry(((*a).into(), (*b).into())).or_default() += 1;
    }
    assert_eq!(read.rows, rows, "{text}");
}

#[track_caller]
fn check_malformed(line: &str, what: &'static str) {
    let read = read(format!("a,b\n1,2\n{line}\n1,2\n").as_bytes(), usize::MAX);
    assert_eq!(read.malformed, [(1, what)], "{line}");
    assert_eq!(read.rows.values().sum::<u64>(), 2, "{line}");
}

#[test]
fn fields_have_the_types_they_look_like() {
    check("a,b\n1,x\n", &[("1", "'x")]);
    check("a,b\n-1.50,1e3\n007,+1", &[("-1.5", "1000"), ("'007", "'+1")]);
    check("a,b\ntrue,false\nTrue,null\n", &[("true", "false"), ("'True", "'null")]);
    check("a,b\n,\"\"\n", &[("null", "'")]);
    check("a,b\n\"1\",\"true\"\n", &[("1", "true")]);
    check("a,b\n1e30, 1\n", &[("'1e30", "' 1")]);
}

#[test]
fn quotes_hold_delimiters_lines_and_quotes() {
    check("a,b\n\"x,y\",\"x\r\ny\"\n", &[("'x,y", "'x\r\ny")]);
    check("a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", &[("'say \"hi\"", "'\"")]);
    check("a,b\n5\" disk,x\"y\"\n", &[("'5\" disk", "'x\"y\"")]);
    check("a,b\r\n\"1\",\"2\"\r\n3,4\r\n", &[("1", "2"), ("3", "4")]);
    check("a,b\n1,\"2\"\r", &[("1", "2")]);
}

#[test]
fn the_header_says_the_delimiter_and_the_places() {
    check("b;a\n1;2,5\n", &[("'2,5", "1")]);
    check("x\ta\ty\tb\tz\n0\t1\t0\t2\t0\n", &[("1", "2")]);
    check("a|b\n\"1|2\"|3\n", &[("'1|2", "3")]);
    check("\"a\",\"b\nc\",\"b\"\n1,2,3\n", &[("1", "3")]);
    check("\"a;;\",a,b\n1,2,3\n", &[("2", "3")]);
    check("a,a,b\n1,2,3\n", &[("1", "3")]);
    check("a\n1\n\n2\n", &[("1", "null"), ("2", "null")]);
    check("x,y\n1,2\n", &[("null", "null")]);
    check("a,b", &[]);
    check("", &[]);
}

/// A quote opens a name only where one starts, and what closes it is not looked for in the records.
#[test]
fn a_lone_quote_in_the_header_costs_no_record() {
    check("a,size 5\",b\n1,x,2\n3,y,4\n", &[("1", "2"), ("3", "4")]);
    check("a;size 5\";b\n1;\"x;\ny\";2\n", &[("1", "2")]);
    check("a,\"x,b\n1,y,2\n3,y,4\n", &[("1", "2"), ("3", "4")]);
    check("a,b,\"x\n1,2,\"y\"\n3,4,\"z\"\n", &[("1", "2"), ("3", "4")]);
    check("\"\na\n1\n", &[("null", "null"), ("null", "null")]);
    check("a,b,x;\"c;d;e\n1\",2,3\n4,5,6\n", &[("'1\"", "2"), ("4", "5")]);
    check("a,b,x\"\"y,\"\"\n1,2,3,4\n", &[("1", "2")]);
}

#[test]
fn the_names_of_a_header_are_told() {
    assert_eq!(names_of(b"a,\"b;c,d\n1,2,3\n"), ["a", "\"b;c", "d"]);
    assert_eq!(names_of("\u{feff}a;\"b \"\"c\"\"\";d,e\r\n1;2;3\r\n".as_bytes()), ["a", "b \"c\"", "d,e"]);
    assert_eq!(names_of(b"a,b"), ["a", "b"]);
}

#[test]
fn a_name_with_a_quote_is_found() {
    let query = Query { group_by: std::vec!["a\"b".into()], ..question() };
    let plan = query.plan();
    let mut sink = Sink::new(&plan);
    CsvRows::new(&plan, &Header::of(b"x,\"a\"\"b\"\n")).read(b"1,2\n", &mut sink).unwrap();
    assert_eq!(shown(&sink.partial.report().rows[0][0]), "2");
}

#[test]
fn a_record_of_another_length_is_malformed() {
    check_malformed("1", FIELDS);
    check_malformed("1,2,3", FIELDS);
    check_malformed("\"1\",2,3", FIELDS);
    check_malformed("\"1,2\"", FIELDS);
    check_malformed("1,2,", FIELDS);
    let read = read(b"x,a,y\n1,2,3\n1,2\n1,2,3,4\n1\n", usize::MAX);
    assert_eq!(read.malformed, [(1, FIELDS), (2, FIELDS), (3, FIELDS)]);
}

#[test]
fn what_follows_a_closing_quote_is_malformed() {
    check_malformed("\"1\"x,2", BEHIND_QUOTE);
    check_malformed("1,\"2\" ", BEHIND_QUOTE);
    check_malformed("\"1\"\r,2", BEHIND_QUOTE);
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_alone() {
    let read_of = |text: &str| read(text.as_bytes(), usize::MAX);
    let read = read_of("a,b\n1,2\n1,\"2\n1,2\n1,2\n");
    assert_eq!((read.malformed, read.lines), (std::vec![(1, NOT_CLOSED)], 4));
    assert_eq!(read.rows.values().sum::<u64>(), 3);
}

#[test]
fn lines_within_quotes_are_lines() {
    let read = read(b"a,b\n\"1\n\n2\",3\n1\n\n4,5\n6\n", usize::MAX);
    assert_eq!((read.malformed, read.lines), (std::vec![(3, FIELDS), (6, FIELDS)], 7));
}

#[test]
fn bytes_that_are_not_utf_8_cost_their_record_alone() {
    let read = read(b"a,b\n1,2\nM\xfcller,2\n\xc3\xa9,2\n", usize::MAX);
    assert_eq!(read.malformed, [(1, NOT_UTF8)]);
    assert_eq!(read.rows.len(), 2);
    assert!(read.rows.contains_key(&("'é".into(), "2".into())));
}

/// Every line opens a quote that no other line closes: each must not be looked for to the end of the piece.
#[test]
fn quotes_that_are_never_closed_are_passed_over_in_linear_time() {
    let text = format!("a,b\n{}", "x\",\"\n".repeat(200_000));
    let read = read(text.as_bytes(), usize::MAX);
    assert_eq!((read.rows.len(), read.lines), (0, 200_000));
}

/// A field without what only some readers take for an end of line.
fn any_field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9,;\t|\"\n .é-]{0,8}",
        Just("\r\n".into()),
        any::<i32>().prop_map(|number| format!("{number}")),
    ]
}

/// What a field means, by its text alone.
fn meaning(field: &str, is_quoted: bool) -> String {
    match field {
        "" if !is_quoted => "null".into(),
        "true" | "false" => field.into(),
        _ => match field.parse::<Number>() {
            Ok(number) => shown(&Datum::Number(number)),
            Err(_) => format!("'{field}"),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_csv_crate_writes_is_read_however_it_is_cut(
        records in proptest::collection::vec((any_field(), any_field(), any_field()), 0..20),
        delimiter in proptest::sample::select(DELIMITERS.to_vec()),
        always_quoted: bool,
        ends_in_crlf: bool,
        piece_bytes in 1_usize..200,
    ) {
        let style = if always_quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let end = if ends_in_crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).quote_style(style).terminator(end).from_writer(Vec::new());
        let mut rows = Seen::new();
        writer.write_record(["a", "x", "b"]).unwrap();
        for (a, x, b) in records {
            writer.write_record([&a, &x, &b]).unwrap();
            *rows.entry((meaning(&a, always_quoted), meaning(&b, always_quoted))).or_default() += 1;
        }
        let read = read(&writer.into_inner().unwrap(), piece_bytes);
        prop_assert_eq!(read.malformed, []);
        prop_assert_eq!(read.rows, rows);
    }

    #[test]
    fn whatever_is_written_is_as_many_records_as_the_csv_crate_finds(body in "[ab,;\"\n]{0,60}") {
        let body = body.trim_end_matches('\n');
        let text = format!("a,b\n{body}\n");
        let read = read(text.as_bytes(), usize::MAX);
        prop_assume!(read.malformed.iter().all(|(_, what)| *what != NOT_CLOSED));
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        let good = read.rows.values().sum::<u64>() as usize;
        if read.malformed.len() < crate::input::sink::PLACES_MAX {
            prop_assert_eq!(records.len(), good + read.malformed.len());
        }
        let known = |a: &str, b: &str| read.rows.contains_key(&(a.into(), b.into()));
        let shown_as = |field: &str| if field.is_empty() { std::vec!["null".into(), "'".into()] } else { std::vec![format!("'{field}")] };
        let fitting = records.iter().filter(|record| record.len() == 2).filter(|record| {
            shown_as(&record[0]).iter().any(|a: &String| shown_as(&record[1]).iter().any(|b| known(a, b)))
        });
        prop_assert!(fitting.count() >= good);
    }

    #[test]
    fn any_bytes_are_records_or_malformed(text in "[a\"\n,\r;\\x00é]{0,80}", cut: usize, piece_bytes in 1_usize..40) {
        let mut text = text.into_bytes();
        if let Some(byte) = text.get_mut(cut % 100) {
            *byte = 0xff;
        }
        let newlines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
        let in_header = Header::of(&text).lines();
        let read = read(&text, piece_bytes);
        prop_assert_eq!(read.lines, newlines - in_header);
    }
}
