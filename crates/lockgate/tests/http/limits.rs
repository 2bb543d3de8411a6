//! Every limit a client or an origin can meet, with its status.

use std::time::{Duration, Instant};

use testkit::{Answer, Gate, GatewayProcess, Origin, RawClient, SilentAddress, Step};

use crate::start;

/// Configuration with additions to each of its parts.
struct Parts<'a> {
    limits: &'a str,
    listener: &'a str,
    upstream: &'a str,
    route: &'a str,
}

const NOTHING: Parts<'_> = Parts { limits: "", listener: "", upstream: "", route: "" };

fn gateway(endpoint: &str, parts: &Parts<'_>) -> GatewayProcess {
    let Parts { limits, listener, upstream, route } = parts;
    start(&format!(
        "[limits]\n{limits}\n[[listener]]\naddress = \"127.0.0.1:0\"\n{listener}\n\
         [upstream.origin]\nendpoints = [\"{endpoint}\"]\n{upstream}\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n{route}\n"
    ))
}

#[track_caller]
fn check_status(gateway: &GatewayProcess, request: &str, status: u16) {
    let shown = &request[..request.len().min(200)];
    let response = gateway.ask(request).unwrap_or_else(|e| panic!("{shown}: {e:?}"));
    assert_eq!(response.status(), status, "{shown}");
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: test\r\n{fields}\r\n")
}

#[test]
fn large_heads_are_431() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { limits: "head_bytes = \"4KiB\"", ..NOTHING });
    check_status(&gateway, &get("/x", &format!("X: {}\r\n", "a".repeat(3000))), 200);
    check_status(&gateway, &get("/x", &format!("X: {}\r\n", "a".repeat(5000))), 431);
    check_status(&gateway, &get("/x", &"X: y\r\n".repeat(90)), 200);
    assert_eq!(origin.hits(), 2);
}

#[test]
fn endless_heads_are_431_before_they_end() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &NOTHING);
    let mut client = gateway.connect().unwrap();
    // No end of the head is ever sent.
    let _ = client.send(["GET /x HTTP/1.1\r\nHost: test\r\nX: ", &"a".repeat(100_000)].concat());
    assert_eq!(client.response("GET").unwrap().status(), 431);
}

#[test]
fn many_fields_are_431() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { limits: "header_count = 10", ..NOTHING });
    check_status(&gateway, &get("/x", &"X: y\r\n".repeat(9)), 200);
    check_status(&gateway, &get("/x", &"X: y\r\n".repeat(10)), 431);
    assert_eq!(origin.hits(), 1);
}

#[test]
fn long_targets_are_414() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { limits: "target_bytes = 256", ..NOTHING });
    check_status(&gateway, &get(&format!("/{}", "a".repeat(255)), ""), 200);
    check_status(&gateway, &get(&format!("/{}", "a".repeat(256)), ""), 414);
    assert_eq!(origin.hits(), 1);
}

#[test]
fn large_bodies_are_413_announced_or_not() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { route: "body = 10", ..NOTHING });
    let length =
        |n: usize| format!("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: {n}\r\n\r\n{}", "a".repeat(n));
    let chunked = |n: usize| {
        let head = "POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
        format!("{head}5\r\naaaaa\r\n{n:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(n))
    };
    check_status(&gateway, &length(10), 200);
    check_status(&gateway, &length(11), 413);
    check_status(&gateway, &chunked(5), 200);
    check_status(&gateway, &chunked(6), 413);
    assert!(origin.connections().iter().map(|c| c.complete).sum::<usize>() == 2);
}

#[test]
fn large_heads_of_answers_are_502() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(5000));
    let origin = Origin::answering(Answer::bytes(head));
    let narrow = gateway(origin.address(), &Parts { limits: "response_head_bytes = \"2KiB\"", ..NOTHING });
    check_status(&narrow, &get("/x", ""), 502);
    check_status(&gateway(origin.address(), &NOTHING), &get("/x", ""), 200);
}

#[test]
fn slow_heads_are_408() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "head_timeout = \"300ms\"", ..NOTHING });
    let mut client = gateway.connect().unwrap();
    client.send("GET /x HTTP/1.1\r\nHost: te").unwrap();
    assert_eq!(client.response("GET").unwrap().status(), 408);
    assert!(client.is_closed());
}

#[test]
fn dripping_heads_are_408_all_the_same() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "head_timeout = \"500ms\"", ..NOTHING });
    let mut client = gateway.connect().unwrap();
    let start = Instant::now();
    client.send("GET /x HTTP/1.1\r\n").unwrap();
    while client.send("X: y\r\n").is_ok() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(start.elapsed() < Duration::from_secs(4), "every byte bought more time");
}

#[test]
fn stalled_bodies_are_408() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "body_timeout = \"300ms\"", ..NOTHING });
    let mut client = gateway.connect().unwrap();
    client.send("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhello").unwrap();
    assert_eq!(client.response("POST").unwrap().status(), 408);
    assert!(client.is_closed());
    origin.wait_until_closed();
    assert_eq!(origin.connections()[0].complete, 0);
}

#[test]
fn idle_connections_are_closed_without_an_answer() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "keep_alive = \"300ms\"", ..NOTHING });
    let mut client = gateway.connect().unwrap();
    client.ask(get("/x", "")).unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    let mut silent = gateway.connect().unwrap();
    assert!(silent.rest().is_ok(), "a connection without a first request ends too");
}

#[test]
fn a_connection_serves_only_so_many_requests() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "requests = 3", ..NOTHING });
    let mut client = gateway.connect().unwrap();
    for number in 1..=3 {
        let close = client.ask(get("/x", "")).unwrap().fields.lists("connection", "close");
        assert_eq!(close, number == 3);
    }
    assert!(client.is_closed());
}

#[test]
fn connections_beyond_the_listeners_limit_are_503() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { listener: "connections = 3", ..NOTHING });
    let mut kept: Vec<RawClient> = (0..3)
        .map(|_| {
            let mut client = gateway.connect().unwrap();
            client.ask(get("/x", "")).unwrap();
            client
        })
        .collect();
    let mut refused = gateway.connect().unwrap();
    // Some send a request first, some wait; both are told.
    let _ = refused.send(get("/x", ""));
    assert_eq!(refused.response("GET").unwrap().status(), 503);
    assert!(refused.is_closed());
    for client in &mut kept {
        assert_eq!(client.ask(get("/x", "")).unwrap().status(), 200);
    }
    kept.pop();
    let admitted = (0..200).any(|_| gateway.get("/x").is_ok_and(|r| r.status() == 200));
    assert!(admitted, "a place that became free stays taken");
}

#[test]
fn connections_beyond_the_upstreams_limit_are_503() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let origin = Origin::start(move |received| match received.line.target.as_str() {
        "/wait" => Answer::new().then(Step::Wait(waiting.clone())).then(Step::ReadBody).then(Step::Echo),
        _ => Answer::echo(),
    });
    let gateway = gateway(origin.address(), &Parts { upstream: "connections = 2", ..NOTHING });
    let mut holding: Vec<RawClient> = (0..2)
        .map(|_| {
            let mut client = gateway.connect().unwrap();
            client.send(get("/wait", "")).unwrap();
            client
        })
        .collect();
    origin.wait("both wait", |c| c.iter().map(|c| c.heads).sum::<usize>() == 2);
    check_status(&gateway, &get("/x", ""), 503);
    gate.open();
    for client in &mut holding {
        assert_eq!(client.response("GET").unwrap().status(), 200);
    }
    check_status(&gateway, &get("/x", ""), 200);
}

#[test]
fn origins_that_never_accept_are_504() {
    let silent = SilentAddress::new();
    let gateway =
        gateway(silent.address(), &Parts { upstream: "timeout = { connect = \"200ms\" }", ..NOTHING });
    check_status(&gateway, &get("/x", ""), 504);
}

#[test]
fn origins_that_never_answer_are_504() {
    let origin = Origin::answering(Answer::new().then(Step::ReadBody).then(Step::Hold));
    let by_upstream = Parts { upstream: "timeout = { response = \"200ms\" }", ..NOTHING };
    check_status(&gateway(origin.address(), &by_upstream), &get("/x", ""), 504);
    let by_route = Parts { route: "timeout = { response = \"200ms\" }", ..NOTHING };
    check_status(&gateway(origin.address(), &by_route), &get("/x", ""), 504);
    origin.wait_until_closed();
}

#[test]
fn origins_that_stall_after_an_interim_answer_are_504() {
    let hint = Answer::new().send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").then(Step::Hold);
    let origin = Origin::answering(hint);
    let parts = Parts { upstream: "timeout = { response = \"200ms\", idle = \"200ms\" }", ..NOTHING };
    let gateway = gateway(origin.address(), &parts);
    let mut client = gateway.connect().unwrap();
    client.set_timeout(Duration::from_secs(5));
    assert_eq!(client.ask(get("/x", "")).unwrap().status(), 504);
}

#[test]
fn answers_that_stall_are_cut() {
    let origin = Origin::answering(
        Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").then(Step::Hold),
    );
    for parts in [
        Parts { upstream: "timeout = { idle = \"300ms\" }", ..NOTHING },
        Parts { route: "timeout = { idle = \"300ms\" }", ..NOTHING },
    ] {
        let gateway = gateway(origin.address(), &parts);
        let mut client = gateway.connect().unwrap();
        assert!(client.ask(get("/x", "")).is_err(), "half an answer looked whole");
        assert!(client.is_closed());
    }
}

#[test]
fn nobody_listening_is_502() {
    let nobody = testkit::FreeAddress::new();
    let gateway = gateway(nobody.address(), &NOTHING);
    check_status(&gateway, &get("/x", ""), 502);
}

#[test]
fn connections_over_all_listeners_have_a_limit_too() {
    let origin = Origin::echo();
    let gateway = gateway(origin.address(), &Parts { limits: "connections = 2", ..NOTHING });
    let mut kept: Vec<RawClient> = (0..2).map(|_| gateway.connect().unwrap()).collect();
    for client in &mut kept {
        assert_eq!(client.ask(get("/x", "")).unwrap().status(), 200);
    }
    let mut refused = gateway.connect().unwrap();
    let _ = refused.send(get("/x", ""));
    assert_eq!(refused.response("GET").unwrap().status(), 503);
}
