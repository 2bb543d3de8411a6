//! The vectors that all bindings share, and what the forms of an answer say.

use std::fs;
use std::io::Write;
use std::path::Path;

use lockgate_analytics::input::Source;

use super::*;

const LINES: &str =
    "{\"user_id\":1,\"value\":2,\"name\":\"<b>\"}\n{\"user_id\":2,\"value\":0.5}\n{\"user_id\":1}\nnone\n";

fn ask(configuration: &str, bytes: &[u8]) -> Result<Analysis, AnalysisError> {
    analyze(configuration, None, vec![in_memory(bytes)], &())
}

#[track_caller]
fn check_refused(configuration: &str, bytes: &[u8], code: &str, story: &str) {
    let failure = ask(configuration, bytes).err().unwrap();
    assert_eq!(failure.code(), code);
    assert!(failure.story().contains(story), "{}", failure.story());
}

/// What is said about a vector, under its keys.
fn answer(vector: &Value) -> Value {
    let format = vector["format"].as_str().filter(|format| *format != "detect");
    let inputs = vec![in_memory(vector["input"].as_str().unwrap().as_bytes())];
    let found = match analyze(&vector["config"].to_string(), format, inputs, &()) {
        Ok(found) => found,
        Err(failure) => return json!({ "fails": failure.code() }),
    };
    let counts: Value = serde_json::from_str(&found.counts()).unwrap();
    let lines: Vec<&Value> =
        counts["places"].as_array().unwrap().iter().map(|place| &place["line"]).collect();
    json!({
        "report": serde_json::from_str::<Value>(&found.text("json").unwrap()).unwrap(),
        "rows": counts["rows"],
        "malformed": counts["malformed"],
        "timeless": counts["timeless"],
        "malformed_lines": lines,
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
fn every_shared_vector_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert!(files.len() >= 15, "{files:?}");
    for path in files {
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(answer(&vector), expected(&vector), "{}: {}", path.display(), vector["about"]);
    }
}

#[test]
fn an_answer_says_the_same_in_every_form() {
    let found = ask(r#"{"by":["name"],"measure":["count","max(value)"]}"#, LINES.as_bytes()).unwrap();
    assert_eq!(
        found.text("ndjson").unwrap(),
        "{\"name\":null,\"count\":2,\"max(value)\":0.5}\n{\"name\":\"<b>\",\"count\":1,\"max(value)\":2}\n"
    );
    assert_eq!(found.text("csv").unwrap(), "name,count,max(value)\r\n,2,0.5\r\n<b>,1,2\r\n");
    let table: Value = serde_json::from_str(&found.table(1)).unwrap();
    let columns = json!([
        { "name": "name", "role": "group" },
        { "name": "count", "role": "measure" },
        { "name": "max(value)", "role": "measure" },
    ]);
    assert_eq!(table, json!({ "columns": columns, "rows": [[null, "2", "0.5"]], "groups": 2 }));
    assert!(found.svg(400, 300).unwrap().starts_with("<svg"));
    assert!(found.svg(400, 300).unwrap().contains("&lt;b&gt;"));
}

#[test]
fn malformed_lines_are_told_with_their_places() {
    let counts: Value = serde_json::from_str(&ask("{}", LINES.as_bytes()).unwrap().counts()).unwrap();
    assert_eq!((&counts["rows"], &counts["lines"], &counts["malformed"]), (&json!(3), &json!(4), &json!(1)));
    assert_eq!(counts["places"][0]["line"], 4);
}

#[test]
fn what_is_wrong_is_said_in_a_word_and_in_a_sentence() {
    check_refused("[]", b"", "configuration", "no JSON object: ");
    check_refused(r#"{"group":["a"]}"#, b"", "configuration", "unknown field `group`");
    check_refused(r#"{"where":"status >="}"#, b"", "configuration", "`where`: ");
    check_refused("{}", b"\0\x01\x02", "unknown", "`data` is neither");
    check_refused(r#"{"strict":true}"#, LINES.as_bytes(), "malformed", "`data`, line 4: ");
    check_refused("{}", b"\x1f\x8b\x08\0", "read", "the gzip data ends too early");
    let failure = analyze("{}", Some("xml"), vec![], &()).err().unwrap();
    assert_eq!((failure.code(), failure.story().as_str()), ("format", "`xml` is no format"));
    let found = ask("{}", b"{}").unwrap();
    assert_eq!(found.text("xml").unwrap_err().code(), "format");
    assert_eq!(found.svg(1, 1).unwrap_err().code(), "size");
}

#[test]
fn compressed_inputs_say_what_plain_ones_say() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(LINES.as_bytes()).unwrap();
    let (plain, compressed) =
        (ask("{}", LINES.as_bytes()).unwrap(), ask("{}", &gzip.finish().unwrap()).unwrap());
    assert_eq!(plain.text("json").unwrap(), compressed.text("json").unwrap());
    assert_eq!(plain.counts(), compressed.counts());
}

#[test]
fn several_inputs_are_one() {
    let input = |name: &str, text: &'static str| Input {
        name: name.into(),
        source: Source::Stream(Box::new(text.as_bytes())),
    };
    let inputs =
        vec![input("a.ndjson", "{\"user_id\":1,\"value\":1}\n"), input("b.csv", "user_id,value\n1,2\n")];
    let found = analyze("{}", None, inputs, &()).unwrap();
    assert_eq!(found.text("ndjson").unwrap(), "{\"user_id\":1,\"count\":2,\"total_value\":3}\n");
}

#[test]
fn the_watch_ends_the_reading() {
    struct Stop;
    impl Watch for Stop {
        fn is_interrupted(&self) -> bool {
            true
        }
    }
    let failure = analyze("{}", None, vec![in_memory(LINES.as_bytes())], &Stop).err().unwrap();
    assert_eq!(failure.code(), "interrupted");
}
