//! Heads of HTTP/2: whatever they are, one message of HTTP/1.1 with one framing comes of them, or none.

use ::http1::{HeadLimits, encode_request, encode_response, framing_for};
use http2::{Decoder, RequestReader, ResponseReader, TrailersReader, encode_field};
use message::{Body, Fields, Known, Method, Request, Response, Version, is_field_value, is_token};

use super::http1::{check_framing, whole};
use crate::oracle::{self, Framing};

/// Takes a request's head by lines: `W` if nothing follows it, else another letter, and the method; then scheme, authority and path,
/// any of them empty; then fields, of which `:protocol` may be the first.
pub fn h2_question(data: &[u8]) {
    let Some((head, is_whole)) = request_head(data) else { return };
    let mut block = Vec::new();
    for (name, value) in &head {
        encode_field(name, value, &mut block);
    }
    let mut request = Request::default();
    let mut reader = RequestReader::new(&HeadLimits::default(), &mut request);
    let decoded = Decoder::new(0).decode(&block, &mut Vec::new(), |name, value| reader.field(name, value));
    decoded.expect("what was encoded can be decoded");
    if reader.finish(is_whole).is_err() {
        return;
    }
    check_fields(&request.fields);
    let mut form = Vec::new();
    if !request.asterisk {
        policy::normalize_path(request.path().as_bytes(), &mut form).expect("a path in its one form");
        assert_eq!(request.path().as_bytes(), form);
    }
    let mut sent = Vec::new();
    encode_request(&request, &mut sent);
    let (line, fields) = whole(oracle::request_head(&sent), sent.len());
    assert_eq!(line.method, request.method_text());
    assert_eq!(fields.all("host"), [request.authority()]);
    let framing = oracle::request_framing(&line, &fields).expect("what is sent on has one framing");
    check_framing(framing, request.body);
    assert!(
        !is_whole || matches!(framing, Framing::None | Framing::Length(0)),
        "nothing follows: {framing:?}"
    );
    let crumbs = usize::from(has(&head, "cookie"));
    assert_eq!(fields.all("cookie").len(), crumbs, "one cookie");
    let is_tunnel = has(&head, ":protocol");
    assert_eq!(fields.has("upgrade"), is_tunnel, "another protocol is asked for where it was");
}

/// Takes an answer's head by lines: a letter (`H` in answer to HEAD, else another), `W` if nothing follows it, else another letter,
/// and the status, which is left out if it is empty; then fields, any of which may be a pseudo-field. They are taken for trailers, too.
pub fn h2_answer(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let Some([choice, end, status @ ..]) = lines.next() else { return };
    let (method, name) = if *choice == b'H' { (Method::Head, "HEAD") } else { (Method::Get, "GET") };
    let is_whole = *end == b'W';
    let first: Field<'_> = (b":status", status);
    let head: Vec<Field<'_>> =
        Some(first).filter(|_| !status.is_empty()).into_iter().chain(lines.filter_map(field)).collect();
    check_trailers(&head);
    let mut response = Response::default();
    let mut reader = ResponseReader::new(&HeadLimits::default(), method, &mut response);
    for (name, value) in &head {
        reader.field(name, value);
    }
    let Ok(left) = reader.finish(is_whole) else { return };
    check_head(&head, &response);
    check_fields(&response.fields);
    let mut sent = Vec::new();
    if response.status < 200 {
        assert!(!is_whole && left.is_none() && response.body == Body::Empty, "a final answer follows");
        return;
    }
    encode_response(&response, Version::Http11, true, &mut sent);
    let (line, fields) = whole(oracle::response_head(&sent), sent.len());
    assert_eq!(line.status, response.status);
    let framing = oracle::response_framing(&line, &fields, name).expect("what is sent on has one framing");
    check_framing(framing, framing_for(response.body, Version::Http11));
    let may_have = match response.body {
        Body::Length(length) => Some(length),
        Body::Empty => Some(0),
        _ => None,
    };
    // A length of nothing may be said of an answer to which it is known only at its end that nothing follows.
    assert!(left == may_have || is_whole && left.is_none(), "{left:?}: {response:?}");
}

/// What has been taken for a head says its status first and once, and its length once.
fn check_head(head: &[Field<'_>], response: &Response) {
    assert_eq!(head[0].0, b":status");
    assert_eq!(head[0].1, response.status.to_string().as_bytes());
    assert!((100..600).contains(&response.status) && response.status != 101, "HTTP/2 switches to nothing");
    let trimmed = |value: &[u8]| String::from_utf8_lossy(value).trim_matches([' ', '\t']).parse::<u64>();
    let lengths = || head.iter().filter(|(name, _)| *name == b"content-length").map(|(_, v)| trimmed(v).ok());
    assert!(lengths().all(|length| length.is_some() && Some(length) == lengths().next()), "one length");
    for (name, _) in &head[1..] {
        assert!(is_token(name) && !name.iter().any(u8::is_ascii_uppercase), "{:?}", name.escape_ascii());
        for bad in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
            assert_ne!(*name, bad.as_bytes(), "it speaks of a connection");
        }
    }
}

fn check_trailers(block: &[Field<'_>]) {
    let mut reader = TrailersReader::of_response(&HeadLimits::default());
    for (name, value) in block {
        reader.field(name, value);
    }
    if let Some(trailers) = reader.finish() {
        check_fields(&trailers);
        assert!(trailers.iter().all(|(name, _)| !name.starts_with(b":") && name != b"content-length"));
    }
}

type Field<'d> = (&'d [u8], &'d [u8]);

/// The fields of a head, and whether nothing follows it; a pseudo-field that is empty is left out.
fn request_head(data: &[u8]) -> Option<(Vec<Field<'_>>, bool)> {
    let mut lines = data.split(|&byte| byte == b'\n');
    let (&choice, method) = lines.next()?.split_first()?;
    let names: [&[u8]; 4] = [b":method", b":scheme", b":authority", b":path"];
    let values = [method, lines.next()?, lines.next()?, lines.next()?];
    let pseudo = names.into_iter().zip(values).filter(|(_, value)| !value.is_empty());
    Some((pseudo.chain(lines.filter_map(field)).collect(), choice == b'W'))
}

/// `name:value`; the first byte may be that of a pseudo-field.
fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().skip(1).position(|&byte| byte == b':')? + 1;
    Some((&line[..colon], &line[colon + 1..]))
}

fn has(head: &[Field<'_>], name: &str) -> bool {
    head.iter().any(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
}

/// No field frames the message, speaks of its connection, or can end its line.
fn check_fields(fields: &Fields) {
    for (name, value) in fields.iter() {
        let text = String::from_utf8_lossy(name);
        assert!(is_token(name) && is_field_value(value), "{text}");
        let known = Known::of(name);
        assert!(!known.is_connection_level() && known != Known::Host, "{text}");
    }
}
