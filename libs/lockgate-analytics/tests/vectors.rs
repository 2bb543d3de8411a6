//! The vectors that all bindings share, asked of the core: what they expect is what it says.
#![cfg(feature = "configuration")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use lockgate_analytics::input::{Format, Input, InputError, Options, Source, analyze};
use lockgate_analytics::{Configuration, read_configuration, write_json};
use serde_json::{Value, json};

/// What the core says, under the keys of a vector.
fn answer(vector: &Value) -> Value {
    let asked = read_configuration(vector["config"].to_string().as_bytes());
    let Ok(Configuration { query, strict }) = asked else { return json!({ "fails": "configuration" }) };
    let format = vector["format"].as_str().filter(|format| *format != "detect");
    let format = format.map(|name| Format::named(name).unwrap());
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
