//! What passes over TLS to an upstream, and which connections are used again.

use std::time::{Duration, Instant};

use rustls::SupportedProtocolVersion;
use testkit::GatewayProcess;

use crate::Folder;
use crate::secured_origin::{Script, SecuredOrigin, Then, Visit, always_ok, ok};
use crate::upstreams::{at, before};

const POST: &str = "POST /a/ HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello";
const TLS: &str = "authority = \"own.pem\", name = \"orders.internal\"";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// A gateway before one origin that answers so; `/a` leads there.
fn stand(
    versions: &[&'static SupportedProtocolVersion],
    more: &str,
    script: Script,
) -> (GatewayProcess, SecuredOrigin) {
    let folder = Folder::new();
    let own = folder.certificate("own", &["orders.internal"]);
    let origin = SecuredOrigin::with(&own, versions, None, script);
    let config = before(&[("a", format!("{}\n{more}", at(origin.address(), TLS)))]);
    (folder.run(&config, &[]), origin)
}

#[test]
fn one_connection_serves_many_requests() {
    for version in VERSIONS {
        let (gateway, origin) = stand(&[version], "", always_ok);
        for number in 0..60 {
            // Those that could not be sent again have the socket looked at first.
            let answer = if number % 2 == 0 { gateway.get("/a/") } else { gateway.ask(POST) };
            assert_eq!(answer.unwrap().text(), "ok");
        }
        assert_eq!((origin.accepted(), origin.visits()[0].requests), (1, 60), "{version:?}");
    }
}

#[test]
fn workers_share_what_is_too_much_for_one() {
    // Where connections are limited, all idle ones lie on the shelf.
    for version in VERSIONS {
        let folder = Folder::new();
        let own = folder.certificate("own", &["orders.internal"]);
        let origin = SecuredOrigin::with(&own, &[version], None, always_ok);
        let keys = format!("{}\nconnections = 1", at(origin.address(), TLS));
        let config = before(&[("a", keys)]).replace("count = 1", "count = 3");
        let gateway = folder.run(&config, &[]);
        for _ in 0..60 {
            // A worker has its answer out a moment before the connection lies on the shelf.
            let end = Instant::now() + Duration::from_secs(20);
            let answer = loop {
                let answer = gateway.ask(POST).unwrap();
                if answer.status() != 503 || Instant::now() > end {
                    break answer;
                }
            };
            assert_eq!(answer.text(), "ok");
        }
        assert_eq!((origin.accepted(), origin.visits()[0].requests), (1, 60), "{version:?}");
    }
}

#[test]
fn a_new_connection_takes_up_the_session_of_one_before() {
    for version in VERSIONS {
        let folder = Folder::new();
        let own = folder.certificate("own", &["orders.internal"]);
        let script: Script =
            |_| (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Close);
        let origin = SecuredOrigin::with(&own, &[version], None, script);
        // Whichever worker it is that makes it.
        let config = before(&[("a", at(origin.address(), TLS))]).replace("count = 1", "count = 3");
        let gateway = folder.run(&config, &[]);
        for _ in 0..12 {
            assert_eq!(gateway.get("/a/").unwrap().status(), 200);
        }
        let resumed: Vec<_> = origin.visits().iter().map(|visit| visit.resumed).collect();
        assert!(
            resumed.len() == 12 && !resumed[0] && resumed[1..].iter().all(|resumed| *resumed),
            "{resumed:?}"
        );
    }
}

#[test]
fn a_connection_that_was_closed_or_spoke_unasked_is_not_used_again() {
    let script: Script = |asked| match asked.target.as_str() {
        "/closed" => (ok(b"ok"), Then::Close),
        "/cut" => (ok(b"ok"), Then::Cut),
        "/more" => (ok(b"ok").repeat(2), Then::Unasked),
        "/later" => (ok(b"ok"), Then::Unasked),
        _ => (ok(b"fresh"), Then::Keep),
    };
    for version in VERSIONS {
        let (gateway, origin) = stand(&[version], "", script);
        for target in ["/closed", "/cut", "/more", "/later"] {
            assert_eq!(gateway.get(&format!("/a{target}")).unwrap().text(), "ok");
            let is_over =
                |visits: &[Visit]| visits.last().is_some_and(|visit| visit.unasked || visit.ended.is_some());
            origin.wait("the connection is of no use any more", is_over);
            let before = origin.accepted();
            // It could not be sent again, and need not be.
            assert_eq!(gateway.ask(POST).unwrap().text(), "fresh", "{version:?} {target}");
            assert_eq!(origin.accepted(), before + 1, "{version:?} {target}");
        }
    }
}

/// Bytes that do not repeat soon.
fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn large_bodies_pass_both_ways() {
    const BYTES: usize = 9_000_001;
    for version in VERSIONS {
        let (gateway, origin) = stand(&[version], "", |asked| (ok(&asked.body), Then::Keep));
        let body = pattern(BYTES);
        let mut client = gateway.connect().unwrap();
        let length = format!("POST /a/ HTTP/1.1\r\nHost: test\r\nContent-Length: {BYTES}\r\n\r\n");
        assert!(client.ask([length.as_bytes(), &body].concat()).unwrap().body == body, "{version:?}");
        let chunks = body
            .chunks(65_537)
            .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        let chunked = b"POST /a/ HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let chunked = [chunked, chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat();
        assert!(client.ask(chunked).unwrap().body == body, "{version:?}");
        assert_eq!(origin.accepted(), 1, "{version:?}");
    }
}

#[test]
fn an_answer_that_is_cut_short_does_not_look_whole() {
    let script: Script = |asked| {
        let until_close = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nthe beginning".to_vec();
        match asked.target.as_str() {
            "/whole" => (until_close, Then::Close),
            "/until-close" => (until_close, Then::Cut),
            "/length" => {
                (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe beginning".to_vec(), Then::Close)
            }
            _ => (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\nthe beginning".to_vec(),
                Then::Cut,
            ),
        }
    };
    for version in VERSIONS {
        let (gateway, _origin) = stand(&[version], "", script);
        assert_eq!(gateway.get("/a/whole").unwrap().text(), "the beginning", "{version:?}");
        for target in ["/until-close", "/length", "/chunked"] {
            let answer = gateway.get(&format!("/a{target}"));
            let is_whole = answer.as_ref().is_ok_and(|answer| answer.status() == 200);
            assert!(!is_whole, "{version:?} {target}: {answer:?}");
        }
    }
}

#[test]
fn a_tunnel_goes_through_and_each_end_of_it_is_told() {
    let script: Script = |_| {
        let switched = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        (switched.to_vec(), Then::Echo)
    };
    for version in VERSIONS {
        let (gateway, origin) = stand(&[version], "", script);
        let mut client = gateway.connect().unwrap();
        client
            .send("GET /a/ HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            .unwrap();
        assert_eq!(client.head().unwrap().0.status, 101);
        let bytes = pattern(100_000);
        for piece in bytes.chunks(1_000) {
            client.send(piece).unwrap();
            assert!(client.bytes(piece.len()).unwrap() == piece, "{version:?}");
        }
        client.finish_sending().unwrap();
        assert!(client.rest().unwrap().is_empty(), "{version:?}");
        origin.wait("the tunnel has ended in good order", |visits| visits[0].ended == Some(true));
    }
}

#[test]
fn idle_connections_are_closed_with_a_word() {
    let (gateway, origin) =
        stand(&rustls::ALL_VERSIONS[..1], "timeout = { keep_alive = \"50ms\" }", always_ok);
    assert_eq!(gateway.get("/a/").unwrap().text(), "ok");
    origin.wait("the gateway has said that it is the end", |visits| visits[0].ended == Some(true));
}
