//! Heads and chunked bodies: what the fast parser accepts, the naive one reads the same way.

use ::http1::{Chunked, HeadLimits, encode_request, encode_response, parse_request, parse_response};
use message::{Body, Method, Version};

use crate::oracle::{self, Fault, Framing, Parsed};

/// Takes the bytes for a request head. What is accepted, the oracle accepts with the same framing, and so does it
/// what is sent on to an upstream.
pub fn request_head(data: &[u8]) {
    let limits = HeadLimits::default();
    let mut request = message::Request::default();
    let result = parse_request(data, &limits, &mut request);
    check_prefix(data, result.is_ok(), |prefix| {
        parse_request(prefix, &limits, &mut message::Request::default()).map(|length| length.is_some()).ok()
    });
    let Ok(Some(length)) = result else { return };
    let head = without_empty_lines(&data[..length]);
    let (line, fields) = whole(oracle::request_head(head), head.len());
    let framing = oracle::request_framing(&line, &fields).expect("a head that is accepted has one framing");
    assert_eq!(line.method, request.method_text());
    check_framing(framing, request.body);
    if request.authority().is_empty() {
        request.set_authority("upstream");
    }
    let mut sent = Vec::new();
    encode_request(&request, &mut sent);
    let (sent_line, sent_fields) = whole(oracle::request_head(&sent), sent.len());
    assert_eq!(sent_line.method, line.method);
    assert_eq!(sent_fields.all("host").len(), 1);
    let framing = oracle::request_framing(&sent_line, &sent_fields).expect("what is sent on has one framing");
    check_framing(framing, request.body);
}

/// Takes the bytes for a response head, its first byte for the request's method.
pub fn response_head(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let method = if choice == b'H' { Method::Head } else { Method::Get };
    let limits = HeadLimits::default();
    let mut response = message::Response::default();
    let result = parse_response(data, &limits, method, &mut response);
    check_prefix(data, result.is_ok(), |prefix| {
        let mut response = message::Response::default();
        parse_response(prefix, &limits, method, &mut response).map(|length| length.is_some()).ok()
    });
    let Ok(Some(length)) = result else { return };
    let method = if method == Method::Head { "HEAD" } else { "GET" };
    let head = with_reason(&data[..length]);
    let (line, fields) = whole(oracle::response_head(&head), head.len());
    let framing =
        oracle::response_framing(&line, &fields, method).expect("a head that is accepted has one framing");
    assert_eq!(line.status, response.status);
    if response.body != Body::Tunnel {
        check_framing(framing, response.body);
    }
    let mut sent = Vec::new();
    encode_response(&response, Version::Http11, true, &mut sent);
    let (sent_line, sent_fields) = whole(oracle::response_head(&sent), sent.len());
    let framing =
        oracle::response_framing(&sent_line, &sent_fields, method).expect("what is sent on has one framing");
    if response.body != Body::Tunnel {
        check_framing(framing, ::http1::framing_for(response.body, Version::Http11));
    }
}

/// Takes the bytes for a chunked body that arrives in pieces, whose size is the first byte. How it is cut makes no
/// difference, and what is accepted is what the oracle reads.
pub fn chunked(data: &[u8]) {
    let Some((&piece, data)) = data.split_first() else { return };
    let at_once = decode(data, data.len().max(1));
    let in_pieces = decode(data, usize::from(piece).max(1));
    assert_eq!(at_once.ended, in_pieces.ended);
    assert_eq!(at_once.refused, in_pieces.refused);
    if !at_once.refused {
        assert_eq!(at_once.content, in_pieces.content);
    }
    match oracle::chunked(data) {
        Parsed::Complete(body, used) if at_once.ended => {
            assert_eq!((at_once.content, at_once.consumed), (body.content, used));
        }
        // Extensions are dropped, so what they look like is not judged.
        Parsed::Refused(Fault::ChunkExtension) => {}
        other => assert!(!at_once.ended, "the decoder saw an end where the oracle says {other:?}"),
    }
}

#[derive(Default)]
struct Outcome {
    content: Vec<u8>,
    consumed: usize,
    ended: bool,
    refused: bool,
}

/// Shows the decoder `piece` more bytes at a time, as a connection would.
fn decode(data: &[u8], piece: usize) -> Outcome {
    let mut decoder = Chunked::new();
    let mut outcome = Outcome::default();
    let mut shown = 0;
    while shown < data.len() && !outcome.ended && !outcome.refused {
        shown = data.len().min(shown + piece);
        let mut buffer = data[outcome.consumed..shown].to_vec();
        match decoder.decode(&mut buffer) {
            Ok(decoded) => {
                assert!(decoded.data <= decoded.consumed && decoded.consumed <= buffer.len());
                outcome.content.extend_from_slice(&buffer[..decoded.data]);
                outcome.consumed += decoded.consumed;
                outcome.ended = decoded.end;
            }
            Err(_) => outcome.refused = true,
        }
    }
    outcome
}

/// More bytes never make a head of a beginning that was refused.
fn check_prefix(data: &[u8], is_accepted: bool, parse: impl Fn(&[u8]) -> Option<bool>) {
    let half = parse(&data[..data.len() / 2]);
    assert!(half.is_some() || !is_accepted, "a refused beginning became a head");
}

/// A server passes over empty lines before a request line (RFC 9112 section 2.2); the oracle does not.
fn without_empty_lines(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\r\n").map_or(head, without_empty_lines)
}

/// A status line without reason may also lack the space before it, as many servers send it (RFC 9112 section 4 wants
/// it of them); the oracle insists.
fn with_reason(head: &[u8]) -> Vec<u8> {
    let mut head = head.to_vec();
    if head.get(12) == Some(&b'\r') {
        head.insert(12, b' ');
    }
    head
}

pub(super) fn whole<T: std::fmt::Debug>(parsed: Parsed<T>, length: usize) -> T {
    match parsed {
        Parsed::Complete(head, used) if used == length => head,
        other => panic!("{length} bytes were accepted, of which the oracle says {other:?}"),
    }
}

pub(super) fn check_framing(framing: Framing, body: Body) {
    let same = match (framing, body) {
        (Framing::None | Framing::Length(0), Body::Empty) => true,
        (Framing::Length(length), Body::Length(its)) => length == its,
        (Framing::Chunked, Body::Streamed) | (Framing::Close, Body::UntilClose) => true,
        _ => false,
    };
    assert!(same, "{framing:?} was read as {body:?}");
}
