//! The engine and testkit's naive parser read the same bytes alike, whole or in pieces.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]

use http1::{BodyDecoder, HeadError, HeadLimits, parse_request, parse_response};
use message::{Body, Method, Request, Response};
use testkit::oracle::{self, Fault, Framing, Parsed};
use testkit::random::{self, Random};

/// Cases of each comparison; a failure prints its bytes.
const CASES: u64 = 60_000;

/// What the engine makes of a message: body, and how many bytes it took.
type Whole = (Vec<u8>, Vec<(String, String)>, usize);

#[derive(Debug, PartialEq)]
enum Read {
    Whole(Whole),
    Partial,
    Refused,
}

/// Runs a body decoder over pieces cut at random.
fn decode(body: Body, bytes: &[u8], ended: bool, random: &mut Random) -> Read {
    let mut decoder = BodyDecoder::new(body);
    let (mut window, mut content, mut shown, mut used) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        let Ok(done) = decoder.decode(&mut window) else { return Read::Refused };
        content.extend_from_slice(&window[..done.data]);
        window.drain(..done.consumed);
        used += done.consumed;
        if done.end {
            let trailers = decoder.trailers().map(pairs).unwrap_or_default();
            return Read::Whole((content, trailers, used));
        }
        if shown == bytes.len() {
            let closed = ended && decoder.close().is_ok();
            return if closed { Read::Whole((content, Vec::new(), used)) } else { Read::Partial };
        }
        let piece = (1 + random.below(9)).min(bytes.len() - shown);
        window.extend_from_slice(&bytes[shown..shown + piece]);
        shown += piece;
    }
}

fn pairs(fields: &message::Fields) -> Vec<(String, String)> {
    let latin = |bytes: &[u8]| bytes.iter().map(|&b| char::from(b)).collect::<String>();
    fields.iter().map(|(name, value)| (latin(name).to_ascii_lowercase(), latin(value))).collect()
}

fn lower(fields: &oracle::Fields) -> Vec<(String, String)> {
    fields.0.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

fn framing(body: Body) -> Framing {
    match body {
        Body::Empty => Framing::None,
        Body::Length(length) => Framing::Length(length),
        Body::Streamed => Framing::Chunked,
        Body::UntilClose | Body::Tunnel => Framing::Close,
    }
}

/// The engine forgives two empty lines before a request, which the oracle does not (RFC 9112 section 2.2).
fn without_empty_lines(bytes: &[u8]) -> &[u8] {
    let once = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    once.strip_prefix(b"\r\n").unwrap_or(once)
}

/// Refusals for reasons that the oracle does not know: forms of paths and hosts, and what the gateway does not offer.
fn may_be_stricter(error: HeadError) -> bool {
    matches!(error, HeadError::Target | HeadError::Connect | HeadError::HostMalformed)
}

fn check_request(bytes: &[u8], random: &mut Random) -> &'static str {
    let shown = bytes.escape_ascii();
    let mut request = Request::default();
    let head = parse_request(bytes, &HeadLimits::default(), &mut request);
    let plain = without_empty_lines(bytes);
    let skipped = bytes.len() - plain.len();
    let expected = oracle::request(plain);
    let head_used = match head {
        Ok(Some(used)) => used,
        Ok(None) => {
            assert!(!matches!(expected, Parsed::Complete(..)), "whole, but the engine waits: {shown}");
            return "waits";
        }
        Err(error) => {
            let whole = matches!(expected, Parsed::Complete(..));
            assert!(!whole || may_be_stricter(error), "well-formed, but refused as {error:?}: {shown}");
            return "refuses the head";
        }
    };
    let read = decode(request.body, &bytes[head_used..], false, random);
    match (read, expected) {
        (Read::Whole((content, trailers, used)), Parsed::Complete(message, total)) => {
            assert_eq!(request.method_text(), message.line.method, "{shown}");
            let known = oracle::request_framing(&message.line, &message.fields).unwrap();
            assert!(framing(request.body) == known || known == Framing::Length(0), "{shown}");
            assert_eq!((head_used + used, content), (total + skipped, message.body.content), "{shown}");
            let all = lower(&message.body.trailers);
            // Trailers that may not be forwarded are dropped; none is made up.
            assert!(trailers.iter().all(|trailer| all.contains(trailer)), "{trailers:?} of {all:?}: {shown}");
            "agree on a whole request"
        }
        (Read::Partial, Parsed::Complete(..)) => panic!("whole, but the engine waits for more: {shown}"),
        (Read::Refused, Parsed::Complete(..)) => panic!("well-formed, but its body is refused: {shown}"),
        // The oracle may see a fault later in the bytes while the engine waits, but never accepts what it refuses.
        (Read::Whole(_), other) => panic!("accepted, but the oracle says {other:?}: {shown}"),
        (Read::Partial | Read::Refused, _) => "refuses the body or waits for it",
    }
}

#[test]
fn requests_are_read_alike() {
    let mut random = Random::new(7);
    let mut outcomes = std::collections::BTreeMap::<&str, u64>::new();
    for _ in 0..CASES {
        let mut bytes = random::request(&mut random);
        if random.once_in(2) {
            random::mutate(&mut random, &mut bytes);
        }
        *outcomes.entry(check_request(&bytes, &mut random)).or_default() += 1;
    }
    // A generator that makes only refusals would prove nothing.
    assert!(outcomes["agree on a whole request"] > CASES / 20, "{outcomes:?}");
    assert!(outcomes["refuses the head"] > CASES / 20, "{outcomes:?}");
}

const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 Not Modified",
    "HTTP/1.1 404 ",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 600 X",
    "HTTP/2 200 OK",
];
const FIELDS: &[&str] = &[
    "Content-Length: 5",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked",
    "Content-Length: 6",
    "Content-Length: +5",
    "Transfer-Encoding: gzip, chunked",
    "Connection: close",
    "X: y",
    "X : y",
    "X: a\u{0}b",
];
const BODIES: &[&str] = &[
    "",
    "hello",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
    "5\r\nhelloX\r\n",
    "x\r\n",
];

fn random_response(random: &mut Random) -> Vec<u8> {
    let mut text = format!("{}\r\n", random.pick(STATUS_LINES));
    for _ in 0..random.below(3) {
        text.push_str(random.pick::<&str>(FIELDS));
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(random.pick::<&str>(BODIES));
    text.into_bytes()
}

fn check_response(bytes: &[u8], method: &str, random: &mut Random) -> &'static str {
    let shown = format!("to {method}: {}", bytes.escape_ascii());
    let mut response = Response::default();
    let head = parse_response(bytes, &HeadLimits::default(), Method::of(method.as_bytes()), &mut response);
    let expected = oracle::response(bytes, method, true);
    let head_used = match head {
        Ok(Some(used)) => used,
        Ok(None) => {
            assert!(!matches!(expected, Parsed::Complete(..)), "whole, but the engine waits: {shown}");
            return "waits";
        }
        Err(error) => {
            assert!(
                !matches!(expected, Parsed::Complete(..)),
                "well-formed, but refused as {error:?}: {shown}"
            );
            return "refuses";
        }
    };
    match (decode(response.body, &bytes[head_used..], true, random), expected) {
        (Read::Whole((content, _, used)), Parsed::Complete(message, total)) => {
            assert_eq!(response.status, message.line.status, "{shown}");
            assert_eq!((head_used + used, content), (total, message.body.content), "{shown}");
            "agree"
        }
        (Read::Whole(_), Parsed::Refused(fault)) => {
            // A status line without the space before its empty reason is common enough to be read.
            let without_space = bytes.get(12..14) == Some(b"\r\n");
            assert!(
                fault == Fault::StartLine && without_space,
                "accepted, but the oracle says {fault:?}: {shown}"
            );
            "lenient"
        }
        (Read::Whole(_), Parsed::Partial) => panic!("accepted, but not whole: {shown}"),
        (_, Parsed::Complete(..)) => panic!("whole, but not read: {shown}"),
        _ => "refuses",
    }
}

#[test]
fn responses_are_read_alike() {
    let mut random = Random::new(11);
    let mut agreed = 0;
    for _ in 0..CASES {
        let mut bytes = random_response(&mut random);
        if random.once_in(2) {
            random::mutate(&mut random, &mut bytes);
        }
        let method = random.pick(&["GET", "GET", "HEAD"]);
        agreed += u64::from(check_response(&bytes, method, &mut random) == "agree");
    }
    assert!(agreed > CASES / 20, "{agreed}");
}
