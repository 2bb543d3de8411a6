//! Files are known by their starts, and what is suggested can be asked.

use super::*;
use crate::analysis::{analyze, in_memory};
use std::io::Write;

#[track_caller]
fn check(name: &str, start: &str, format: Option<Format>, fields: &[&str], question: &Value) {
    let inspection = inspect(name, start.as_bytes());
    assert_eq!(
        (inspection.format, &inspection.fields),
        (format, &fields.iter().map(|f| (*f).to_owned()).collect())
    );
    assert_eq!(inspection.question(), *question);
    if format.is_some() {
        analyze(&inspection.question().to_string(), None, vec![in_memory(start.as_bytes())], &()).unwrap();
    }
}

const LOG: &str = "::1 - - [21/Nov/2026:01:20:23 +0000] \"GET /a?b HTTP/1.1\" 200 5 \"x\" \"curl\"\n";

#[test]
fn lines_of_json_tell_their_keys() {
    let text = "{\"ts\":1,\"route\":\"a\"}\nnone\n{\"route\":\"b\",\"latency_us\":7}\n{\"cut off";
    let question = json!({ "by": ["route"], "measure": ["count", "p99(latency_us)"] });
    check("x", text, Some(Format::Ndjson), &["route", "ts", "latency_us"], &question);
}

#[test]
fn a_header_tells_its_names() {
    let question = json!({ "by": ["city"], "measure": ["count"] });
    check("x.csv", "ts;city;\"a;b\"\n1;2;3\n", Some(Format::Csv), &["ts", "city", "a;b"], &question);
}

#[test]
fn an_access_log_is_asked_for_its_paths() {
    let question = json!({ "by": ["path"], "measure": ["count", "sum(bytes_out)"] });
    check("access.log", LOG, Some(Format::Combined), Format::Combined.fields(), &question);
}

#[test]
fn what_nothing_tells_has_no_fields() {
    check("notes.txt", "hello there\n", None, &[], &json!({ "by": [], "measure": ["count"] }));
    check("", "", None, &[], &json!({ "by": [], "measure": ["count"] }));
}

#[test]
fn the_start_of_a_compressed_file_is_enough() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(LOG.repeat(1000).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    assert_eq!(inspect("a.gz", &whole[..whole.len() / 2]).format, Some(Format::Combined));
}

#[test]
fn every_field_of_a_log_is_there() {
    let measures: Vec<String> =
        Format::Combined.fields().iter().map(|field| format!("count({field})")).collect();
    let question = json!({ "by": [], "measure": measures }).to_string();
    let line = format!("example.org:80 {}", LOG.replace(" - -", " - 7"));
    let answer = analyze(&question, None, vec![in_memory(line.as_bytes())], &()).unwrap();
    let counts: Vec<Map<String, Value>> = serde_json::from_str(&answer.text("json").unwrap()).unwrap();
    assert_eq!(
        counts[0].values().cloned().collect::<Vec<_>>(),
        vec![json!(1); Format::Combined.fields().len()],
        "{counts:?}"
    );
}
