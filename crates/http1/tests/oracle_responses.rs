//! The engine and testkit's naive parser read the same responses alike, whole or in pieces.

use http1::{BodyDecoder, HeadError, HeadLimits, parse_response};
use message::{Body, Known, Method, Response};
use testkit::oracle::{self, Fault, Parsed};
use testkit::random::{self, Random};

/// Cases of each comparison; a failure prints its bytes.
const CASES: u64 = 60_000;

#[derive(Debug, PartialEq)]
enum Read {
    /// The content, and how many bytes it took.
    Whole(Vec<u8>, usize),
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
            return Read::Whole(content, used);
        }
        if shown == bytes.len() {
            let closed = ended && decoder.close().is_ok();
            return if closed { Read::Whole(content, used) } else { Read::Partial };
        }
        let piece = (1 + random.below(9)).min(bytes.len() - shown);
        window.extend_from_slice(&bytes[shown..shown + piece]);
        shown += piece;
    }
}

/// Refused by the engine alone: a field whose name looks like one that frames, and an interim answer that announces a body or
/// switches to nothing.
fn may_be_stricter(error: HeadError, bytes: &[u8]) -> bool {
    let is_lookalike = |line: &[u8]| {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        Known::of(name) == Known::FramingLookalike
    };
    match error {
        HeadError::FieldName => bytes.split(|&byte| byte == b'\n').any(is_lookalike),
        HeadError::FramingConflict | HeadError::Status => bytes.get(9) == Some(&b'1'),
        _ => false,
    }
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
                !matches!(expected, Parsed::Complete(..)) || may_be_stricter(error, bytes),
                "well-formed, but refused as {error:?}: {shown}"
            );
            return "refuses";
        }
    };
    match (decode(response.body, &bytes[head_used..], true, random), expected) {
        (Read::Whole(content, used), Parsed::Complete(message, total)) => {
            assert_eq!(response.status, message.line.status, "{shown}");
            assert_eq!((head_used + used, content), (total, message.body.content), "{shown}");
            "agree"
        }
        // An extension is dropped and need not be of a form that nobody reads; its line end is judged.
        (Read::Whole(..), Parsed::Refused(Fault::ChunkExtension)) => "lenient",
        (Read::Whole(..), Parsed::Refused(fault)) => {
            // A status line without the space before its empty reason is common enough to be read.
            let without_space = bytes.get(12..14) == Some(b"\r\n");
            assert!(
                fault == Fault::StartLine && without_space,
                "accepted, but the oracle says {fault:?}: {shown}"
            );
            "lenient"
        }
        (Read::Whole(..), Parsed::Partial) => panic!("accepted, but not whole: {shown}"),
        // The space that RFC 9112 section 7.1.1 lets stand before an extension is refused.
        (Read::Refused, Parsed::Complete(..)) if shown.contains(" ;") || shown.contains("\\t;") => "refuses",
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
