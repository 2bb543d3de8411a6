//! Request heads that are accepted: what they are read as.

use http1::{HeadLimits, parse_request};
use message::{Body, Request};

fn parse(head: &str) -> Request {
    let mut request = Request::default();
    let parsed = parse_request(head.as_bytes(), &HeadLimits::default(), &mut request);
    assert_eq!(parsed, Ok(Some(head.len())), "{head:?}");
    request
}

/// A GET in HTTP/1.1 with these fields.
fn with_fields(fields: &str) -> Request {
    parse(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

#[test]
fn bodies_are_announced_by_length_or_chunks() {
    for (fields, body) in [
        ("", Body::Empty),
        ("Content-Length: 0\r\n", Body::Empty),
        ("Content-Length: 00005\r\n", Body::Length(5)),
        ("Content-Length:5\r\n", Body::Length(5)),
        ("Content-Length: \t 5 \t\r\n", Body::Length(5)),
        ("Content-Length: 9223372036854775807\r\n", Body::Length(i64::MAX as u64)),
        ("Transfer-Encoding: chunked\r\n", Body::Streamed),
        ("transfer-encoding:CHUNKED \r\n", Body::Streamed),
    ] {
        for method in ["GET", "POST", "HEAD", "DELETE", "PURGE"] {
            let request = parse(&format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(request.body, body, "{method} {fields:?}");
            assert!(request.fields.is_empty(), "framing fields are not passed on");
        }
    }
}

#[test]
fn targets_are_read_in_every_form() {
    for (line, authority, host, path, query) in [
        ("GET / HTTP/1.1", "A.Example:80", "a.example", "/", None),
        ("GET /a/./b/../c?x=1?y HTTP/1.1", "A.Example:80", "a.example", "/a/c", Some("x=1?y")),
        ("GET /a? HTTP/1.1", "A.Example:80", "a.example", "/a", Some("")),
        ("GET /%7Ea%2fb HTTP/1.1", "A.Example:80", "a.example", "/~a%2Fb", None),
        ("GET //a HTTP/1.1", "A.Example:80", "a.example", "//a", None),
        ("GET http://other.example/p?q HTTP/1.1", "other.example", "other.example", "/p", Some("q")),
        ("GET HTTP://Other:81 HTTP/1.1", "Other:81", "other", "/", None),
        ("GET https://o?q HTTP/1.1", "o", "o", "/", Some("q")),
        ("GET http://[2001:DB8::1]:80/ HTTP/1.1", "[2001:DB8::1]:80", "[2001:db8::1]", "/", None),
    ] {
        let request = parse(&format!("{line}\r\nHost: A.Example:80\r\n\r\n"));
        assert_eq!((request.authority(), request.host()), (authority, host), "{line}");
        assert_eq!((request.path(), request.query()), (path, query.unwrap_or("")), "{line}");
        assert_eq!((request.has_query, request.asterisk), (query.is_some(), false), "{line}");
    }
}

#[test]
fn options_may_ask_about_the_server_as_a_whole() {
    for (line, host, asterisk) in [
        ("OPTIONS * HTTP/1.1", "a", true),
        ("OPTIONS http://b HTTP/1.1", "b", true),
        ("OPTIONS http://b/ HTTP/1.1", "b", false),
        ("OPTIONS http://b?q HTTP/1.1", "b", false),
        ("OPTIONS / HTTP/1.1", "a", false),
    ] {
        let request = parse(&format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!((request.path(), request.host(), request.asterisk), ("/", host, asterisk), "{line}");
    }
}

#[test]
fn an_encoded_slash_is_noticed() {
    for (path, noticed) in [("/a%2Fb", true), ("/a%5cb", true), ("/a%2Fb/../c", true), ("/a%2eb", false)] {
        let request = parse(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(request.encoded_slash, noticed, "{path}");
    }
}

#[test]
fn hosts_are_names_and_addresses() {
    for (host, name) in [
        ("a", "a"),
        ("a:80", "a"),
        ("a:", "a"),
        ("a:0", "a"),
        ("a:65535", "a"),
        ("A-b_c.~D.", "a-b_c.~d"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::FFFF:1.2.3.4]:1", "[::ffff:1.2.3.4]"),
    ] {
        let request = parse(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!((request.host(), request.authority()), (name, host));
        assert!(request.fields.is_empty(), "Host is not a field among others");
    }
    assert_eq!(parse("GET / HTTP/1.0\r\n\r\n").host(), "");
}

#[test]
fn keep_alive_follows_version_and_connection() {
    for (version, connection, kept) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: CLOSE\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: x ,close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection:\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: x, Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Keep-Alive: timeout=5\r\n", false),
        ("1.0", "Proxy-Connection: keep-alive\r\n", false),
    ] {
        let request = parse(&format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n"));
        assert_eq!(request.keep_alive, kept, "HTTP/{version} {connection:?}");
    }
}

/// What is left of the fields of a head.
fn check_passed_on(fields: &str, expected: &str) {
    let mut out = Vec::new();
    with_fields(fields).fields.write_to(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), expected, "of {fields:?}");
}

#[test]
fn fields_of_one_connection_are_not_passed_on() {
    check_passed_on(
        "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: x\r\nProxy-Authorization: x\r\nX: y\r\n",
        "X: y\r\n",
    );
    check_passed_on("Connection: X-A, x-b ,,\r\nx-a: 1\r\nX-B: 2\r\nx-c: 3\r\nX-A: 4\r\n", "x-c: 3\r\n");
    check_passed_on("x-a: 1\r\nConnection: close\r\nConnection: x-a\r\n", "");
    check_passed_on("Connection: close, keep-alive, te, upgrade\r\nX: y\r\n", "X: y\r\n");
}

#[test]
fn connection_cannot_take_away_what_the_gateway_goes_by() {
    let fields = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nVia: 1.1 a\r\nX-Request-ID: 7\r\n";
    let names = "Connection: x-forwarded-for, X-Forwarded-Proto, via, x-request-id, host, content-length, transfer-encoding\r\n";
    check_passed_on(&format!("{names}{fields}"), fields);
    let request = parse(&format!("POST / HTTP/1.1\r\nHost: a\r\n{names}Content-Length: 3\r\n\r\n"));
    assert_eq!((request.host(), request.body), ("a", Body::Length(3)));
    let request = parse(&format!("POST / HTTP/1.1\r\nHost: a\r\n{names}Transfer-Encoding: chunked\r\n\r\n"));
    assert_eq!((request.host(), request.body), ("a", Body::Streamed));
}

#[test]
fn a_name_with_underscores_is_not_passed_on_where_it_would_deceive() {
    check_passed_on(
        "X_Forwarded_For: 1.2.3.4\r\nX-Forwarded_Proto: https\r\nX_Lockgate_User: 1\r\nx.lockgate.user: 1\r\nx_y: z\r\n",
        "x_y: z\r\n",
    );
}

#[test]
fn values_are_trimmed_and_otherwise_kept() {
    let request = with_fields("A:1\r\nB:  2 \t\r\nC:\r\nD: \t \r\nE: a\tb  c\r\nF: \u{e9}:\r\n");
    let values: Vec<_> = request.fields.iter().map(|(_, value)| String::from_utf8_lossy(value)).collect();
    assert_eq!(values, ["1", "2", "", "", "a\tb  c", "\u{e9}:"]);
}

#[test]
fn trailers_are_taken_when_te_says_so() {
    for (field, taken) in [
        ("", false),
        ("TE: trailers\r\n", true),
        ("te: gzip, Trailers\r\n", true),
        ("TE: gzip\r\nTE: trailers\r\n", true),
        ("TE: trailers;q=1\r\n", false),
    ] {
        assert_eq!(with_fields(field).takes_trailers, taken, "{field:?}");
    }
}

#[test]
fn an_upgrade_is_taken_only_if_it_is_well_formed_and_not_h2c() {
    let connection = "Connection: upgrade\r\n";
    for (fields, upgrade) in [
        ("Connection: Upgrade\r\nUpgrade: websocket\r\n".to_owned(), "websocket"),
        ("Connection: keep-alive, upgrade\r\nUpgrade: a/1.0, b\r\n".to_owned(), "a/1.0, b"),
        ("Upgrade: websocket\r\n".to_owned(), ""),
        (connection.to_owned(), ""),
        (format!("{connection}Upgrade:\r\n"), ""),
        (format!("{connection}Upgrade: h2c\r\n"), ""),
        (format!("{connection}Upgrade: H2C\r\n"), ""),
        (format!("{connection}Upgrade: websocket, h2c\r\n"), ""),
        (format!("{connection}Upgrade: h2c-14, websocket\r\n"), ""),
        (format!("{connection}Upgrade: web socket\r\n"), ""),
        (format!("{connection}Upgrade: websocket/\r\n"), ""),
        (format!("{connection}Upgrade: a\r\nUpgrade: b\r\n"), ""),
    ] {
        let request = with_fields(&fields);
        assert_eq!(request.upgrade(), upgrade, "{fields:?}");
        assert!(request.fields.is_empty(), "{fields:?}");
    }
    let old = parse("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(old.upgrade(), "");
}

#[test]
fn a_client_waits_for_100_only_with_a_body_in_http_1_1() {
    for (version, fields, expected) in [
        ("1.1", "Expect: 100-continue\r\nContent-Length: 3\r\n", true),
        ("1.1", "expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", true),
        ("1.1", "Expect: 100-continue\r\n", false),
        ("1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n", false),
        ("1.1", "Expect: x 100-continue\r\nContent-Length: 3\r\n", false),
        ("1.0", "Expect: 100-continue\r\nContent-Length: 3\r\n", false),
    ] {
        let request = parse(&format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(request.expects_continue, expected, "HTTP/{version} {fields:?}");
    }
}

#[test]
fn a_head_is_incomplete_until_its_last_byte_and_nothing_behind_it_matters() {
    let head = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    let limits = HeadLimits::default();
    for length in 0..head.len() {
        let parsed = parse_request(&head.as_bytes()[..length], &limits, &mut Request::default());
        assert_eq!(parsed, Ok(None), "{:?}", &head[..length]);
    }
    for behind in ["abc", "\n", "\0\0", "GET / HTTP/1.1\r\n\r\n"] {
        let parsed = parse_request(format!("{head}{behind}").as_bytes(), &limits, &mut Request::default());
        assert_eq!(parsed, Ok(Some(head.len())), "{behind:?}");
    }
}

#[test]
fn nothing_of_an_earlier_head_is_left() {
    let mut request = Request::default();
    let limits = HeadLimits::default();
    let first = "POST http://b/x%2Fy?q HTTP/1.0\r\nHost: B:1\r\nConnection: keep-alive\r\nContent-Length: 3\r\nTE: trailers\r\n\r\n";
    let second = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_request(first.as_bytes(), &limits, &mut request).expect("it is well-formed");
    parse_request(second.as_bytes(), &limits, &mut request).expect("it is well-formed");
    assert_eq!(format!("{request:?}"), format!("{:?}", parse(second)));
}
