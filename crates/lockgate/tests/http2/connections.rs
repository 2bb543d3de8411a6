//! Connections: how they begin, wait, and end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use testkit::{Answer, Origin};

use crate::frames::{ACK, DATA, GOAWAY, PING, SETTINGS, WINDOW_UPDATE, frame, pseudo};
use crate::{Client, Frames, request, start};

#[test]
fn an_idle_connection_is_told_goodbye() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("keep_alive = \"200ms\"", &origin);
    for stream in [None, Some(1)] {
        let mut client = Frames::connect(gateway.address());
        if let Some(stream) = stream {
            client.ask(stream, &pseudo("GET", "/"));
        }
        assert_eq!(client.next_of(GOAWAY).unwrap().code(), 0);
        while client.next().is_some() {}
    }
}

#[test]
fn a_preface_in_two_parts_is_one() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    for cut in [1, 3, 4, 23] {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        let begun = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat();
        stream.write_all(&begun[..cut]).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(&begun[cut..]).unwrap();
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head[3], SETTINGS, "cut at {cut}");
    }
}

#[test]
fn what_never_becomes_a_preface_is_ended() {
    let gateway = start("head_timeout = \"200ms\"", &Origin::answering(Answer::ok("ok")));
    for begun in ["P", "PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        // An answer of HTTP/1 or settings may come; the end does.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[test]
fn a_connection_serves_as_many_requests_as_it_may() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("requests = 3", &origin);
    let mut client = Client::connect(gateway.address());
    for _ in 0..3 {
        assert_eq!(client.get("/").status, 200);
    }
    let refused = client.ask(request("GET", "/").body(()).unwrap(), None);
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(origin.hits(), 3);
}

#[test]
fn a_drain_lets_requests_end_and_begins_no_others() {
    let (gate, origin) = Origin::slow_and_fast();
    let mut gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/slow"));
    origin.wait("the request has come", |connections| connections.iter().any(|c| c.heads == 1));
    gateway.begin_to_end().unwrap();
    assert_eq!(client.next_of(GOAWAY).unwrap().code(), 0);
    gate.open();
    let mut body = Vec::new();
    while let Some(frame) = client.next() {
        if (frame.kind, frame.stream) == (DATA, 1) {
            body.extend(frame.payload);
        }
    }
    assert_eq!(body, b"slow");
    assert!(gateway.wait_for_end().unwrap().success());
}

#[test]
fn what_a_client_says_while_it_reads_its_last_answer_does_not_cost_it_the_rest() {
    const BODY_BYTES: usize = 400_000;
    let origin = Origin::answering(Answer::generated(BODY_BYTES as u64));
    let gateway = start("requests = 1", &origin);
    let mut client = Frames::connect(gateway.address());
    let wide = [frame(SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]), frame(WINDOW_UPDATE, 0, 0, &[0, 16, 0, 0])];
    client.send(&wide.concat()).unwrap();
    client.ask(1, &pseudo("GET", "/"));
    let goodbye = client.next_of(PING).unwrap();
    client.send(&frame(PING, ACK, 0, &goodbye.payload)).unwrap();
    // By then all of it is on its way, more than the client's socket takes.
    std::thread::sleep(Duration::from_millis(300));
    client.send(&frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let of_body = std::iter::from_fn(|| client.next()).filter(|frame| frame.kind == DATA);
    assert_eq!(of_body.map(|frame| frame.payload.len()).sum::<usize>(), BODY_BYTES);
}
