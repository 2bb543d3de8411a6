//! WebSockets to upstreams of HTTP/2: extended CONNECT (RFC 8441), for clients of both protocols.

use std::time::{Duration, Instant};

use h2::ext::Protocol;
use testkit::websocket::open_request;
use testkit::{GatewayProcess, Origin};

use crate::client::{exchange_words, read, when_tunnels_are_offered};
use crate::frames::{DATA, END_STREAM, HEADERS, frame};
use crate::front::{Front, HTTP2};
use crate::origin::Http2Origin;
use crate::upstream_frames::{Scripted, head, ok, reset};
use crate::upstreams::start;
use crate::{Client, Frames, LOCKGATE, request};

/// The setting that offers them (RFC 8441 §3).
const ENABLE_CONNECT_PROTOCOL: (u16, u32) = (8, 1);
const REFUSED_STREAM: u32 = 7;

/// Waits until it is so.
#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "it has not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_of_http_1_is_answered_as_by_an_upstream_of_http_1() {
    let origin = Http2Origin::echoing();
    let mut gateway = start("", &origin);
    let mut client = gateway.connect().unwrap();
    let answer = client.ask(open_request("/chat?x=1", "Test:80")).unwrap();
    assert_eq!(answer.status(), 101);
    assert!(answer.fields.lists("connection", "upgrade") && answer.fields.lists("upgrade", "websocket"));
    assert_eq!(answer.field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(answer.field("sec-websocket-protocol"), "chat");
    for size in [1, 100, 100_000, 3] {
        let bytes = vec![size as u8; size];
        client.send(&bytes).unwrap();
        assert_eq!(client.bytes(size).unwrap(), bytes);
    }
    client.finish_sending().unwrap();
    assert_eq!(client.rest().unwrap(), b"after");
    let seen = &origin.seen()[0];
    assert_eq!(
        (seen.method().as_str(), seen.uri().to_string()),
        ("CONNECT", "http://Test:80/chat?x=1".into())
    );
    assert_eq!(seen.extensions().get::<Protocol>().map(Protocol::as_str), Some("websocket"));
    assert_eq!(seen.headers()["sec-websocket-version"], "13");
    for absent in ["sec-websocket-key", "upgrade", "connection", "host"] {
        assert!(!seen.headers().contains_key(absent), "{absent}");
    }
    gateway.terminate().unwrap();
    let records: Vec<_> = journal::read_dir(gateway.data()).unwrap().map(Result::unwrap).collect();
    let event = records.last().unwrap().event().unwrap();
    assert_eq!((event.status, event.bytes_in, event.bytes_out), (101, 100_104, 100_109));
}

#[test]
fn a_client_of_http_2_is_answered_too_and_others_share_the_connection() {
    let origin = Http2Origin::echoing();
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    client.run(async |send| {
        let mut send = when_tunnels_are_offered(send).await;
        let asked = request("CONNECT", "/chat").extension(Protocol::from_static("websocket"));
        let (answer, mut sending) = send.send_request(asked.body(()).unwrap(), false).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["sec-websocket-protocol"]),
            (200, &"chat".parse().unwrap())
        );
        assert!(!answer.headers().contains_key("sec-websocket-accept"));
        let mut stream = answer.into_body();
        exchange_words(&mut sending, &mut stream).await;
        sending.send_data("".into(), true).unwrap();
        assert_eq!(read(stream).await.unwrap().0, b"after");
    });
    assert_eq!(client.get("/").status, 200);
    assert_eq!((origin.connections(), origin.cancelled()), (1, 0));
}

#[test]
fn a_refusal_is_an_answer_of_http() {
    let origin = Http2Origin::echoing();
    let gateway = start("", &origin);
    let mut client = gateway.connect().unwrap();
    for _ in 0..3 {
        let answer = client.ask(open_request("/forbidden", "test")).unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (403, "no"));
        client = gateway.connect().unwrap();
    }
    assert_eq!(gateway.get("/").unwrap().status(), 200);
    assert_eq!((origin.connections(), origin.cancelled()), (1, 0));
}

#[test]
fn early_bytes_are_held_until_the_switch() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[ENABLE_CONNECT_PROTOCOL]);
        let asked = upstream.next_of(HEADERS).unwrap();
        assert_eq!((asked.stream, asked.flags & END_STREAM), (1, 0));
        let before = upstream.sent();
        assert!(before.iter().all(|frame| frame.kind != DATA), "{before:?}");
        upstream.send(&head(1, 0, &[(":status", "200")])).unwrap();
        assert_eq!(upstream.next_of(DATA).unwrap().payload, b"early");
        upstream.send(&reset(1, 8)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = gateway.connect().unwrap();
    client.send([open_request("/", "test").as_str(), "early"].concat()).unwrap();
    assert_eq!(client.response("GET").unwrap().status(), 101);
    assert!(client.is_closed());
    upstream.end();
}

#[test]
fn what_a_success_says_of_a_body_means_nothing() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[ENABLE_CONNECT_PROTOCOL]);
        assert_eq!(upstream.asked(), 1);
        let hints = head(1, 0, &[(":status", "103")]);
        let success = head(1, 0, &[(":status", "204"), ("content-length", "5")]);
        upstream.send(&[hints, success, frame(DATA, 0, 1, b"more than five")].concat()).unwrap();
        upstream.send(&head(1, END_STREAM, &[("x-trailer", "of none")])).unwrap();
        assert_eq!(upstream.next_of(DATA).unwrap().payload, b"and back");
        assert_eq!(upstream.asked(), 3);
        // It says nothing, but may be told something.
        upstream.send(&head(3, END_STREAM, &[(":status", "200")])).unwrap();
        assert_eq!(upstream.next_of(DATA).unwrap().payload, b"heard");
    });
    let gateway = upstream.gateway("");
    let mut client = gateway.connect().unwrap();
    client.send(open_request("/", "test")).unwrap();
    assert_eq!(client.response("GET").unwrap().status(), 101);
    assert_eq!(client.bytes(14).unwrap(), b"more than five");
    client.send("and back").unwrap();
    client.finish_sending().unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(open_request("/", "test")).unwrap().status(), 101);
    client.send("heard").unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    upstream.end();
}

#[test]
fn where_none_are_offered_a_request_stays_one() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        for stream in [1, 3] {
            let asked = upstream.next_of(HEADERS).unwrap();
            assert_eq!((asked.stream, asked.flags & END_STREAM), (stream, END_STREAM));
            upstream.send(&ok(stream)).unwrap();
        }
    });
    let gateway = upstream.gateway("");
    for _ in 0..2 {
        assert_eq!(gateway.ask(open_request("/", "test")).unwrap().status(), 200);
    }
    upstream.end();
}

#[test]
fn a_key_that_is_none_asks_for_nothing() {
    let origin = Http2Origin::echoing();
    let gateway = start("", &origin);
    for key in [
        "",
        "Sec-WebSocket-Key: short\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let head = format!(
            "GET /a HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n"
        );
        assert_eq!(gateway.ask(head).unwrap().status(), 200, "{key}");
    }
    assert!(origin.seen().iter().all(|seen| seen.method() == "GET"));
}

#[test]
fn a_request_that_was_not_looked_at_is_sent_again() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[ENABLE_CONNECT_PROTOCOL]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&reset(1, REFUSED_STREAM)).unwrap();
        assert_eq!(upstream.asked(), 3);
        upstream.send(&head(3, 0, &[(":status", "200")])).unwrap();
        let end = upstream.next_of(DATA).unwrap();
        assert_eq!((end.stream, end.flags & END_STREAM, end.payload.len()), (3, END_STREAM, 0));
    });
    let gateway = upstream.gateway("");
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(open_request("/", "test")).unwrap().status(), 101);
    drop(client);
    upstream.end();
}

#[test]
fn an_end_without_warning_ends_the_other_side_and_nothing_else() {
    let origin = Http2Origin::echoing();
    let gateway = start("", &origin);
    let mut kept = gateway.connect().unwrap();
    assert_eq!(kept.ask(open_request("/kept", "test")).unwrap().status(), 101);
    let mut broken = gateway.connect().unwrap();
    assert_eq!(broken.ask(open_request("/break", "test")).unwrap().status(), 101);
    broken.send("x").unwrap();
    assert!(broken.is_closed());
    let mut gone = gateway.connect().unwrap();
    assert_eq!(gone.ask(open_request("/gone", "test")).unwrap().status(), 101);
    gone.reset();
    wait_until(|| origin.cancelled() == 1);
    kept.send("still here").unwrap();
    assert_eq!(kept.bytes(10).unwrap(), b"still here");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_endpoint_that_refuses_http_1_is_asked_by_http_2() {
    let (http1, http2) = (Origin::echo(), Http2Origin::echoing());
    let front = Front::start(HTTP2, &http1, &http2);
    let config = format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nprotocol = \"auto\"\ntls = {{ verify = false }}\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        front.address
    );
    let gateway =
        GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"));
    for _ in 0..3 {
        let mut client = gateway.connect().unwrap();
        assert_eq!(client.ask(open_request("/ws", "test")).unwrap().status(), 101);
        client.send("hello").unwrap();
        assert_eq!(client.bytes(5).unwrap(), b"hello");
    }
    // One that was refused, and one for all; what is known is not asked again.
    assert_eq!((front.accepted(), front.agreed()), (2, vec!["h2".to_owned()]));
    assert_eq!(http2.seen()[2].uri().scheme_str(), Some("https"));
}
