//! Response heads: what they are read as, and what is misframed.

use http1::{HeadError, HeadLimits, parse_response};
use message::{Body, Method, Response, Version};

fn outcome(method: Method, head: &[u8]) -> Result<Option<usize>, HeadError> {
    parse_response(head, &HeadLimits::default(), method, &mut Response::default())
}

fn parse(method: Method, head: &str) -> Response {
    let mut response = Response::default();
    let parsed = parse_response(head.as_bytes(), &HeadLimits::default(), method, &mut response);
    assert_eq!(parsed, Ok(Some(head.len())), "{head:?}");
    response
}

/// Each head is refused for the reason given.
#[track_caller]
fn check_refused(table: &[(&str, HeadError)]) {
    for (head, expected) in table {
        assert_eq!(outcome(Method::Get, head.as_bytes()), Err(*expected), "{head:?}");
    }
}

/// What status, method and framing fields make of the body and of the connection.
#[track_caller]
fn check_framing(table: &[(&str, Method, &str, Body, bool)]) {
    for (line, method, fields, body, keep_alive) in table {
        let response = parse(*method, &format!("{line}\r\n{fields}\r\n"));
        assert_eq!((response.body, response.keep_alive), (*body, *keep_alive), "{line} {fields:?}");
    }
}

#[test]
fn a_body_ends_by_length_chunks_or_close() {
    use Method::Get;
    check_framing(&[
        ("HTTP/1.1 200 OK", Get, "Content-Length: 5\r\n", Body::Length(5), true),
        ("HTTP/1.1 200 OK", Get, "Content-Length: 0\r\n", Body::Empty, true),
        ("HTTP/1.1 200 OK", Get, "Transfer-Encoding: chunked\r\n", Body::Streamed, true),
        ("HTTP/1.1 200 OK", Get, "", Body::UntilClose, false),
        ("HTTP/1.1 200 OK", Get, "Connection: keep-alive\r\n", Body::UntilClose, false),
        ("HTTP/1.1 500 x", Get, "", Body::UntilClose, false),
        ("HTTP/1.1 205 x", Get, "Content-Length: 0\r\n", Body::Empty, true),
        ("HTTP/1.0 200 OK", Get, "", Body::UntilClose, false),
        ("HTTP/1.0 200 OK", Get, "Content-Length: 5\r\n", Body::Length(5), false),
        ("HTTP/1.0 200 OK", Get, "Content-Length: 5\r\nConnection: keep-alive\r\n", Body::Length(5), true),
        ("HTTP/1.1 200 OK", Get, "Content-Length: 5\r\nConnection: close\r\n", Body::Length(5), false),
    ]);
}

#[test]
fn some_answers_have_no_body_whatever_they_say() {
    use Method::{Get, Head};
    check_framing(&[
        ("HTTP/1.1 204 x", Get, "", Body::Empty, true),
        ("HTTP/1.1 204 x", Get, "Content-Length: 0\r\n", Body::Empty, true),
        ("HTTP/1.1 304 x", Get, "", Body::Empty, true),
        ("HTTP/1.1 304 x", Get, "Content-Length: 5\r\n", Body::Empty, true),
        ("HTTP/1.1 304 x", Get, "Transfer-Encoding: chunked\r\n", Body::Empty, true),
        ("HTTP/1.1 200 x", Head, "Content-Length: 5\r\n", Body::Empty, true),
        ("HTTP/1.1 200 x", Head, "Transfer-Encoding: chunked\r\n", Body::Empty, true),
        ("HTTP/1.1 200 x", Head, "", Body::Empty, true),
        ("HTTP/1.1 404 x", Head, "Content-Length: 5\r\nConnection: close\r\n", Body::Empty, false),
        ("HTTP/1.1 100 x", Get, "", Body::Empty, true),
        ("HTTP/1.1 103 x", Get, "Link: </a>\r\n", Body::Empty, true),
    ]);
}

#[test]
fn a_204_that_announces_a_body_is_the_last_on_its_connection() {
    use Method::Get;
    check_framing(&[
        ("HTTP/1.1 204 x", Get, "Content-Length: 5\r\n", Body::Empty, false),
        ("HTTP/1.1 204 x", Get, "Transfer-Encoding: chunked\r\n", Body::Empty, false),
    ]);
}

#[test]
fn a_length_without_a_body_is_passed_on_where_it_means_something() {
    for (line, method, length) in [
        ("HTTP/1.1 200 x", Method::Head, Some(5)),
        ("HTTP/1.1 304 x", Method::Get, Some(5)),
        ("HTTP/1.1 204 x", Method::Get, None),
        ("HTTP/1.1 200 x", Method::Get, None),
    ] {
        let response = parse(method, &format!("{line}\r\nContent-Length: 5\r\n\r\n"));
        assert_eq!(response.announced_length, length, "{line}");
        assert_eq!(response.answers_head, method == Method::Head);
        assert!(response.fields.is_empty(), "framing fields are not passed on");
    }
}

#[test]
fn an_interim_answer_that_announces_a_body_is_misframed() {
    check_refused(&[
        ("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n", HeadError::FramingConflict),
        ("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::FramingConflict),
        (
            "HTTP/1.1 101 x\r\nUpgrade: a\r\nConnection: upgrade\r\nContent-Length: 5\r\n\r\n",
            HeadError::FramingConflict,
        ),
        (
            "HTTP/1.1 101 x\r\nUpgrade: a\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError::FramingConflict,
        ),
    ]);
}

#[test]
fn a_101_says_what_it_switches_to() {
    let response = parse(Method::Get, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(response.body, Body::Tunnel);
    assert_eq!(response.fields.bytes(response.upgrade), b"websocket");
    check_refused(&[
        ("HTTP/1.1 101 x\r\n\r\n", HeadError::Status),
        ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", HeadError::Status),
        ("HTTP/1.1 101 x\r\nConnection: upgrade\r\n\r\n", HeadError::Status),
        ("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade:\r\n\r\n", HeadError::Status),
        ("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n", HeadError::Status),
    ]);
}

#[test]
fn framing_that_can_be_read_in_two_ways_is_refused() {
    let table = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", HeadError::FramingConflict),
        ("Content-Length: 5\r\nContent-Length: 5", HeadError::ContentLengthRepeated),
        ("Content-Length: 5\r\nContent-Length: 6", HeadError::ContentLengthRepeated),
        ("Content-Length: 5, 5", HeadError::ContentLength),
        ("Content-Length: +5", HeadError::ContentLength),
        ("Content-Length:", HeadError::ContentLength),
        ("Transfer-Encoding: gzip, chunked", HeadError::TransferEncoding),
        ("Transfer-Encoding: chunked, chunked", HeadError::TransferEncoding),
        ("Transfer-Encoding: xchunked", HeadError::TransferEncoding),
        ("Transfer-Encoding:", HeadError::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", HeadError::TransferEncoding),
    ];
    for (fields, expected) in table {
        for (status, method) in
            [(200, Method::Get), (204, Method::Get), (304, Method::Get), (200, Method::Head)]
        {
            let head = format!("HTTP/1.1 {status} x\r\n{fields}\r\n\r\n");
            assert_eq!(outcome(method, head.as_bytes()), Err(expected), "{head:?} to {method:?}");
        }
    }
    check_refused(&[(
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        HeadError::TransferEncodingVersion,
    )]);
}

#[test]
fn a_status_has_three_digits_from_100_to_599() {
    for status in ["099", "600", "999", "000"] {
        check_refused(&[(&format!("HTTP/1.1 {status} x\r\n\r\n"), HeadError::Status)]);
    }
    for status in ["20", "2000", "2x0", "-20", "+20", "", "20 ", " 200"] {
        check_refused(&[(&format!("HTTP/1.1 {status} x\r\n\r\n"), HeadError::StatusLine)]);
    }
    for status in [100, 102, 199, 200, 299, 418, 599] {
        assert_eq!(parse(Method::Get, &format!("HTTP/1.1 {status} x\r\n\r\n")).status, status);
    }
}

#[test]
fn reason_phrases_are_kept_or_made_up() {
    let long = "x".repeat(2000);
    for (line, reason) in [
        ("HTTP/1.1 404 Not Here", "Not Here"),
        ("HTTP/1.1 404 ", "Not Found"),
        ("HTTP/1.1 404", "Not Found"),
        ("HTTP/1.1 299 ", ""),
        ("HTTP/1.1 200 a\tb", "a\tb"),
        (&format!("HTTP/1.1 200 {long}"), &long),
    ] {
        let response = parse(Method::Get, &format!("{line}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(String::from_utf8_lossy(response.reason()), reason, "{line}");
    }
}

#[test]
fn versions_other_than_1_0_and_1_1_are_refused() {
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "ICY", "HTTP/1"] {
        check_refused(&[(&format!("{version} 200 OK\r\n\r\n"), HeadError::StatusLine)]);
    }
    assert_eq!(parse(Method::Get, "HTTP/1.0 200 OK\r\n\r\n").version, Version::Http10);
}

const WHOLE: &[u8] =
    b"HTTP/1.1 200 All Right\r\nServer: a\r\nX-Long-Enough-For-A-Vector: 0123456789abcdefghijklmnop\r\nContent-Length: 3\r\n\r\n";

#[test]
fn bare_line_ends_and_control_bytes_are_refused_wherever_they_stand() {
    assert_eq!(outcome(Method::Get, WHOLE), Ok(Some(WHOLE.len())));
    for at in 0..WHOLE.len() - 1 {
        for byte in (0..0x20).chain([0x7f]).filter(|&byte| byte != b'\t') {
            let inserted = [&WHOLE[..at], &[byte], &WHOLE[at..]].concat();
            assert!(outcome(Method::Get, &inserted).is_err(), "{}", inserted.escape_ascii());
        }
    }
    for at in (0..WHOLE.len()).filter(|&at| matches!(WHOLE[at], b'\r' | b'\n')) {
        let without = [&WHOLE[..at], &WHOLE[at + 1..]].concat();
        let parsed = outcome(Method::Get, &without);
        assert_ne!(parsed, Ok(Some(without.len())), "{} without {at}", without.escape_ascii());
    }
}

#[test]
fn a_folded_line_and_a_space_before_the_colon_are_refused() {
    check_refused(&[
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", HeadError::FieldName),
        ("HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n\r\n", HeadError::FieldName),
        ("HTTP/1.1 200 OK\r\n X: a\r\n\r\n", HeadError::FieldName),
        ("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", HeadError::FieldName),
        ("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", HeadError::FieldName),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HeadError::FieldName),
    ]);
    assert!(
        outcome(Method::Get, b"\r\nHTTP/1.1 200 OK\r\n\r\n").is_err(),
        "an empty line before the status line"
    );
    assert!(outcome(Method::Get, b"hello").is_err(), "what an earlier answer left behind");
}

#[test]
fn limits_are_kept() {
    let limits = HeadLimits { head_bytes: 100, fields: 2, target_bytes: 0 };
    for (head, expected) in [
        ("HTTP/1.1 200 OK\r\nA: b\r\nA: b\r\n\r\n".to_owned(), Ok(true)),
        ("HTTP/1.1 200 OK\r\nA: b\r\nA: b\r\nA: b\r\n\r\n".to_owned(), Err(HeadError::TooManyFields)),
        (format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(83)), Ok(true)),
        (format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(84)), Err(HeadError::TooLarge)),
        (format!("HTTP/1.1 200 {}", "x".repeat(86)), Ok(false)),
        (format!("HTTP/1.1 200 {}", "x".repeat(87)), Err(HeadError::TooLarge)),
    ] {
        let parsed = parse_response(head.as_bytes(), &limits, Method::Get, &mut Response::default());
        assert_eq!(parsed.map(|length| length.is_some()), expected, "{head:?}");
    }
}

#[test]
fn fields_of_one_connection_are_not_passed_on() {
    let response = parse(
        Method::Get,
        "HTTP/1.1 200 OK\r\nConnection: x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nTrailer: t\r\nContent-Length: 1\r\nX-B: 2\r\n\r\n",
    );
    let mut out = Vec::new();
    response.fields.write_to(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "Trailer: t\r\nX-B: 2\r\n");
}
