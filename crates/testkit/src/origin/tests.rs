//! What origins and clients do to each other.

use std::time::Duration;

use crate::oracle::Framing;
use crate::{Answer, ClientError, Gate, Origin, PatternCheck, RawClient, Step, ask};
use crate::{End, websocket};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_are_recorded_and_echoed() {
    let origin = Origin::echo();
    let mut client = RawClient::connect(origin.address()).unwrap();
    client
        .send_bytewise(
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n",
        )
        .unwrap();
    let echo = client.response("POST").unwrap().json();
    assert_eq!((&echo["body"], &echo["trailers"][0][1]), (&"hi".into(), &"u".into()));
    assert_eq!(client.ask(GET).unwrap().json()["number"], 1);
    let requests = origin.requests();
    assert_eq!((origin.hits(), requests.len(), requests[0].body.content.as_slice()), (2, 2, &b"hi"[..]));
}

#[test]
fn interim_responses_come_before_the_final_one() {
    let answer = Answer::new()
        .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        .then(Step::ReadBody)
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\nT: u\r\n\r\n");
    let origin = Origin::answering(answer);
    let response = ask(origin.address(), GET).unwrap();
    let statuses: Vec<_> = response.interim.iter().map(|(line, _)| line.status).collect();
    assert_eq!(
        (statuses, response.text().as_str(), response.framing),
        (vec![100, 103], "a", Framing::Chunked)
    );
    assert_eq!(response.trailers.first("t"), Some("u"));
}

#[test]
fn generated_bodies_follow_the_pattern() {
    const COUNT: u64 = 3_000_000;
    let chunked = Answer::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .then(Step::GenerateChunks(COUNT))
        .send("0\r\n\r\n");
    for answer in [Answer::generated(COUNT), chunked] {
        let origin = Origin::answering(answer);
        let mut client = RawClient::connect(origin.address()).unwrap();
        client.send(GET).unwrap();
        let mut check = PatternCheck::default();
        client.response_into("GET", &mut |piece| check.take(piece)).unwrap();
        assert!(check.bytes == COUNT && !check.broken, "{check:?}");
    }
}

#[test]
fn short_answers_are_noticed() {
    let short = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close();
    let origin = Origin::answering(short);
    assert!(matches!(ask(origin.address(), GET), Err(ClientError::Ended(content)) if content == b"abc"));
    let origin = Origin::answering(Answer::new().then(Step::Reset));
    assert!(matches!(ask(origin.address(), GET), Err(ClientError::Io(_))));
    let origin = Origin::answering(Answer::bytes("nonsense\r\n\r\n"));
    assert!(matches!(ask(origin.address(), GET), Err(ClientError::Malformed(_))));
}

#[test]
fn close_delimited_answers_end_at_the_close() {
    let origin = Origin::answering(Answer::bytes("HTTP/1.0 200 OK\r\n\r\nall of it").close());
    let response = ask(origin.address(), GET).unwrap();
    assert_eq!((response.text().as_str(), response.framing), ("all of it", Framing::Close));
    origin.wait_until_closed();
    assert_eq!(origin.connections()[0].end, Some(End::ByScript));
}

#[test]
fn a_script_waits_at_its_gate() {
    let gate = Gate::new();
    let origin = Origin::answering(
        Answer::new().then(Step::Wait(gate.clone())).then(Step::ReadBody).send("HTTP/1.1 204 X\r\n\r\n"),
    );
    let mut client = RawClient::connect(origin.address()).unwrap();
    client.set_timeout(Duration::from_millis(50));
    assert!(matches!(client.ask(GET), Err(ClientError::TimedOut(_))));
    gate.open();
    client.set_timeout(Duration::from_secs(10));
    assert_eq!(client.response("GET").unwrap().status(), 204);
}

#[test]
fn a_dropped_origin_leaves_no_thread_behind() {
    let before = std::fs::read_dir("/proc/self/task").map(Iterator::count).unwrap_or(0);
    for _ in 0..20 {
        let drip = Answer::new().then(Step::Drip([b'x'; 1000].into(), 1, Duration::from_millis(5)));
        let origin = Origin::start(move |r| match r.line.target.as_str() {
            "/x" => Answer::new().then(Step::Wait(Gate::new())),
            _ => drip.clone(),
        });
        let mut waiting = RawClient::connect(origin.address()).unwrap();
        waiting.send(GET).unwrap();
        let mut dripping = RawClient::connect(origin.address()).unwrap();
        dripping.send("GET /d HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        origin.wait("both have come", |records| records.iter().map(|r| r.heads).sum::<usize>() == 2);
    }
    // Other tests run beside this one and come and go; twenty origins would leave sixty threads.
    let after = std::fs::read_dir("/proc/self/task").map(Iterator::count).unwrap_or(0);
    assert!(after < before + 40, "{before} threads before, {after} after");
}

#[test]
fn bytes_after_an_upgrade_are_no_requests() {
    let origin = Origin::answering(Answer::new().then(Step::WebSocketEcho));
    let mut client = RawClient::connect(origin.address()).unwrap();
    let early = websocket::Frame::whole(1, *b"hi").encode(Some([1, 2, 3, 4]));
    client.send([websocket::open_request("/", "a").as_bytes(), &early].concat()).unwrap();
    assert_eq!(client.response("GET").unwrap().status(), 101);
    assert_eq!(client.bytes(4).unwrap(), websocket::Frame::whole(1, *b"hi").encode(None));
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn unix_sockets_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::unix(&directory.path().join("s"), |_| Answer::ok("unix"));
    assert_eq!(ask(origin.address(), GET).unwrap().text(), "unix");
}
