//! Bodies in both directions, in every framing.

use std::thread;
use std::time::Duration;

use testkit::oracle::Framing;
use testkit::{Answer, ClientError, End, Gate, Origin, Response, Step};

use crate::{Stand, start};

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

#[track_caller]
fn ask(answer: Answer, request: &str) -> Response {
    let stand = Stand::new(Origin::answering(answer));
    stand.gateway.ask(request).unwrap()
}

#[test]
fn chunked_requests_arrive_with_their_trailers() {
    let stand = Stand::new(Origin::echo());
    let chunks = "5;ext=1\r\nhello\r\n1\r\n!\r\n0;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n";
    let request = format!(
        "POST /x HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
    );
    let echo = stand.gateway.ask(request).unwrap().json();
    assert_eq!(echo["body"], "hello!");
    assert_eq!(echo["trailers"], serde_json::json!([["X-Sum", "1"], ["X-More", "2"]]));
    let sent = &stand.origin.requests()[0];
    assert_eq!(sent.fields.all("transfer-encoding"), ["chunked"]);
    assert!(!sent.fields.has("content-length"));
}

#[test]
fn trailers_that_would_change_the_message_are_not_forwarded() {
    let stand = Stand::new(Origin::echo());
    let chunks =
        "1\r\na\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\nHost: evil\r\nX-Good: 1\r\n\r\n";
    let request = format!("POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let response = stand.gateway.ask(request).unwrap();
    // Either the whole request is refused, or only the harmless trailer arrives (RFC 9110 section 6.5.1).
    if response.status() == 200 {
        assert_eq!(response.json()["trailers"], serde_json::json!([["X-Good", "1"]]));
    } else {
        assert_eq!(response.status(), 400);
    }
}

#[test]
fn chunked_responses_arrive_with_their_trailers() {
    let response = ask(
        Answer::bytes(
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
             3;a=b\r\nabc\r\n2;c=\"d;\\\"\"\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n",
        ),
        "GET /x HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
    );
    assert_eq!((response.text().as_str(), response.framing), ("abcde", Framing::Chunked));
    assert_eq!(response.trailers.first("x-sum"), Some("7"));
}

#[test]
fn lengths_are_kept() {
    let stand = Stand::new(Origin::echo());
    let response =
        stand.gateway.ask("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    assert_eq!(response.json()["body"], "hello");
    assert!(matches!(response.framing, Framing::Length(_)));
    let sent = &stand.origin.requests()[0];
    assert_eq!(
        (sent.fields.first("content-length"), sent.fields.has("transfer-encoding")),
        (Some("5"), false)
    );
}

#[test]
fn requests_without_content_are_sent_without_framing() {
    let stand = Stand::new(Origin::echo());
    stand.gateway.ask(GET).unwrap();
    stand.gateway.ask("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n").unwrap();
    let sent = stand.origin.requests();
    assert!(!sent[0].fields.has("content-length") && !sent[0].fields.has("transfer-encoding"));
    assert_eq!(sent[1].fields.all("content-length"), ["0"]);
}

#[test]
fn answers_to_head_have_no_body() {
    let stand =
        Stand::new(Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")));
    let mut client = stand.gateway.connect().unwrap();
    for _ in 0..3 {
        let response = client.ask("HEAD /x HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        assert_eq!((response.status(), response.field("content-length")), (200, "1000"));
    }
    assert_eq!(stand.origin.connections().len(), 1, "the upstream connection is reused");
}

#[test]
fn answers_204_and_304_have_no_body() {
    for (status, fields) in [(204, ""), (304, "Content-Length: 1000\r\nETag: \"a\"\r\n")] {
        let head = format!("HTTP/1.1 {status} X\r\n{fields}\r\n");
        let stand = Stand::new(Origin::answering(Answer::bytes(head)));
        let mut client = stand.gateway.connect().unwrap();
        for _ in 0..3 {
            let response = client.ask(GET).unwrap();
            assert_eq!((response.status(), response.body.len()), (status, 0));
        }
        assert_eq!(stand.origin.connections().len(), 1, "{status}: the upstream connection is reused");
    }
}

#[test]
fn bytes_after_a_bodyless_answer_end_the_upstream_connection() {
    let stray = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!";
    for answer in [
        format!("HTTP/1.1 204 X\r\n\r\n{stray}"),
        format!("HTTP/1.1 304 X\r\n\r\n{stray}"),
        format!("HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok{stray}"),
        format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{stray}"),
    ] {
        let stand = Stand::new(Origin::answering(Answer::bytes(&answer)));
        let mut client = stand.gateway.connect().unwrap();
        for _ in 0..3 {
            let response = client.ask(GET).unwrap();
            assert_ne!(response.text(), "evil!", "{answer}");
        }
        assert_eq!(stand.origin.connections().len(), 3, "{answer}: a connection was reused");
    }
}

#[test]
fn close_delimited_answers_pass_to_old_and_new_clients() {
    for head in
        ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"]
    {
        let stand = Stand::new(Origin::answering(Answer::bytes(head).send("until the close").close()));
        for version in ["1.1", "1.0"] {
            let response = stand.gateway.ask(format!("GET /x HTTP/{version}\r\nHost: test\r\n\r\n")).unwrap();
            assert_eq!(response.text(), "until the close", "{head} to {version}");
            let framing = if version == "1.1" { Framing::Chunked } else { Framing::Close };
            assert!(response.framing == framing || response.framing == Framing::Close, "{head} to {version}");
        }
    }
}

#[test]
fn chunked_answers_reach_old_clients_without_chunks() {
    let response = ask(
        Answer::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        "GET /x HTTP/1.0\r\nHost: test\r\n\r\n",
    );
    assert!(!response.fields.has("transfer-encoding"));
    assert_eq!((response.text().as_str(), response.framing), ("abc", Framing::Close));
}

#[test]
fn an_answer_cut_short_never_looks_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let stand = Stand::new(Origin::answering(Answer::bytes(answer).close()));
        let mut client = stand.gateway.connect().unwrap();
        match client.ask(GET) {
            Err(ClientError::Ended(_) | ClientError::Io(_)) => {}
            Ok(response) => assert_eq!(response.status(), 502, "{answer}"),
            Err(other) => panic!("{answer}: {other:?}"),
        }
        assert!(client.is_closed(), "{answer}");
    }
}

#[test]
fn an_early_answer_stops_the_request() {
    let refusal =
        Answer::new().send("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").close();
    let stand = Stand::new(Origin::answering(refusal));
    let mut client = stand.gateway.connect().unwrap();
    client.send("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\nbegin").unwrap();
    let response = client.response("POST").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (413, "no"));
    // The rest of the body is not wanted, so that nothing after it can be a request.
    assert!(response.fields.lists("connection", "close"));
    stand.origin.wait_until_closed();
}

#[test]
fn both_bodies_stream_at_the_same_time() {
    let tunnel_like = Answer::new()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .then(Step::ReadBody)
        .send("3\r\ntwo\r\n0\r\n\r\n");
    let stand = Stand::new(Origin::answering(tunnel_like));
    let mut client = stand.gateway.connect().unwrap();
    client.send("POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").unwrap();
    assert_eq!(client.head().unwrap().0.status, 200);
    client.send("1\r\nb\r\n0\r\n\r\n").unwrap();
    let mut content = Vec::new();
    while !content.ends_with(b"0\r\n\r\n") {
        content.extend(client.bytes(1).unwrap());
    }
    assert!(String::from_utf8_lossy(&content).contains("two"));
    stand.origin.wait("the request is whole", |c| c[0].complete == 1);
}

#[test]
fn the_origin_is_dropped_when_the_client_goes() {
    let endless = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        .then(Step::Generate(99_999_999_999));
    let stand = Stand::new(Origin::answering(endless));
    let mut client = stand.gateway.connect().unwrap();
    client.send(GET).unwrap();
    client.head().unwrap();
    client.reset();
    stand.origin.wait_until_closed();
    assert_eq!(stand.origin.connections()[0].end, Some(End::Failed));
}

/// A gateway whose route waits 200 ms for an answer, and long between its parts.
fn impatient(origin: Origin) -> Stand {
    let gateway = start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\ntimeout = {{ response = \"200ms\", idle = \"20s\" }}\n",
        origin.address()
    ));
    Stand { origin, gateway }
}

#[test]
fn an_answer_that_has_begun_goes_on_for_as_long_as_it_may_behind_the_request() {
    let gate = Gate::new();
    let begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
    let answer = Answer::new().send(begin).then(Step::ReadBody).then(Step::Wait(gate.clone()));
    let stand = impatient(Origin::answering(answer.send("1\r\nb\r\n0\r\n\r\n")));
    let mut client = stand.gateway.connect().unwrap();
    client.send("POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n").unwrap();
    assert_eq!(client.head().unwrap().0.status, 200);
    client.send("0\r\n\r\n").unwrap();
    // Longer than an answer's head may take.
    thread::sleep(Duration::from_millis(700));
    gate.open();
    assert_eq!(client.bytes(10).unwrap(), b"1\r\na\r\n1\r\nb", "{}", stand.gateway.log());
}

#[test]
fn an_interim_answer_does_not_hurry_the_client() {
    let answer = Answer::new().send("HTTP/1.1 100 Continue\r\n\r\n").then(Step::ReadBody);
    let answer = answer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let stand = impatient(Origin::answering(answer));
    let mut client = stand.gateway.connect().unwrap();
    client
        .send("POST /x HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .unwrap();
    assert_eq!(client.head().unwrap().0.status, 100);
    thread::sleep(Duration::from_millis(700));
    client.send("hello").unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "ok", "{}", stand.gateway.log());
}
