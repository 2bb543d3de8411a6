//! Requests whose framing could be read in two ways end at the gateway.

use testkit::{Answer, ClientError, Origin, Step};

use crate::Stand;

/// Follows every faulty request; no reading of the fault may bring it to the origin.
const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

#[track_caller]
fn check_refused_head(stand: &Stand, request: &[u8]) {
    let name = request.escape_ascii().to_string();
    let mut client = stand.gateway.connect().unwrap();
    client.send([request, SMUGGLED].concat()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let response = client.response("GET").unwrap_or_else(|e| panic!("{name}: {e:?}"));
    assert_eq!(response.status(), 400, "{name}");
    assert!(response.fields.lists("connection", "close"), "{name}: {:?}", response.fields);
    assert!(client.is_closed(), "{name}: the connection stays open");
    let seen = stand.origin.connections();
    assert!(seen.iter().all(|c| c.total == 0), "{name}: the origin saw {seen:?}");
}

fn check_refused_fields(version: &str, fields: &[&[u8]]) {
    let stand = Stand::new(Origin::echo());
    for field in fields {
        let line = format!("POST /x {version}\r\nHost: test\r\n");
        check_refused_head(&stand, &[line.as_bytes(), field, b"\r\n\r\n0\r\n\r\n"].concat());
    }
}

#[test]
fn length_together_with_coding_is_refused() {
    check_refused_fields(
        "HTTP/1.1",
        &[
            b"Content-Length: 4\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4",
            b"Transfer-Encoding: chunked\r\ncontent-length: 0",
            b"Transfer-Encoding: identity\r\nContent-Length: 4",
        ],
    );
}

#[test]
fn lengths_that_are_not_one_number_are_refused() {
    check_refused_fields(
        "HTTP/1.1",
        &[
            b"Content-Length: 5\r\nContent-Length: 5",
            b"Content-Length: 5\r\nContent-Length: 0",
            b"Content-Length: 5, 5",
            b"Content-Length: 5,",
            b"Content-Length: +5",
            b"Content-Length: -1",
            b"Content-Length: 0x5",
            b"Content-Length: 5a",
            b"Content-Length: 5 5",
            b"Content-Length: 5.0",
            b"Content-Length: ",
            b"Content-Length: 18446744073709551616",
            b"Content-Length: 99999999999999999999999999",
            b"Content-Length: \xef\xbc\x95",
        ],
    );
}

#[test]
fn codings_other_than_one_final_chunked_are_refused() {
    check_refused_fields(
        "HTTP/1.1",
        &[
            b"Transfer-Encoding: chunked, chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked, gzip",
            b"Transfer-Encoding: gzip",
            b"Transfer-Encoding: identity",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: chunkedx",
            b"Transfer-Encoding: chunked;q=1",
            b"Transfer-Encoding: \"chunked\"",
            b"Transfer-Encoding: \x0bchunked",
            b"Transfer-Encoding: chunked\x0b",
            b"Transfer-Encoding: \xa0chunked",
            b"Transfer-Encoding:",
        ],
    );
}

#[test]
fn coding_in_http_1_0_is_refused() {
    check_refused_fields("HTTP/1.0", &[b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"]);
}

#[test]
fn lines_end_with_cr_lf_and_nothing_else() {
    let stand = Stand::new(Origin::echo());
    for request in [
        &b"GET /x HTTP/1.1\nHost: test\r\n\r\n"[..],
        b"GET /x HTTP/1.1\r\nHost: test\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: test\r\n\n",
        b"GET /x HTTP/1.1\nHost: test\n\n",
        b"GET /x HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: test\r\nX: a\r\r\n\r\n",
        b"GET /x HTTP/1.1\rHost: test\r\n\r\n",
        b"GET /x\r HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: test\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        check_refused_head(&stand, request);
    }
}

#[test]
fn field_lines_have_one_form() {
    check_refused_fields(
        "HTTP/1.1",
        &[
            b"X: a\r\n b",
            b"X: a\r\n\tb",
            b"X : a",
            b"X\t: a",
            b"Content-Length : 5",
            b"Transfer-Encoding : chunked",
            b": a",
            b"no colon",
            b"X(: a",
            b"\x00X: a",
            b"X\x01: a",
            b"X: a\x00b",
            b"X: a\x01b",
            b"X: a\x7fb",
            b"X: a\x1b[0m",
            b"\x80X: a",
        ],
    );
}

#[test]
fn a_first_field_line_does_not_begin_with_space() {
    let stand = Stand::new(Origin::echo());
    check_refused_head(&stand, b"GET /x HTTP/1.1\r\n Host: test\r\n\r\n");
    check_refused_head(&stand, b"GET /x HTTP/1.1\r\n\tX: a\r\nHost: test\r\n\r\n");
}

#[test]
fn there_is_exactly_one_valid_host() {
    let stand = Stand::new(Origin::echo());
    for hosts in [
        &b""[..],
        b"Host: a\r\nHost: a\r\n",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a, b\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: u@a\r\n",
        b"Host: a:b\r\n",
        b"Host: a:80:80\r\n",
        b"Host: [::1\r\n",
        b"Host: a?b\r\n",
        b"Host: a#b\r\n",
        b"Host: a\\b\r\n",
        b"Host: \xff\r\n",
    ] {
        check_refused_head(&stand, &[&b"GET /x HTTP/1.1\r\n"[..], hosts, b"X: y\r\n\r\n"].concat());
    }
    check_refused_head(&stand, b"GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
}

#[test]
fn targets_have_one_of_four_forms() {
    let stand = Stand::new(Origin::echo());
    for target in [
        &b""[..],
        b"x",
        b"x/y",
        b"/a b",
        b"/a\tb",
        b"/a\x00b",
        b"/a\x01b",
        b"/a\x7fb",
        b"/a\x80b",
        b"/a#b",
        b"*",
        b"?a",
        b"test:80",
        b"http:",
        b"http:/test/",
        b"http://",
        b"http:///a",
        b"http://u@test/",
        b"ftp://test/",
        b"/%00",
        b"/a%00b",
    ] {
        check_refused_head(&stand, &[b"GET ", target, b" HTTP/1.1\r\nHost: test\r\n\r\n"].concat());
    }
}

#[test]
fn methods_are_tokens() {
    let stand = Stand::new(Origin::echo());
    for method in [&b""[..], b"G(T", b"G\x00T", b"G\tT", b"\x80", b"GET\x0b"] {
        check_refused_head(&stand, &[method, b" /x HTTP/1.1\r\nHost: test\r\n\r\n"].concat());
    }
}

#[test]
fn other_versions_of_http_never_reach_the_origin() {
    let stand = Stand::new(Origin::echo());
    for version in
        ["HTTP/2.0", "HTTP/0.9", "HTTP/1", "HTTP/1.10", "HTTP/11", "http/1.1", "HTTP/1.1 ", "HTTQ/1.1", ""]
    {
        let mut client = stand.gateway.connect().unwrap();
        let request = format!("GET /x {version}\r\nHost: test\r\n\r\n");
        client.send([request.as_bytes(), SMUGGLED].concat()).unwrap();
        let response = client.response("GET").unwrap_or_else(|e| panic!("{version:?}: {e:?}"));
        assert!([400, 505].contains(&response.status()), "{version:?}: {}", response.status());
        assert!(client.is_closed(), "{version:?}");
    }
    assert_eq!(stand.origin.hits(), 0);
}

const CHUNKED: &str = "POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The origin waits for a whole body, so that the gateway can still answer 400.
#[track_caller]
fn check_refused_body(stand: &Stand, chunks: &[u8]) {
    let name = chunks.escape_ascii().to_string();
    let mut client = stand.gateway.connect().unwrap();
    client.send([CHUNKED.as_bytes(), chunks, SMUGGLED].concat()).unwrap();
    let response = client.response("POST").unwrap_or_else(|e| panic!("{name}: {e:?}"));
    assert_eq!(response.status(), 400, "{name}");
    assert!(response.fields.lists("connection", "close"), "{name}: {:?}", response.fields);
    assert!(client.is_closed(), "{name}: the connection stays open");
    stand.origin.wait_until_closed();
    for seen in stand.origin.connections() {
        assert_eq!(seen.complete, 0, "{name}: {seen:?}");
        assert!(!seen.bytes.windows(8).any(|w| w == b"smuggled"), "{name}: {seen:?}");
    }
}

#[test]
fn faulty_chunks_end_both_connections() {
    let stand = Stand::new(Origin::echo());
    for chunks in [
        &b"x\r\nhello\r\n0\r\n\r\n"[..],
        b"\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5g\r\nhello\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\rhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\rX0\r\n\r\n",
        b"5;\x00\r\nhello\r\n0\r\n\r\n",
        b"5;a\n\r\nhello\r\n0\r\n\r\n",
        b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nbad name: x\r\n\r\n",
        b"5\r\nhello\r\n0\r\n folded\r\n\r\n",
        b"5\r\nhello\r\n0\r\nT: \x00\r\n\r\n",
        b"5\r\nhello\r\n0\r\nT: u\n\r\n",
        b"5\r\nhello\r\n0\r\nX\r\n\r\n",
    ] {
        check_refused_body(&stand, chunks);
    }
}

#[test]
fn a_fault_after_the_response_began_ends_it_unfinished() {
    let early = Answer::new()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .then(Step::ReadBody)
        .send("0\r\n\r\n");
    let stand = Stand::new(Origin::answering(early));
    let mut client = stand.gateway.connect().unwrap();
    client.send([CHUNKED.as_bytes(), b"5\r\nhello\r\n"].concat()).unwrap();
    assert_eq!(client.head().unwrap().0.status, 200);
    client.send([b"zz\r\n", SMUGGLED].concat()).unwrap();
    let rest = match client.rest() {
        Ok(rest) => rest,
        Err(ClientError::Io(_)) => Vec::new(),
        Err(other) => panic!("{other:?}"),
    };
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", rest.escape_ascii());
    stand.origin.wait_until_closed();
    assert_eq!(stand.origin.connections()[0].complete, 0);
}

#[test]
fn a_body_that_stops_half_way_never_becomes_whole() {
    let stand = Stand::new(Origin::echo());
    for request in [
        "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhello",
        "POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        let mut client = stand.gateway.connect().unwrap();
        client.send(request).unwrap();
        client.finish_sending().unwrap();
        // Whatever is said, it is not the answer of an origin that saw a whole request.
        if let Ok(response) = client.response("POST") {
            assert_eq!(response.status(), 400, "{request:?}");
        }
        stand.origin.wait_until_closed();
        assert!(stand.origin.connections().iter().all(|c| c.complete == 0), "{request:?}");
    }
}

#[test]
fn valid_requests_pass_when_split_at_every_byte() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    let chunked = [CHUNKED, "5;a=\"b;\\\"c\"\r\nhello\r\nA;x\r\n0123456789\r\n0\r\nT: u\r\n\r\n"].concat();
    for _ in 0..2 {
        client.send_bytewise(&chunked).unwrap();
        let echo = client.response("POST").unwrap().json();
        assert_eq!((&echo["body"], &echo["trailers"][0][1]), (&"hello0123456789".into(), &"u".into()));
    }
    assert_eq!(stand.origin.requests().len(), 2);
}
