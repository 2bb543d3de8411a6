//! Heads as they are written, and written heads read again.

use http1::{
    HeadLimits, encode_request, encode_response, encode_trailers, framing_for, parse_request, parse_response,
};
use message::{Body, Fields, Known, Method, Request, Response, Version};
use proptest::prelude::*;

/// Reads a request and writes it again.
fn forwarded(head: &str) -> String {
    let mut request = Request::default();
    let parsed = parse_request(head.as_bytes(), &HeadLimits::default(), &mut request);
    assert_eq!(parsed, Ok(Some(head.len())), "{head:?}");
    let mut out = Vec::new();
    encode_request(&request, &mut out);
    String::from_utf8(out).expect("heads of these tests are ASCII")
}

/// What becomes of a request with this line and these fields besides `Host: a`.
#[track_caller]
fn check_request(line: &str, fields: &str, expected_line: &str, expected_fields: &str) {
    let sent = forwarded(&format!("{line}\r\nHost: a\r\n{fields}\r\n"));
    assert_eq!(sent, format!("{expected_line}\r\nhost: a\r\n{expected_fields}\r\n"));
}

#[test]
fn requests_are_sent_on_with_framing_of_their_own() {
    check_request("GET /a?b HTTP/1.1", "X: y\r\n", "GET /a?b HTTP/1.1", "X: y\r\n");
    check_request("GET /a/../b? HTTP/1.0", "", "GET /b? HTTP/1.1", "");
    check_request("GET http://a/b HTTP/1.1", "", "GET /b HTTP/1.1", "");
    check_request("OPTIONS * HTTP/1.1", "", "OPTIONS * HTTP/1.1", "");
    check_request("OPTIONS http://a HTTP/1.1", "", "OPTIONS * HTTP/1.1", "");
    check_request("POST / HTTP/1.1", "content-length:3\r\n", "POST / HTTP/1.1", "content-length: 3\r\n");
    check_request("POST / HTTP/1.1", "", "POST / HTTP/1.1", "content-length: 0\r\n");
    check_request("PUT / HTTP/1.1", "Content-Length: 0\r\n", "PUT / HTTP/1.1", "content-length: 0\r\n");
    check_request("DELETE / HTTP/1.1", "Content-Length: 0\r\n", "DELETE / HTTP/1.1", "");
    check_request(
        "POST / HTTP/1.1",
        "A:1\r\nTransfer-Encoding:Chunked\r\nB:  2\r\n",
        "POST / HTTP/1.1",
        "A: 1\r\nB: 2\r\ntransfer-encoding: chunked\r\n",
    );
    check_request(
        "GET / HTTP/1.1",
        "TE: trailers, gzip\r\nConnection: te, close\r\n",
        "GET / HTTP/1.1",
        "connection: te\r\nte: trailers\r\n",
    );
    check_request(
        "GET / HTTP/1.1",
        "Connection: upgrade\r\nUpgrade: websocket\r\nTE: trailers\r\nSec-WebSocket-Version: 13\r\n",
        "GET / HTTP/1.1",
        "Sec-WebSocket-Version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
    );
}

/// What becomes of a response, to a client of HTTP/1.1 and to one of 1.0, with a connection that is kept if it can be.
#[track_caller]
fn check_response(method: Method, given: &str, modern: &str, old: &str) {
    let mut response = Response::default();
    let parsed = parse_response(given.as_bytes(), &HeadLimits::default(), method, &mut response);
    assert_eq!(parsed, Ok(Some(given.len())), "{given:?}");
    for (version, expected) in [(Version::Http11, modern), (Version::Http10, old)] {
        let mut out = Vec::new();
        let keep = framing_for(response.body, version) != Body::UntilClose;
        encode_response(&response, version, keep, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{version:?}");
    }
}

#[test]
fn responses_are_framed_for_the_client() {
    check_response(
        Method::Get,
        "HTTP/1.0 200 Fine\r\nA:1\r\nContent-Length: 5\r\nB: 2\r\n\r\n",
        "HTTP/1.1 200 Fine\r\nA: 1\r\nB: 2\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 Fine\r\nA: 1\r\nB: 2\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n",
    );
}

#[test]
fn answers_without_a_body_say_no_more_than_they_know() {
    check_response(
        Method::Head,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n",
    );
    check_response(
        Method::Head,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: x\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: x\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n",
    );
    check_response(
        Method::Get,
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    );
    let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    check_response(Method::Get, switched, switched, switched);
}

#[test]
fn a_connection_that_ends_says_so() {
    let mut response = Response::default();
    response.start(404, Body::Empty);
    let mut out = Vec::new();
    encode_response(&response, Version::Http11, false, &mut out);
    let expected = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn no_field_that_is_set_adds_a_line() {
    for evil in ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\0b", "a\r\n\r\nGET / HTTP/1.1"] {
        let mut request = Request::default();
        request.method_text = request.fields.store(b"GET");
        request.set_path(evil.as_bytes());
        request.set_authority(evil);
        request.fields.append("x-a", evil.as_bytes());
        request.fields.set("x-b", evil.as_bytes());
        request.fields.append(evil, b"1");
        request.fields.append("content-length", b"5");
        request.fields.append("host", b"other");
        let mut out = Vec::new();
        encode_request(&request, &mut out);
        let text = String::from_utf8_lossy(&out).into_owned();
        let names: Vec<_> =
            text.split("\r\n").map(|line| line.split([':', ' ']).next().unwrap_or("")).collect();
        assert_eq!(names, ["GET", "host", "x-a", "x-b", "", ""], "{text:?}");
        assert!(!text.contains('\0') && text.matches(['\r', '\n']).count() == 10, "{text:?}");
    }
}

#[test]
fn the_last_chunk_carries_the_trailers() {
    let mut trailers = Fields::default();
    trailers.append("x-sum", b"1");
    for (trailers, expected) in [(None, "0\r\n\r\n"), (Some(&trailers), "0\r\nx-sum: 1\r\n\r\n")] {
        let mut out = Vec::new();
        encode_trailers(trailers, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof!["[!-~]([ -~\t]{0,20}[!-~])?", Just(String::new())];
    proptest::collection::vec(("x-[a-z]{1,9}", value), 0..8)
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![Just(Body::Empty), Just(Body::Streamed), (1..=i64::MAX as u64).prop_map(Body::Length)]
}

fn add(fields: &mut Fields, list: &[(String, String)]) {
    for (name, value) in list {
        fields.append(name, value.as_bytes());
    }
}

fn listed(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| (text(name), text(value))).collect()
}

proptest! {
    #[test]
    fn a_request_that_is_written_is_read_as_the_same(
        method in prop_oneof![Just("GET"), Just("POST"), Just("PURGE")],
        path in "(/[a-z0-9~_-]{1,6}){1,3}",
        query in proptest::option::of("[!-\"$-~]{0,9}"),
        authority in "[a-z0-9-]{1,9}(:[0-9]{1,4})?",
        list in fields(),
        body in body(),
        takes_trailers in any::<bool>(),
    ) {
        let mut request = Request { body, takes_trailers, keep_alive: true, method: Method::of(method.as_bytes()), ..Request::default() };
        request.method_text = request.fields.store(method.as_bytes());
        request.set_path(path.as_bytes());
        request.has_query = query.is_some();
        request.query = request.fields.store(query.unwrap_or_default().as_bytes());
        request.set_authority(&authority);
        add(&mut request.fields, &list);
        let mut out = Vec::new();
        encode_request(&request, &mut out);
        let mut again = Request::default();
        prop_assert_eq!(parse_request(&out, &HeadLimits::default(), &mut again), Ok(Some(out.len())));
        prop_assert_eq!((again.method_text(), again.path(), again.query()), (method, request.path(), request.query()));
        prop_assert_eq!((again.authority(), again.has_query), (request.authority(), request.has_query));
        prop_assert_eq!((again.body, again.takes_trailers, again.keep_alive), (body, takes_trailers, true));
        prop_assert_eq!(listed(&again.fields), list);
    }

    #[test]
    fn a_response_that_is_written_is_read_as_the_same(
        status in prop_oneof![200_u16..204, 205_u16..304, 305_u16..600],
        list in fields(),
        body in prop_oneof![body(), Just(Body::UntilClose)],
        is_modern in any::<bool>(),
    ) {
        let version = if is_modern { Version::Http11 } else { Version::Http10 };
        let mut response = Response::default();
        response.start(status, body);
        add(&mut response.fields, &list);
        let framing = framing_for(body, version);
        let mut out = Vec::new();
        encode_response(&response, version, framing != Body::UntilClose, &mut out);
        let mut again = Response::default();
        let parsed = parse_response(&out, &HeadLimits::default(), Method::Get, &mut again);
        prop_assert_eq!(parsed, Ok(Some(out.len())));
        prop_assert_eq!((again.status, again.body), (status, framing));
        prop_assert_eq!(again.keep_alive, framing != Body::UntilClose);
        prop_assert_eq!(listed(&again.fields), list);
        prop_assert!(again.fields.get_known(Known::Connection).is_none());
    }
}
