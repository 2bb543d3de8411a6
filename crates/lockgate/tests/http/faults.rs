//! Upstreams that answer wrongly: 502, and their connections are never used again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::{Answer, Gate, Origin, Step};

use crate::Stand;

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

/// The origin stays up and keeps its connections open; the gateway must not.
#[track_caller]
fn check_bad_gateway(answer: &[u8]) {
    let name = answer.escape_ascii().to_string();
    let stand = Stand::new(Origin::answering(Answer::bytes(answer)));
    let mut client = stand.gateway.connect().unwrap();
    for asked in 1..=2 {
        let response = client.ask(GET).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(response.status(), 502, "{name}");
        stand.origin.wait_until_closed();
        let seen = stand.origin.connections();
        assert!(seen.len() >= asked && seen.iter().all(|c| c.heads <= 1), "{name}: {seen:?}");
    }
}

#[test]
fn answers_with_ambiguous_framing_are_refused() {
    for fields in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: +2",
        "Content-Length: 2a",
        "Content-Length: -1",
        "Content-Length: 18446744073709551616",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
    ] {
        check_bad_gateway(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nok").as_bytes());
    }
    check_bad_gateway(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
}

#[test]
fn malformed_heads_are_refused() {
    for head in [
        &b"garbage\r\n\r\n"[..],
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok",
        b"\x00\x01\x02\r\n\r\n",
        b"<html>not http at all</html>\r\n\r\n",
    ] {
        check_bad_gateway(head);
    }
}

#[test]
fn a_switch_nobody_asked_for_is_refused() {
    check_bad_gateway(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
}

#[test]
fn an_origin_that_says_nothing_and_closes_is_a_bad_gateway() {
    for answer in [Answer::new().then(Step::ReadBody).close(), Answer::new().then(Step::Reset)] {
        let stand = Stand::new(Origin::answering(answer));
        let response =
            stand.gateway.ask("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nab").unwrap();
        assert_eq!(response.status(), 502);
        assert_eq!(stand.origin.hits(), 1, "a POST goes out once");
    }
}

#[test]
fn half_a_head_is_a_bad_gateway() {
    let stand = Stand::new(Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nContent-Le").close()));
    assert_eq!(stand.gateway.get("/x").unwrap().status(), 502);
}

#[test]
fn bad_chunks_in_an_answer_never_look_whole() {
    for chunks in
        ["zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcX\r\n0\r\n\r\n", "3\nabc\n0\n\n", "-3\r\nabc\r\n0\r\n\r\n"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n{chunks}");
        let stand = Stand::new(Origin::answering(Answer::bytes(&answer)));
        let mut client = stand.gateway.connect().unwrap();
        match client.ask(GET) {
            Ok(response) => {
                assert_eq!(response.status(), 502, "{chunks:?}");
                // The connection is kept, and nothing of the broken answer may be taken for the next one.
                let next = client.ask("GET /other HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n");
                assert!(next.map_or(true, |next| next.status() == 502), "{chunks:?}");
                assert!(client.is_closed(), "{chunks:?}");
            }
            Err(_) => assert!(client.is_closed(), "{chunks:?}"),
        }
        stand.origin.wait_until_closed();
    }
}

#[test]
fn bytes_sent_before_a_request_are_no_answer_to_it() {
    // The origin answers every request twice; the second answer waits on the idle connection.
    let first = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
    let late = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let sent: Vec<Gate> = (0..10).map(|_| Gate::new()).collect();
    let (gates, asked) = (sent.clone(), AtomicUsize::new(0));
    let stand = Stand::new(Origin::start(move |_| {
        let gate = gates[asked.fetch_add(1, Ordering::Relaxed)].clone();
        Answer::bytes(first).send(late).then(Step::Open(gate))
    }));
    let mut client = stand.gateway.connect().unwrap();
    for late_is_there in &sent {
        assert_eq!(client.ask(GET).unwrap().text(), "first");
        assert!(late_is_there.wait(Duration::from_secs(10)));
    }
}

#[test]
fn errors_say_why_in_the_form_asked_for() {
    let stand = Stand::new(Origin::answering(Answer::bytes("garbage\r\n\r\n")));
    let ask = |accept: &str| {
        let request = format!("GET /x HTTP/1.1\r\nHost: test\r\nAccept: {accept}\r\n\r\n");
        stand.gateway.ask(request).unwrap()
    };
    let json = ask("application/json");
    assert!(json.field("content-type").contains("json"), "{:?}", json.fields);
    assert!(json.json()["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    let html = ask("text/html");
    assert!(html.field("content-type").starts_with("text/html"), "{:?}", html.fields);
    let text = ask("text/plain");
    assert!(text.field("content-type").starts_with("text/plain"), "{:?}", text.fields);
    let reason = json.json()["reason"].as_str().unwrap().to_owned();
    for response in [html, text] {
        assert!(response.text().contains(&reason), "{}", response.text());
        assert!(
            !response.text().contains("127.0.0.1"),
            "errors name no inner addresses: {}",
            response.text()
        );
    }
}
