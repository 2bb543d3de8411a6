//! `Expect: 100-continue` and other interim responses.

use testkit::{Answer, Origin, Step};

use crate::Stand;

const HEAD: &str = "POST /x HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn the_body_follows_a_100() {
    let stand = Stand::new(Origin::answering(
        Answer::new().send("HTTP/1.1 100 Continue\r\n\r\n").then(Step::ReadBody).send(OK),
    ));
    let mut client = stand.gateway.connect().unwrap();
    client.send(HEAD).unwrap();
    assert_eq!(client.head().unwrap().0.status, 100);
    client.send("hello").unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "ok");
    assert_eq!(stand.origin.requests()[0].body.content, b"hello");
}

#[test]
fn a_refusal_instead_of_a_100_keeps_the_body_away() {
    let stand = Stand::new(Origin::answering(
        Answer::new().send("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").close(),
    ));
    let mut client = stand.gateway.connect().unwrap();
    client.send(HEAD).unwrap();
    let response = client.response("POST").unwrap();
    assert_eq!((response.status(), response.interim.len()), (403, 0));
    // What comes next is the body that was announced, or nothing: it may not be taken for a request.
    let _ = client.send("GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n");
    let rest = client.rest().unwrap_or_default();
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{}", rest.escape_ascii());
    stand.origin.wait_until_closed();
    assert_eq!((stand.origin.hits(), stand.origin.connections()[0].complete), (1, 0));
}

#[test]
fn a_client_that_does_not_wait_loses_nothing() {
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", ""] {
        let answer = Answer::new().send(interim).then(Step::ReadBody).send(OK);
        let stand = Stand::new(Origin::answering(answer));
        let mut client = stand.gateway.connect().unwrap();
        client.send([HEAD, "hello", "GET /next HTTP/1.1\r\nHost: test\r\n\r\n"].concat()).unwrap();
        assert_eq!(client.response("POST").unwrap().text(), "ok", "{interim:?}");
        assert_eq!(client.response("GET").unwrap().text(), "ok", "{interim:?}");
        assert_eq!(stand.origin.requests().len(), 2, "{interim:?}");
    }
}

#[test]
fn a_final_answer_before_the_body_with_success_still_takes_the_body() {
    let early = Answer::new().send(OK).then(Step::ReadBody);
    let stand = Stand::new(Origin::answering(early));
    let mut client = stand.gateway.connect().unwrap();
    client.send(HEAD).unwrap();
    let response = client.response("POST").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (200, "ok"));
    if !response.fields.lists("connection", "close") {
        client.send("hello").unwrap();
        assert_eq!(client.ask("GET /next HTTP/1.1\r\nHost: test\r\n\r\n").unwrap().status(), 200);
    }
}

#[test]
fn other_expectations_are_refused_or_passed_on() {
    let stand = Stand::new(Origin::echo());
    let response = stand.gateway.ask("GET /x HTTP/1.1\r\nHost: test\r\nExpect: magic\r\n\r\n").unwrap();
    // RFC 9110 section 10.1.1 allows 417 and allows ignoring it.
    assert!([200, 417].contains(&response.status()), "{}", response.status());
}

#[test]
fn a_gateway_refusal_sends_no_100() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    client.send("POST /x HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n").unwrap();
    let response = client.response("POST").unwrap();
    assert_eq!((response.status(), response.interim.len()), (400, 0));
}

#[test]
fn early_hints_are_passed_on() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\nX: y\r\n\r\n";
    let stand =
        Stand::new(Origin::answering(Answer::new().send(hints).send(hints).then(Step::ReadBody).send(OK)));
    let response = stand.gateway.get("/x").unwrap();
    assert_eq!(response.interim.len(), 2);
    let (line, fields) = &response.interim[0];
    assert_eq!((line.status, fields.first("link")), (103, Some("</a.css>; rel=preload")));
    assert!(!fields.has("x"), "fields named by Connection are removed: {fields:?}");
}

#[test]
fn old_clients_get_no_interim_responses() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let stand = Stand::new(Origin::answering(Answer::new().send(hints).then(Step::ReadBody).send(OK)));
    let response = stand.gateway.ask("GET /x HTTP/1.0\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!((response.interim.len(), response.text().as_str()), (0, "ok"));
}

#[test]
fn endless_interim_responses_end_in_502() {
    let flood = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n".repeat(10_000);
    let stand = Stand::new(Origin::answering(Answer::new().then(Step::ReadBody).send(flood).send(OK)));
    let response = stand.gateway.get("/x");
    assert!(
        !matches!(&response, Ok(r) if r.interim.len() == 10_000),
        "a bound on interim responses is missing"
    );
}
