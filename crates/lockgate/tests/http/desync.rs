//! The 159 requests of http_desync_guardian, sent through the running gateway to an origin that logs raw bytes.

use serde_json::Value;
use testkit::oracle::{self, Parsed};
use testkit::{ClientError, Origin};

use crate::Stand;

/// One case with the crate's verdict.
struct Case {
    name: String,
    tier: String,
    bytes: Vec<u8>,
}

const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
/// Content is cut at this, so that a case that announces a terabyte stays a test.
const CONTENT_BYTES_MAX: u64 = 5_000_000;

fn text(value: &Value) -> &str {
    value.as_str().expect("every cell of the data is text")
}

/// One character is one byte.
fn push(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(text.chars().map(|c| u8::try_from(u32::from(c)).expect("the data holds bytes")));
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/http_desync_guardian/requests.json");
    let data: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    data.iter().map(case).collect()
}

fn case(data: &Value) -> Case {
    let mut bytes = Vec::new();
    for (cell, end) in [("method", " "), ("target", " "), ("version", "\r\n")] {
        push(&mut bytes, text(&data[cell]));
        push(&mut bytes, end);
    }
    let fields = data["fields"].as_array().expect("fields are a list");
    if !fields.iter().any(|f| text(&f[0]).eq_ignore_ascii_case("host")) {
        push(&mut bytes, "Host: test\r\n");
    }
    for field in fields {
        push(&mut bytes, text(&field[0]));
        push(&mut bytes, ": ");
        push(&mut bytes, text(&field[1]));
        push(&mut bytes, "\r\n");
    }
    push(&mut bytes, "\r\n");
    push(&mut bytes, &content(fields));
    Case { name: text(&data["name"]).into(), tier: text(&data["tier"]).into(), bytes }
}

/// What a plain reading of the fields asks for: an empty chunked body, or as many bytes as announced.
fn content(fields: &[Value]) -> String {
    let of = |name: &str| {
        fields.iter().find(|f| text(&f[0]).trim().eq_ignore_ascii_case(name)).map(|f| text(&f[1]))
    };
    if of("transfer-encoding").is_some() {
        return "0\r\n\r\n".into();
    }
    let length = of("content-length").and_then(|v| v.trim().parse::<u64>().ok()).unwrap_or(0);
    "x".repeat(length.min(CONTENT_BYTES_MAX) as usize)
}

/// What came of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Passed,
    Refused,
}

/// What reached the origin since the last look, on whatever connections.
fn news(stand: &Stand, looked: &mut Vec<usize>) -> Vec<oracle::Request> {
    let mut requests = Vec::new();
    for (number, record) in stand.origin.connections().iter().enumerate() {
        if looked.len() <= number {
            looked.push(0);
        }
        let stream = oracle::requests(&record.bytes[looked[number]..]);
        assert_eq!(stream.rest, oracle::Rest::Nothing, "{record:?}");
        looked[number] = record.bytes.len();
        requests.extend(stream.requests);
    }
    requests
}

/// Methods and lengths of contents, in an order that does not depend on connections.
fn summary(requests: &[oracle::Request]) -> Vec<(String, usize)> {
    let mut all: Vec<_> = requests.iter().map(|r| (r.line.method.clone(), r.body.content.len())).collect();
    all.sort();
    all
}

/// Sends one case with a second request behind it; the origin may see only what the oracle sees in those bytes.
fn run(stand: &Stand, looked: &mut Vec<usize>, case: &Case) -> Outcome {
    let sent = [&case.bytes, SMUGGLED].concat();
    let mut expected = oracle::requests(&sent).requests;
    let mut client = stand.gateway.connect().unwrap();
    // A refusal may close while the rest is still being sent.
    let _ = client.send(&sent);
    let method = case.bytes.split(|&b| b == b' ').next().unwrap_or(b"GET");
    let response = match client.response(&String::from_utf8_lossy(method)) {
        Ok(response) => {
            // After an announced close the second request is not served.
            let close = response.fields.lists("connection", "close");
            expected.truncate(if close { 1 } else { 2 });
            response.status()
        }
        Err(ClientError::Io(_)) => 400,
        Err(other) => panic!("{}: {other:?}", case.name),
    };
    let outcome = if response == 200 { Outcome::Passed } else { Outcome::Refused };
    if outcome == Outcome::Passed && expected.len() == 2 {
        assert_eq!(client.response("GET").unwrap().status(), 200, "{}", case.name);
    } else if outcome == Outcome::Refused {
        assert!(matches!(response, 400 | 505), "{}: {response}", case.name);
        // The body of the refusal may follow even a HEAD, whose method could not be read.
        let closed = matches!(client.rest(), Ok(_) | Err(ClientError::Io(_)));
        assert!(closed, "{}: refused, but open", case.name);
    }
    drop(client);
    let seen = summary(&news(stand, looked));
    let wanted = summary(&expected);
    match outcome {
        Outcome::Passed => assert_eq!(seen, wanted, "{}", case.name),
        Outcome::Refused => assert_eq!(seen, [], "{}", case.name),
    }
    outcome
}

#[test]
fn no_desync_request_reaches_the_origin_but_as_one_clean_request() {
    let cases = cases();
    assert_eq!(cases.len(), 159);
    let stand = Stand::new(Origin::echo());
    let mut looked = Vec::new();
    let mut counts = std::collections::BTreeMap::<(String, bool), usize>::new();
    for case in &cases {
        let outcome = run(&stand, &mut looked, case);
        let valid = matches!(oracle::request(&case.bytes), Parsed::Complete(..));
        // The gateway may be stricter than RFC 9112 only with what is suspicious, such as `Transfer_Encoding`.
        let suspicious = ["Ambiguous", "Severe"].contains(&case.tier.as_str());
        let right = if outcome == Outcome::Passed { valid } else { !valid || suspicious };
        assert!(right, "{outcome:?}: {}: {}", case.name, case.bytes.escape_ascii());
        *counts.entry((case.tier.clone(), outcome == Outcome::Passed)).or_default() += 1;
    }
    let count = |tier: &str, passed| counts.get(&(tier.to_owned(), passed)).copied().unwrap_or(0);
    println!("tier, passed, refused: {counts:?}");
    // Nothing severe passes. Of the compliant ones those are refused that RFC 9112 or our stricter rules refuse:
    // codings beside `chunked`, and targets with bytes that no URI has.
    assert_eq!(count("Severe", true), 0);
    assert_eq!((count("Compliant", true), count("Compliant", false)), (COMPLIANT_PASSED, COMPLIANT_REFUSED));
}

const COMPLIANT_PASSED: usize = 18;
const COMPLIANT_REFUSED: usize = 10;
