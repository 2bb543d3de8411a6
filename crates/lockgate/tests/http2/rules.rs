//! What HTTP/2 can say and HTTP/1 must not hear (RFC 9113 §8).

use testkit::{Answer, Origin};

use crate::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, Outcome, block, frame, pseudo};
use crate::{Frames, start};

/// The code of a malformed message (RFC 9113 §8.1.1).
const PROTOCOL_ERROR: u32 = 1;

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [pseudo("POST", "/"), more.to_vec()].concat()
}

#[test]
fn no_malformed_head_reaches_an_origin() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    let long = ["/", &"x".repeat(9_000)].concat();
    let many: Vec<(String, String)> = (0..150).map(|at| (format!("x-{at}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("a connection field", with(&[("connection", "close")])),
        ("a coding", with(&[("transfer-encoding", "chunked")])),
        ("an upgrade", with(&[("upgrade", "h2c")])),
        ("another old field", with(&[("keep-alive", "1")])),
        ("a proxy's field", with(&[("proxy-connection", "close")])),
        ("te for more than trailers", with(&[("te", "gzip")])),
        ("upper case", with(&[("X-Upper", "1")])),
        ("an empty name", with(&[("", "1")])),
        ("a name with a space", with(&[("a b", "1")])),
        ("a name with a colon", with(&[("a:b", "1")])),
        ("a name with a line end", with(&[("a\r\nb", "1")])),
        ("a value with a line end", with(&[("x-a", "1\r\nx-b: 2")])),
        ("a value with a line feed", with(&[("x-a", "1\nx-b: 2")])),
        ("a value with a null", with(&[("x-a", "1\0")])),
        ("a value that begins with a space", with(&[("x-a", " 1")])),
        ("a value that ends with a tab", with(&[("x-a", "1\t")])),
        ("a length that is none", with(&[("content-length", "+1")])),
        ("two lengths", with(&[("content-length", "0"), ("content-length", "1")])),
        ("a length of nothing", with(&[("content-length", "5")])),
        ("a framing lookalike", with(&[("content_length", "5")])),
        ("another host", with(&[("host", "other")])),
        ("two hosts", with(&[("host", "test"), ("host", "test")])),
        ("a pseudo-field behind a field", with(&[("x-a", "1"), (":path", "/b")])),
        ("a second path", with(&[(":path", "/b")])),
        ("a pseudo-field of answers", with(&[(":status", "200")])),
        ("an unknown pseudo-field", with(&[(":other", "1")])),
        ("too many fields", with(&many)),
        ("no path", vec![(":method", "GET"), (":scheme", "http"), (":authority", "test")]),
        ("no method", vec![(":path", "/"), (":scheme", "http"), (":authority", "test")]),
        ("no scheme", vec![(":method", "GET"), (":path", "/"), (":authority", "test")]),
        ("no host", vec![(":method", "GET"), (":scheme", "http"), (":path", "/")]),
        ("an empty path", pseudo("GET", "")),
        ("a path without a slash", pseudo("GET", "a")),
        ("a whole URL as the path", pseudo("GET", "http://other/")),
        ("a path with a space", pseudo("GET", "/a HTTP/1.1")),
        ("a path with a line end", pseudo("GET", "/a\r\nx: 1")),
        ("a path with a null", pseudo("GET", "/a%00")),
        ("a path above the root", pseudo("GET", "/../a\u{80}")),
        ("an asterisk for a GET", pseudo("GET", "*")),
        ("a long path", pseudo("GET", &long)),
        ("a method with a space", pseudo("GET /a", "/")),
        ("a method with a line end", pseudo("GET\r\n", "/")),
        (
            "another scheme",
            vec![(":method", "GET"), (":scheme", "ftp"), (":authority", "test"), (":path", "/")],
        ),
        (
            "user information",
            vec![(":method", "GET"), (":scheme", "http"), (":authority", "a@test"), (":path", "/")],
        ),
        (
            "a malformed port",
            vec![(":method", "GET"), (":scheme", "http"), (":authority", "test:x"), (":path", "/")],
        ),
        ("a tunnel anywhere", vec![(":method", "CONNECT"), (":authority", "test:443")]),
        (
            "a tunnel for another protocol",
            [pseudo("CONNECT", "/"), vec![(":protocol", "connect-udp")]].concat(),
        ),
    ];
    for (what, fields) in cases {
        let mut client = Frames::connect(gateway.address());
        client.ask(1, &fields);
        let outcome = client.outcome(1);
        let is_refused = matches!(
            outcome,
            Outcome::Answered(400 | 414 | 431 | 501)
                | Outcome::Reset(PROTOCOL_ERROR)
                | Outcome::Ended(PROTOCOL_ERROR)
        );
        assert!(is_refused, "{what}: {outcome:?}");
    }
    assert_eq!(origin.hits(), 0);
}

#[test]
fn a_body_is_as_long_as_it_says() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    for (length, bodies) in [("5", &["1234"][..]), ("5", &["123456"]), ("5", &["123", "456"]), ("0", &["1"])]
    {
        let mut client = Frames::connect(gateway.address());
        let head = block(&with(&[("content-length", length)]));
        let mut sent = frame(HEADERS, END_HEADERS, 1, &head);
        for (at, body) in bodies.iter().enumerate() {
            let last = if at + 1 == bodies.len() { END_STREAM } else { 0 };
            sent.extend(frame(DATA, last, 1, body.as_bytes()));
        }
        client.send(&sent).unwrap();
        let outcome = client.outcome(1);
        assert_eq!(outcome, Outcome::Reset(PROTOCOL_ERROR), "{length} and {bodies:?}");
    }
    let whole = origin.requests().iter().filter(|request| !request.body.content.is_empty()).count();
    assert_eq!(whole, 0, "{:?}", origin.requests());
}

#[test]
fn trailers_frame_nothing() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    let sent = [
        frame(HEADERS, END_HEADERS, 1, &block(&with(&[]))),
        frame(DATA, 0, 1, b"body"),
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &block(&[("x-a", "1"), ("content-length", "9"), ("host", "b")]),
        ),
    ];
    client.send(&sent.concat()).unwrap();
    assert_eq!(client.outcome(1), Outcome::Answered(200));
    let request = &origin.requests()[0];
    assert_eq!(
        (request.body.content.as_slice(), request.body.trailers.all("x-a")),
        (&b"body"[..], vec!["1"])
    );
    assert!(
        request.body.trailers.all("content-length").is_empty()
            && request.body.trailers.all("host").is_empty()
    );
}
