//! What a guest says: whatever it is, one message with one framing comes of it, or none.

use ::http1::{encode_request, encode_response, framing_for};
use functions::bridge::{request_from_guest, response_from_guest};
use http::HeaderMap;
use message::{Fields, Known, Request, Response, Version, is_field_value, is_token, trailers_of};

use super::fields::fields;
use super::http1::{check_framing, whole};
use crate::oracle;

/// Takes the head of a guest's answer: `H` for a request by HEAD, else another letter; a status; then lines of fields, which are
/// taken for trailers, too.
pub fn guest_answer(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let Some((&choice, status)) = lines.next().and_then(<[u8]>::split_first) else { return };
    let Ok(status) = http::StatusCode::from_bytes(status) else { return };
    let method = if choice == b'H' { "HEAD" } else { "GET" };
    let (mut head, ()) = http::Response::new(()).into_parts();
    (head.status, head.headers) = (status, fields(lines));
    check_fields(&trailers_of(&head.headers), &HeaderMap::new());
    let mut response = Response::default();
    if response_from_guest(&head, method == "HEAD", &mut response).is_err() {
        return;
    }
    check_fields(&response.fields, &head.headers);
    let mut sent = Vec::new();
    encode_response(&response, Version::Http11, true, &mut sent);
    let (line, fields) = whole(oracle::response_head(&sent), sent.len());
    assert_eq!(line.status, response.status);
    let framing = oracle::response_framing(&line, &fields, method).expect("what is sent on has one framing");
    check_framing(framing, framing_for(response.body, Version::Http11));
}

/// Takes the head of a request that a guest makes: method and URI with a space between them, then lines of fields.
pub fn guest_question(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let Some(space) = line.iter().position(|&byte| byte == b' ') else { return };
    let (method, uri) = (http::Method::from_bytes(&line[..space]), http::Uri::try_from(&line[space + 1..]));
    let (Ok(method), Ok(uri)) = (method, uri) else { return };
    let (mut head, ()) = http::Request::new(()).into_parts();
    (head.method, head.uri, head.headers) = (method, uri, fields(lines));
    let mut request = Request::default();
    if request_from_guest(&head, &functions::body::empty(), &mut request).is_err() {
        return;
    }
    check_fields(&request.fields, &head.headers);
    let mut form = Vec::new();
    policy::normalize_path(request.path().as_bytes(), &mut form).expect("a path in its one form");
    assert_eq!(request.path().as_bytes(), form);
    let mut sent = Vec::new();
    encode_request(&request, &mut sent);
    let (line, fields) = whole(oracle::request_head(&sent), sent.len());
    assert_eq!(line.method, request.method_text());
    assert_eq!(fields.all("host").len(), 1);
    let framing = oracle::request_framing(&line, &fields).expect("what is sent on has one framing");
    check_framing(framing, request.body);
}

/// No field of what came of `given` frames a message, speaks of a connection, belongs to one, or can end its line.
pub fn check_fields(fields: &Fields, given: &HeaderMap) {
    let nominated: Vec<u8> =
        given.get_all("connection").iter().flat_map(|value| [value.as_bytes(), b","].concat()).collect();
    for (name, value) in fields.iter() {
        let text = String::from_utf8_lossy(name);
        assert!(is_token(name) && is_field_value(value), "{text}");
        let known = Known::of(name);
        assert!(
            !known.is_connection_level() && !matches!(known, Known::Host | Known::Trailer | Known::Expect),
            "{text}"
        );
        let mut elements = nominated.split(|&byte| byte == b',');
        assert!(!elements.any(|element| element.trim_ascii().eq_ignore_ascii_case(name)), "{text}");
    }
}
