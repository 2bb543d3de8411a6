//! Request lines and Hosts that are refused, and the limits of a head.

use http1::{HeadError, HeadLimits, parse_request};
use message::Request;

/// Each head, escaped as in a string, is refused for the reason given, however many of its bytes come at once.
#[track_caller]
fn check(table: &[(&str, HeadError)]) {
    for (head, expected) in table {
        assert_eq!(outcome(head.as_bytes()), Err(*expected), "{head:?}");
        let early = (0..head.len()).find_map(|length| outcome(&head.as_bytes()[..length]).err());
        assert!(early.is_none_or(|early| early == *expected), "{head:?} is first refused for {early:?}");
    }
}

fn outcome(head: &[u8]) -> Result<Option<usize>, HeadError> {
    parse_request(head, &HeadLimits::default(), &mut Request::default())
}

#[test]
fn there_is_one_host() {
    check(&[
        ("GET / HTTP/1.1\r\n\r\n", HeadError::HostMissing),
        ("GET / HTTP/1.1\r\nX: y\r\n\r\n", HeadError::HostMissing),
        ("GET http://a/ HTTP/1.1\r\n\r\n", HeadError::HostMissing),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HeadError::HostRepeated),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", HeadError::HostRepeated),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HeadError::HostRepeated),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HeadError::HostRepeated),
    ]);
}

#[test]
fn a_host_is_a_name_or_an_address_with_a_port() {
    for host in [
        "",
        "a b",
        "a,b",
        "a/b",
        "a?b",
        "a#b",
        "user@a",
        "a:b",
        "a:80:80",
        "a:-1",
        "a:+80",
        "a:65536",
        "a:999999",
        ":80",
        "[::1",
        "::1",
        "[::1]x",
        "[]",
        "[::1%25lo]",
        "[v1.a]",
        "[1.2.3.4]",
        "a\\b",
        "a%41",
        "a\u{e9}",
        "a\tb",
        "a;b",
        "a\"",
        "http://a",
        "*",
        "(a)",
        "a..b:c",
    ] {
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(outcome(head.as_bytes()), Err(HeadError::HostMalformed), "{host:?}");
        let old = format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n");
        assert_eq!(outcome(old.as_bytes()), Err(HeadError::HostMalformed), "{host:?} in HTTP/1.0");
    }
}

#[test]
fn a_target_is_in_one_of_the_forms_that_are_offered() {
    for target in [
        "*",
        "a",
        "a.example:80",
        "//",
        "/a#b",
        "/#",
        "/?a#b",
        "/%00",
        "/a%00b",
        "/%",
        "/%4",
        "/%zz",
        "/%g0",
        "/a\\b",
        "/a%2",
        "ftp://a/",
        "ws://a/",
        "http:/a",
        "http:a",
        "http://",
        "http:///a",
        "http://u@a/",
        "http://a:b/",
        "http://a/%00",
        "http://a#b",
        "https://",
        "file:///etc/passwd",
        "javascript:1",
        "http://[::1/",
        "?a",
        "#",
        "a/b",
        "http://a/\\",
        "httpx://a/",
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let refused = outcome(head.as_bytes());
        if target == "//" {
            assert_eq!(refused, Ok(Some(head.len())), "an empty segment is a path");
        } else {
            assert_eq!(refused, Err(HeadError::Target), "{target:?}");
        }
    }
    for method in ["GET", "POST", "HEAD", "options", "TRACE"] {
        let head = format!("{method} * HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(outcome(head.as_bytes()), Err(HeadError::Target), "{method} *");
    }
}

#[test]
fn a_target_is_visible_ascii() {
    for target in ["/\u{e9}", "/a?\u{e9}", "/a\u{ad}b", "http://a/\u{4e2d}", "/\u{80}"] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(outcome(head.as_bytes()), Err(HeadError::Target), "{target:?}");
    }
    for byte in [0x80, 0xa0, 0xff] {
        let head = [b"GET /", &[byte][..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert!(outcome(&head).is_err(), "{byte:#x}");
    }
}

#[test]
fn a_request_line_has_two_single_spaces() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "GET /",
        "GET",
        "GET HTTP/1.1",
        "GET / HTTP/1.1 x",
        "G(T / HTTP/1.1",
        "\u{e9} / HTTP/1.1",
        "GET: / HTTP/1.1",
        "\"GET\" / HTTP/1.1",
    ] {
        let head = format!("{line}\r\nHost: a\r\n\r\n");
        assert!(outcome(head.as_bytes()).is_err(), "{line:?}");
    }
}

#[test]
fn other_versions_are_refused_by_505_and_what_is_no_version_by_400() {
    for (version, expected) in [
        ("HTTP/2.0", HeadError::Version),
        ("HTTP/1.2", HeadError::Version),
        ("HTTP/0.9", HeadError::Version),
        ("HTTP/3", HeadError::RequestLine),
        ("HTTP/1", HeadError::RequestLine),
        ("HTTP/1.10", HeadError::RequestLine),
        ("http/1.1", HeadError::RequestLine),
        ("HTTPS/1.1", HeadError::RequestLine),
        ("HTTP/11", HeadError::RequestLine),
        ("HTTP/2.0 x", HeadError::RequestLine),
    ] {
        let error = outcome(format!("GET / {version}\r\nHost: a\r\n\r\n").as_bytes());
        assert!(error == Err(expected) || error == Err(HeadError::LineEnd), "{version}: {error:?}");
        assert_eq!(error.map_err(HeadError::status), Err(expected.status()), "{version}");
    }
    check(&[("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::Version)]);
    assert_eq!((HeadError::Version.status(), HeadError::RequestLine.status()), (505, 400));
}

#[test]
fn connect_is_refused() {
    check(&[
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Connect),
        ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Connect),
    ]);
    assert_eq!(HeadError::Connect.status(), 501);
}

#[test]
fn what_comes_before_a_head_is_at_most_two_empty_lines() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (before, accepted) in [
        ("", true),
        ("\r\n", true),
        ("\r\n\r\n", true),
        ("\r\n\r\n\r\n", false),
        ("\n", false),
        ("\r\n\n", false),
        ("\r", false),
        (" ", false),
        ("\r\n ", false),
        ("x\r\n", false),
    ] {
        let bytes = format!("{before}{head}");
        assert_eq!(outcome(bytes.as_bytes()).is_ok(), accepted, "{before:?}");
        if accepted {
            assert_eq!(outcome(bytes.as_bytes()), Ok(Some(bytes.len())));
        }
    }
}

#[test]
fn limits_have_their_own_status() {
    let limits = HeadLimits { head_bytes: 200, fields: 3, target_bytes: 20 };
    for (head, expected) in [
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(19)), Ok(())),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(20)), Err(414)),
        // Without its end in sight, a request line that is too long is known by its length alone.
        (format!("GET /{}", "x".repeat(40)), Err(414)),
        ("x".repeat(201), Err(414)),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(168)), Ok(())),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(169)), Err(431)),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(180)), Err(431)),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\n\r\n".to_owned(), Ok(())),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\nX: y\r\n\r\n".to_owned(), Err(431)),
    ] {
        let result = parse_request(head.as_bytes(), &limits, &mut Request::default());
        assert_eq!(result.map(|_| ()).map_err(HeadError::status), expected, "{head:?}");
    }
}
