//! Streams beside each other: turns, windows, and requests that are taken back.

use std::time::{Duration, Instant};

use testkit::{Answer, Gate, Origin, Step};

use crate::frames::{
    DATA, END_HEADERS, END_STREAM, Frame, HEADERS, Outcome, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
    frame, pseudo,
};
use crate::{Client, Frames, request, start};

/// RFC 9113 §7
const CANCEL: u32 = 8;
const REFUSED_STREAM: u32 = 7;

#[test]
fn a_slow_answer_does_not_keep_others_waiting() {
    let (gate, origin) = Origin::slow_and_fast();
    let gateway = start("", &origin);
    let told = Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let (slow, _) = send.send_request(request("GET", "/slow").body(()).unwrap(), true).unwrap();
        for _ in 0..20 {
            let (fast, _) = send.send_request(request("GET", "/").body(()).unwrap(), true).unwrap();
            assert_eq!(crate::client::read(fast.await.unwrap().into_body()).await.unwrap().0, b"fast");
        }
        gate.open();
        crate::client::read(slow.await.unwrap().into_body()).await.unwrap().0
    });
    assert_eq!(told, b"slow");
}

#[test]
fn a_request_that_is_taken_back_is_taken_from_its_origin_too() {
    let origin = Origin::answering(Answer::new().then(Step::Hold));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/back"));
    origin.wait("the request has come", |connections| connections.iter().any(|c| c.heads == 1));
    client.send(&frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes())).unwrap();
    origin.wait("its connection is closed", |connections| connections[0].end.is_some());
    let record = record(&gateway, "/back");
    assert!(record.contains("\"reason\":\"client_gone\"") && record.contains("\"status\":0"), "{record}");
    assert!(record.contains("\"http\":\"2\""), "{record}");
}

#[test]
fn an_upload_that_is_taken_back_has_no_status() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    let begun = [frame(HEADERS, END_HEADERS, 1, &block(&pseudo("POST", "/up"))), frame(DATA, 0, 1, b"begun")];
    client.send(&begun.concat()).unwrap();
    origin.wait("the request has come", |connections| connections.iter().any(|c| c.heads == 1));
    client.send(&frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes())).unwrap();
    let record = record(&gateway, "/up");
    for part in ["\"reason\":\"client_gone\"", "\"status\":0", "\"bytes_out\":0,"] {
        assert!(record.contains(part), "{part} in {record}");
    }
}

#[test]
fn what_was_sent_of_an_answer_that_is_taken_back_counts() {
    let gate = Gate::new();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1234567890";
    let origin = Origin::answering(Answer::bytes(answer).then(Step::Wait(gate.clone())));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/part"));
    assert_eq!(client.next_of(DATA).unwrap().payload, b"1234567890");
    client.send(&frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes())).unwrap();
    let record = record(&gateway, "/part");
    gate.open();
    for part in ["\"reason\":\"client_gone\"", "\"status\":200", "\"bytes_out\":10,"] {
        assert!(record.contains(part), "{part} in {record}");
    }
}

/// The record of a request for that path, once it is there.
fn record(gateway: &testkit::GatewayProcess, path: &str) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let journal = gateway.command(["tail", "--data", "data"]).unwrap();
        let lines = String::from_utf8(journal.stdout).unwrap();
        if let Some(line) = lines.lines().find(|line| line.contains(path)) {
            return line.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no record of {path}");
}

#[test]
fn an_origin_that_fails_resets_its_stream_and_no_other() {
    let broken = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").close();
    let origin =
        Origin::start(
            move |request| {
                if request.line.target == "/broken" { broken.clone() } else { Answer::ok("ok") }
            },
        );
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    for _ in 0..3 {
        let failed = client.ask(request("GET", "/broken").body(()).unwrap(), None).unwrap_err();
        assert_eq!(failed.reason(), Some(h2::Reason::INTERNAL_ERROR));
        assert_eq!(client.get("/").text(), "ok");
    }
}

#[test]
fn more_streams_than_may_be_are_refused_and_may_be_sent_again() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let origin = Origin::start(move |_| {
        Answer::new().then(Step::Wait(waiting.clone())).send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let gateway = start("http2 = { streams = 3 }", &origin);
    let mut client = Frames::connect(gateway.address());
    for stream in [1, 3, 5] {
        client.ask(stream, &pseudo("GET", "/"));
    }
    origin.wait("all have come", |connections| connections.iter().filter(|c| c.heads == 1).count() == 3);
    client.ask(7, &pseudo("GET", "/"));
    assert_eq!(client.outcome(7), Outcome::Reset(REFUSED_STREAM));
    gate.open();
    assert_eq!(client.outcome(1), Outcome::Answered(200));
}

#[test]
fn an_origin_that_does_not_read_holds_its_client_back() {
    let gate = Gate::new();
    let origin = Origin::answering(
        Answer::new()
            .then(Step::Wait(gate.clone()))
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .close(),
    );
    let gateway = start("http2 = { stream_window = \"16KiB\", connection_window = \"64KiB\" }", &origin);
    let before = gateway.figures().unwrap().anonymous_bytes;
    let sent = Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let (_answer, mut sending) =
            send.send_request(request("POST", "/").body(()).unwrap(), false).unwrap();
        let mut sent = 0;
        loop {
            sending.reserve_capacity(16 << 10);
            let room = std::future::poll_fn(|context| sending.poll_capacity(context));
            match tokio::time::timeout(Duration::from_millis(500), room).await {
                Ok(Some(Ok(room))) => {
                    sending.send_data(vec![b'x'; room].into(), false).unwrap();
                    sent += room;
                }
                Ok(_) => panic!("the stream was reset"),
                Err(_) => return sent,
            }
        }
    });
    let grown = gateway.figures().unwrap().anonymous_bytes.saturating_sub(before);
    // What the kernel holds between gateway and origin is some megabytes.
    assert!((16 << 10..16 << 20).contains(&sent), "{sent}");
    assert!(grown < 4 << 20, "{grown}");
    gate.open();
}

#[test]
fn a_client_without_a_window_gets_no_byte_and_is_given_up() {
    let origin = Origin::answering(Answer::generated(10_000_000));
    let gateway = start("body_timeout = \"300ms\"", &origin);
    let mut client = Frames::connect(gateway.address());
    // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2)
    client.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
    let head = block(&pseudo("GET", "/"));
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)).unwrap();
    assert_eq!(client.outcome(1), Outcome::Answered(200));
    let reset = client.next_of(RST_STREAM).unwrap();
    assert_eq!(reset.stream, 1);
}

/// The frames up to the answer to a PING.
fn up_to_ping(client: &mut Frames) -> Vec<Frame> {
    client.send(&frame(PING, 0, 0, &[0; 8])).unwrap();
    std::iter::from_fn(|| client.next()).take_while(|frame| frame.kind != PING).collect()
}

#[test]
fn who_is_held_up_leaves_room_for_others() {
    let origin = Origin::start(|request| match request.line.target.as_str() {
        "/hold" => Answer::new().then(Step::Hold),
        _ => Answer::ok("ok"),
    });
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    // Each of four streams sends what it may, which is all that they may together.
    let body = |stream| frame(DATA, 0, stream, &[b'x'; 16_384]).repeat(4);
    let tunnel =
        [&[(":method", "CONNECT"), (":protocol", "websocket")][..], &pseudo("", "/hold")[1..]].concat();
    let tunnel = block(&[&tunnel[..], &[("sec-websocket-version", "13")]].concat());
    for stream in [1, 3, 5] {
        client.send(&[frame(HEADERS, END_HEADERS, stream, &tunnel), body(stream)].concat()).unwrap();
    }
    origin.wait("tunnels are asked for", |connections| {
        connections.iter().filter(|connection| connection.heads == 1).count() == 3
    });
    assert!(up_to_ping(&mut client).iter().any(|frame| frame.kind == WINDOW_UPDATE), "what all may send");
    let head = frame(HEADERS, END_HEADERS, 7, &block(&pseudo("POST", "/")));
    client.send(&[head, body(7)].concat()).unwrap();
    let more = client.next_of(WINDOW_UPDATE).map(|frame| frame.stream);
    client.send(&frame(DATA, END_STREAM, 7, &[])).unwrap();
    let mut rest = std::iter::from_fn(|| client.next());
    let is_end = |frame: &Frame| (frame.stream, frame.flags & END_STREAM) == (7, END_STREAM);
    let before = rest.by_ref().take_while(|frame| !is_end(frame)).map(|frame| frame.stream);
    assert!(more.into_iter().chain(before).any(|stream| stream == 0), "the others may send again");
}

#[test]
fn what_comes_for_streams_that_were_refused_is_passed_over_however_many_were() {
    const REFUSED: u32 = 400;
    let (gate, origin) = Origin::slow_and_fast();
    let gateway = start("http2 = { streams = 1 }", &origin);
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/slow"));
    let head = block(&pseudo("POST", "/"));
    let streams = || (1..=REFUSED).map(|at| 2 * at + 1);
    let begun = streams().flat_map(|stream| frame(HEADERS, END_HEADERS, stream, &head));
    client.send(&begun.collect::<Vec<u8>>()).unwrap();
    let refused = up_to_ping(&mut client).iter().filter(|frame| frame.kind == RST_STREAM).count();
    assert_eq!(refused, REFUSED as usize);
    let late = streams().flat_map(|stream| frame(DATA, END_STREAM, stream, b"late"));
    client.send(&late.collect::<Vec<u8>>()).unwrap();
    gate.open();
    assert_eq!(client.outcome(1), Outcome::Answered(200));
}

#[test]
fn the_rest_of_a_request_whose_head_is_refused_is_read_away() {
    let gateway = start("", &Origin::answering(Answer::ok("ok")));
    let mut client = Frames::connect(gateway.address());
    let head = block(&pseudo("POST", &format!("/{}", "long".repeat(3_000))));
    client.send(&frame(HEADERS, END_HEADERS, 1, &head)).unwrap();
    assert_eq!(client.outcome(1), Outcome::Answered(414));
    client.send(&[frame(DATA, 0, 1, b"what"), frame(DATA, END_STREAM, 1, b"ever")].concat()).unwrap();
    let resets = up_to_ping(&mut client).iter().filter(|frame| frame.kind == RST_STREAM).count();
    assert_eq!(resets, 0, "it has ended by itself");
}
