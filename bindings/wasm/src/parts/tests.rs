//! Parts of files, put together; what is no part of a question is refused.

use std::io::BufReader;

use super::*;
use crate::analyze;

const QUESTION: &str = r#"{"by":["route"],"every":"1h","measure":["count","sum(n)","mean(n)","min(n)","max(route)","p90(n)","distinct(n)","top3(n)"]}"#;

fn text() -> String {
    let line = |number: u32| match number % 31 {
        7 => "none\n".to_owned(),
        8 => format!("{{\"route\":\"timeless\",\"n\":{number}}}\n"),
        _ => format!(
            "{{\"ts\":\"2026-11-21T1{}:00:00Z\",\"route\":\"r{}\",\"n\":{number}}}\n",
            number % 3,
            number % 5
        ),
    };
    (0..3000).map(line).collect()
}

fn stream<'t>(name: &str, reader: impl std::io::Read + Send + 't) -> Input<'t> {
    Input { name: name.into(), source: Source::Stream(Box::new(reader)) }
}

fn part_of(text: &str, start: usize, end: usize) -> Part<impl BufRead + Send> {
    let reader = BufReader::new(&text.as_bytes()[start..]);
    Part { name: "a".into(), reader, start: start as u64, end: end as u64 }
}

fn part(text: &str, start: usize, end: usize) -> Vec<u8> {
    fold_part(QUESTION, "ndjson", part_of(text, start, end), &()).unwrap()
}

#[test]
fn parts_say_together_what_the_whole_says() {
    let text = text();
    let whole =
        analyze(QUESTION, None, vec![stream("a", text.as_bytes()), stream("b", &b"{}\nnone\n"[..])], &());
    let whole = whole.unwrap();
    for count in [1, 2, 3, 7, 40] {
        let cut = |number: usize| text.len() * number / count;
        let mut parts: Vec<_> = (0..count).map(|number| part(&text, cut(number), cut(number + 1))).collect();
        parts.push(fold(QUESTION, None, vec![stream("b", &b"{}\nnone\n"[..])], &()).unwrap());
        let joined = join(QUESTION, parts.into_iter()).unwrap();
        assert_eq!(joined.text("json").unwrap(), whole.text("json").unwrap());
        assert_eq!(joined.counts(), whole.counts());
    }
}

#[test]
fn lines_are_numbered_anew_in_each_file() {
    let other = || fold(QUESTION, None, vec![stream("b.ndjson", &b"{}\nnone\n"[..])], &()).unwrap();
    let joined = join(QUESTION, [other(), other()].into_iter()).unwrap();
    let counts: Value = serde_json::from_str(&joined.counts()).unwrap();
    let lines: Vec<_> = counts["places"].as_array().unwrap().iter().map(|place| &place["line"]).collect();
    assert_eq!(lines, [2, 2]);
}

#[test]
fn what_is_no_part_of_this_question_is_refused() {
    let part = part(&text(), 0, 100);
    assert!(join(QUESTION, [part.clone()].into_iter()).is_ok());
    for damaged in
        [&part[..part.len() - 1], &part[..10], b"", b"\xff\xff\xff\xff", &[&part[..], b"x"].concat()]
    {
        let failure = join(QUESTION, [damaged.to_vec()].into_iter()).err().unwrap();
        assert_eq!(failure.code(), "part");
    }
    assert_eq!(join("[]", std::iter::empty()).err().unwrap().code(), "configuration");
}

/// Groups by route would stand there as groups by status.
#[test]
fn a_part_of_another_question_is_refused() {
    let asked = r#"{"by":["route"],"measure":["sum(n)"],"every":"1h","where":"n > 1","strict":true}"#;
    let text = "{\"ts\":\"2026-11-21T10:00:00Z\",\"route\":\"a\",\"n\":2}\n";
    let part = fold_part(asked, "ndjson", part_of(text, 0, text.len()), &()).unwrap();
    for (ours, theirs) in [
        ("route", "status"),
        ("sum(n)", "sum(value)"),
        ("sum", "count"),
        ("1h", "5m"),
        ("n > 1", "n > 2"),
        (r#""every":"1h","#, ""),
    ] {
        let other = asked.replace(ours, theirs);
        assert_eq!(join(&other, [part.clone()].into_iter()).err().unwrap().code(), "part", "{other}");
    }
    for (ours, theirs) in [("n > 1", "n>1"), ("1h", "60m"), ("true", "false")] {
        let same = asked.replace(ours, theirs);
        let joined = join(&same, [part.clone()].into_iter()).unwrap();
        assert!(joined.text("csv").unwrap().contains("a,2"), "{same}");
    }
}

#[test]
fn only_formats_whose_lines_stand_alone_are_read_in_parts() {
    for format in ["csv", "segment", "none"] {
        let failure = fold_part("{}", format, part_of("a,b\n1,2\n", 4, 8), &()).err().unwrap();
        assert_eq!(failure.code(), "format");
    }
}

#[test]
fn a_malformed_line_of_a_part_is_told_with_where_the_part_starts() {
    let text = "{}\n{}\n{}\nnone\n";
    let told = |start| {
        let failure = fold_part(r#"{"strict":true}"#, "ndjson", part_of(text, start, text.len()), &());
        let failure = failure.err().unwrap();
        assert_eq!(failure.code(), "malformed");
        failure.story()
    };
    assert!(told(0).starts_with("`a`, line 4: "), "{}", told(0));
    assert!(told(3).starts_with("`a`, line 2 behind byte 3: "), "{}", told(3));
}
