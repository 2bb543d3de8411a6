//! The vectors that all bindings share, asked of the core: what they expect is what it says.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use lockgate_analytics::input::{Format, Input, InputError, Options, Source, analyze};
use lockgate_analytics::{Query, write_json};
use serde_json::{Value, json};

/// The question of a vector; `None` when it is refused.
fn query(config: &Value) -> Option<Query> {
    let usage = Query::usage();
    let texts = |key: &str| {
        let list = config.get(key)?.as_array().unwrap().iter();
        Some(list.map(|text| text.as_str().unwrap()).collect::<Vec<_>>())
    };
    let text = |key: &str| config.get(key).map(|text| text.as_str().unwrap());
    let measures = texts("measure").map(|all| all.iter().map(|text| text.parse().ok()).collect());
    Some(Query {
        filter: text("where").map(str::parse).transpose().ok()?,
        group_by: texts("by").map_or(usage.group_by, |all| all.into_iter().map(Into::into).collect()),
        measures: measures.unwrap_or(Some(usage.measures))?,
        every: text("every").map(str::parse).transpose().ok()?,
        time_field: text("time_field").map_or(usage.time_field, Into::into),
    })
}

/// What the core says, under the keys of a vector.
fn answer(vector: &Value) -> Value {
    let config = &vector["config"];
    let Some(query) = query(config) else { return json!({ "fails": "configuration" }) };
    let format = match vector["format"].as_str().unwrap() {
        "ndjson" => Some(Format::Ndjson),
        "csv" => Some(Format::Csv),
        "combined" => Some(Format::Combined),
        "detect" => None,
        other => panic!("no format: {other}"),
    };
    let strict = config.get("strict") == Some(&Value::Bool(true));
    let plan = query.plan();
    let source = Source::Bytes(vector["input"].as_str().unwrap().as_bytes());
    let inputs = vec![Input { name: "data".into(), source }];
    let found = match analyze(&plan, inputs, Options { format, strict, threads: None }, &()) {
        Err(InputError::Malformed(_)) => return json!({ "fails": "malformed" }),
        found => found.unwrap(),
    };
    let mut report = Vec::new();
    write_json(&found.partial.report(), &mut report);
    json!({
        "report": serde_json::from_slice::<Value>(&report).unwrap(),
        "rows": found.partial.rows(),
        "malformed": found.malformed,
        "timeless": found.partial.timeless(),
        "malformed_lines": found.places.iter().map(|place| place.line).collect::<Vec<_>>(),
    })
}

/// What a vector expects, with what it leaves out.
fn expected(vector: &Value) -> Value {
    if let Some(fails) = vector.get("fails") {
        return json!({ "fails": fails });
    }
    let or = |key: &str, absent: Value| vector.get(key).cloned().unwrap_or(absent);
    json!({
        "report": vector["report"],
        "rows": vector["rows"],
        "malformed": vector["malformed"],
        "timeless": or("timeless", json!(0)),
        "malformed_lines": or("malformed_lines", json!([])),
    })
}

#[test]
fn the_core_answers_every_shared_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bindings/vectors");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert!(files.len() >= 15, "{files:?}");
    for path in files {
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(answer(&vector), expected(&vector), "{}: {}", path.display(), vector["about"]);
    }
}
