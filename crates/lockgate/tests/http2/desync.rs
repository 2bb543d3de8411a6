//! The requests of http_desync_guardian that HTTP/2 can express, sent by it to an origin that logs raw bytes.

use serde_json::Value;
use testkit::Origin;
use testkit::oracle::{self, Rest};

use crate::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, Outcome, block, frame};
use crate::{Frames, start};

/// What comes behind a head, so that something could be smuggled in it.
const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

fn text(value: &Value) -> &str {
    value.as_str().expect("every cell of the data is text")
}

/// The fields of a case as HTTP/2 would say them: in lower case, `Host` as the authority.
fn fields(case: &Value) -> Vec<(String, String)> {
    let named = |name: &str| name.trim().to_ascii_lowercase();
    let written: Vec<(String, String)> = case["fields"]
        .as_array()
        .expect("fields are a list")
        .iter()
        .map(|field| (text(&field[0]).to_ascii_lowercase(), text(&field[1]).to_owned()))
        .collect();
    let host = written.iter().find(|(name, _)| named(name) == "host").map_or("test", |(_, value)| value);
    let pseudo = [
        (":method", text(&case["method"])),
        (":scheme", "http"),
        (":authority", host),
        (":path", text(&case["target"])),
    ];
    let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rest = written.iter().filter(|(name, _)| named(name) != "host").cloned();
    pseudo.into_iter().chain(rest).collect()
}

/// What a case announces; without a length, everything there is.
fn announced(fields: &[(String, String)]) -> usize {
    let length = fields.iter().find(|(name, _)| name == "content-length");
    length.and_then(|(_, value)| value.parse().ok()).unwrap_or(usize::MAX)
}

#[test]
fn no_desync_request_reaches_the_origin_but_as_one_clean_request() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/http_desync_guardian/requests.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 159);
    let origin = Origin::echo();
    let gateway = start("", &origin);
    let mut passed = std::collections::BTreeMap::<String, [usize; 2]>::new();
    let (mut hits, mut without_body) = (0, 0);
    // HTTP/2 says no version.
    let expressible = cases.iter().filter(|case| text(&case["version"]) == "HTTP/1.1");
    for case in expressible {
        let (name, tier) = (text(&case["name"]), text(&case["tier"]));
        let written = fields(case);
        let head =
            block(&written.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
        let mut client = Frames::connect(gateway.address());
        let body = SMUGGLED.get(..announced(&written)).unwrap_or(SMUGGLED);
        let sent = [frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, body)].concat();
        // A refusal may close while the rest is still being sent.
        let _ = client.send(&sent);
        let outcome = client.outcome(1);
        let is_passed = outcome == Outcome::Answered(200);
        let is_refused = matches!(
            outcome,
            Outcome::Answered(400 | 414 | 431 | 501) | Outcome::Reset(1) | Outcome::Ended(1)
        );
        assert!(is_passed || is_refused, "{name}: {outcome:?}");
        passed.entry(tier.to_owned()).or_default()[usize::from(is_passed)] += 1;
        hits += usize::from(is_passed);
        // What is said to have no body is passed on without waiting for one.
        let is_empty = |(name, value): &(String, String)| name == "content-length" && value == "0";
        without_body += usize::from(!is_passed && written.iter().any(is_empty));
    }
    let mut seen = 0;
    for connection in origin.connections() {
        let stream = oracle::requests(&connection.bytes);
        // A request may have been begun for a body that then turned out to be of another length.
        assert!(matches!(stream.rest, Rest::Nothing | Rest::Partial(_)), "{connection:?}");
        for request in &stream.requests {
            assert_ne!(request.line.target, "/smuggled", "{connection:?}");
            assert!(SMUGGLED.starts_with(&request.body.content), "{request:?}");
        }
        seen += stream.requests.len();
    }
    println!("tier, refused and passed: {passed:?}");
    assert!((hits..=hits + without_body).contains(&seen), "{seen} of {hits} and {without_body}");
    assert_eq!(passed["Severe"][1], 0);
    assert!(passed["Compliant"][1] > 0);
}
