//! Exchanges with real origins: what they answer, how they fail, and which of them is asked.

use lockgate_event::Value;
use message::Fields;
use testkit::{Answer, FreeAddress, Gate, Origin, SilentAddress, Step};

use super::{Afterwards, Asked, Gateway, check};
use crate::memory::BodyEnd;

fn get() -> Asked {
    Asked::new("GET /x", &[])
}

#[test]
fn an_answer_goes_to_the_client_as_it_came() {
    let origin =
        Origin::answering(Answer::bytes("HTTP/1.1 203 Mine\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"));
    let gateway = Gateway::to(&[origin.address()], "");
    let asked = Asked::new("POST /x", &["Content-Length: 6"]).with_body(&["one", "two"], BodyEnd::Whole);
    let served = check(&gateway, &asked, 203, None, &[("x-a", Some("b"))]);
    assert_eq!((served.text().as_str(), served.afterwards), ("hello", Afterwards::Keep));
    assert!(!served.taken.closes);
    let done = served.done();
    assert_eq!((&*done.upstream, done.attempts), (origin.address(), 1));
    assert_eq!((done.value, done.bytes_in, done.bytes_out), (Some(Value::ONE), 6, 5));
    assert!(done.upstream_us.is_some_and(|us| us <= done.latency_us));
    assert_eq!(origin.requests()[0].body.content, b"onetwo");
}

#[test]
fn chunks_and_trailers_pass_both_ways() {
    let origin = Origin::answering(Answer::bytes(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n",
    ));
    let gateway = Gateway::to(&[origin.address()], "");
    let mut asked = Asked::chunked(&["one", "two"], BodyEnd::Apart);
    let mut trailers = Fields::default();
    trailers.append("x-mark", b"7");
    asked.memory.upload.trailers = Some(trailers);
    let served = check(&gateway, &asked, 200, None, &[]);
    assert_eq!(served.text(), "abcde");
    let trailers = served.taken.trailers.as_ref().expect("trailers came with the end");
    assert_eq!(trailers.get("x-sum"), Some(&b"5"[..]));
    let got = &origin.requests()[0];
    assert_eq!((got.body.content.as_slice(), got.body.trailers.first("x-mark")), (&b"onetwo"[..], Some("7")));
}

#[test]
fn an_answer_that_ends_by_closing_is_whole() {
    let origin = Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\n\r\nall there is").close());
    let served = check(&Gateway::to(&[origin.address()], ""), &get(), 200, None, &[]);
    assert_eq!((served.text().as_str(), served.taken.ended), ("all there is", true));
}

#[test]
fn interim_responses_are_passed_on() {
    let origin = Origin::answering(Answer::bytes(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 X\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    ));
    let served = check(&Gateway::to(&[origin.address()], ""), &get(), 204, None, &[("link", None)]);
    assert_eq!(served.taken.interim, [103, 102]);
}

#[test]
fn an_origin_that_does_not_answer_well_is_a_gateway_error() {
    let started = |text: &str| Answer::bytes(text).close();
    for (answer, status, reason) in [
        (Answer::new().then(Step::ReadBody).close(), 502, "upstream_closed"),
        (started("HTTP/1.1 200 OK\r\nContent-Le"), 502, "upstream_failed"),
        (started("HTTP/1.1 103 Early Hints\r\n\r\n"), 502, "upstream_failed"),
        (started("SSH-2.0-OpenSSH\r\n\r\n"), 502, "upstream_malformed"),
        (
            started("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            502,
            "upstream_malformed",
        ),
        (
            started("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
            502,
            "upstream_malformed",
        ),
        (started(&"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17)), 502, "upstream_malformed"),
        // Nothing has gone to the client when a body is broken from its first bytes on.
        (started("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), 502, "upstream_malformed"),
        (
            started("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"),
            502,
            "upstream_malformed",
        ),
        (Answer::new().then(Step::Hold), 504, "upstream_timeout"),
        (Answer::bytes("HTTP/1.1 200 O").then(Step::Hold), 504, "upstream_timeout"),
    ] {
        let origin = Origin::answering(answer.clone());
        let within = if status == 504 { "100ms" } else { "20s" };
        let gateway = Gateway::to(&[origin.address()], &format!("timeout = {{ response = \"{within}\" }}"));
        let served = check(&gateway, &get(), status, Some(reason), &[]);
        assert_eq!(served.afterwards, Afterwards::Keep, "{answer:?}");
        assert_eq!((served.done().value, served.done().attempts), (None, 1), "{answer:?}");
        origin.wait_until_closed();
        assert_eq!(origin.hits(), 1, "a fresh connection that fails is not tried again: {answer:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_cut() {
    for (text, end, reason, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Step::Close, "upstream_failed", "abc"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Step::Close,
            "upstream_failed",
            "abc",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Step::Hold, "upstream_timeout", "abc"),
    ] {
        let origin = Origin::answering(Answer::bytes(text).then(end));
        let within = if reason == "upstream_timeout" { "200ms" } else { "20s" };
        let gateway = Gateway::to(&[origin.address()], &format!("timeout = {{ idle = \"{within}\" }}"));
        let served = check(&gateway, &get(), 200, Some(reason), &[]);
        assert_eq!((served.text().as_str(), served.taken.ended), (body, false), "{text}");
        assert_eq!((served.afterwards, served.cut()), (Afterwards::Cut, None), "{text}");
        assert_eq!(served.done().value, Some(Value::ONE), "an answer that began is metered: {text}");
    }
}

#[test]
fn a_body_that_turns_bad_behind_its_beginning_is_cut() {
    let gate = Gate::new();
    let begun = Answer::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let origin = Origin::answering(begun.then(Step::Wait(gate.clone())).send("x\r\n"));
    let gateway = Gateway::to(&[origin.address()], "");
    let mut asked = get();
    asked.memory.taken.opens = Some(gate);
    let served = check(&gateway, &asked, 200, Some("upstream_malformed"), &[]);
    assert_eq!((served.text().as_str(), served.afterwards), ("abc", Afterwards::Cut));
    origin.wait_until_closed();
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_a_gateway_error() {
    let (dead, silent) = (FreeAddress::new(), SilentAddress::new());
    for (address, status, reason) in
        [(dead.address(), 502, "connect_failed"), (silent.address(), 504, "connect_timeout")]
    {
        let gateway = Gateway::to(&[address], "timeout = { connect = \"100ms\" }");
        let served = check(&gateway, &get(), status, Some(reason), &[]);
        assert_eq!((served.done().attempts, &*served.done().upstream), (1, address));
    }
}

#[test]
fn a_refused_connection_goes_to_the_next_endpoint_once() {
    let origin = Origin::answering(Answer::ok("live"));
    let dead = [FreeAddress::new(), FreeAddress::new(), FreeAddress::new()];
    let [one, two, three] = dead.each_ref().map(FreeAddress::address);
    let gateway = Gateway::to(&[one, origin.address()], "rest = \"1m\"");
    let served = check(&gateway, &get(), 200, None, &[]);
    assert_eq!((served.done().attempts, &*served.done().upstream), (2, origin.address()));
    // The first one rests now, and is not asked again.
    for _ in 0..4 {
        assert_eq!(check(&gateway, &get(), 200, None, &[]).done().attempts, 1);
    }
    let gateway = Gateway::to(&[one, two, three], "");
    assert_eq!(check(&gateway, &get(), 502, Some("connect_failed"), &[]).done().attempts, 2);
}

#[test]
fn an_endpoint_that_closes_unanswered_rests() {
    let (bad, good) = (Origin::answering(Answer::new().close()), Origin::answering(Answer::ok("good")));
    let gateway = Gateway::to(&[bad.address(), good.address()], "rest = \"1m\"");
    check(&gateway, &get(), 502, Some("upstream_closed"), &[]);
    for _ in 0..5 {
        check(&gateway, &get(), 200, None, &[]);
    }
    assert_eq!((bad.hits(), good.hits()), (1, 5));
}

#[test]
fn weights_are_kept_exactly() {
    let (a, b) = (Origin::answering(Answer::ok("a")), Origin::answering(Answer::ok("b")));
    let gateway = Gateway::new(&format!(
        "upstream.a = {{ endpoints = [\"{}\"] }}\nupstream.b = {{ endpoints = [\"{}\"] }}\n\
         [[route]]\npath = \"/*\"\nupstream = {{ a = 3, b = 1 }}\n",
        a.address(),
        b.address()
    ));
    for _ in 0..5 {
        let four: Vec<_> = (0..4).map(|_| check(&gateway, &get(), 200, None, &[]).text()).collect();
        assert_eq!(four.iter().filter(|text| *text == "a").count(), 3, "{four:?}");
    }
    assert_eq!((a.hits(), b.hits()), (15, 5));
}

#[test]
fn a_connection_is_used_again_and_a_stale_one_costs_nothing() {
    // From its third request on, a connection closes when a request arrives.
    let origin = Origin::start(|received| match received.number {
        0 | 1 => Answer::ok("ok"),
        _ => Answer::new().then(Step::ReadBody).close(),
    });
    let gateway = Gateway::to(&[origin.address()], "");
    let attempts: Vec<_> = (0..4).map(|_| check(&gateway, &get(), 200, None, &[]).done().attempts).collect();
    assert_eq!(attempts, [1, 1, 2, 1]);
    assert_eq!(origin.connections().len(), 2);
    // What may have arrived is not sent twice.
    let post = Asked::chunked(&["a"], BodyEnd::Apart);
    let served = check(&gateway, &post, 502, Some("upstream_closed"), &[]);
    assert_eq!(served.done().attempts, 1);
}

#[test]
fn an_early_answer_does_not_wait_for_the_body() {
    let origin = Origin::answering(
        Answer::new().send("HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno").then(Step::Hold),
    );
    let gateway = Gateway::to(&[origin.address()], "");
    let served = check(&gateway, &Asked::chunked(&["part"], BodyEnd::Never), 413, None, &[]);
    assert_eq!((served.text().as_str(), served.afterwards), ("no", Afterwards::Keep));
    assert!(served.taken.closes, "what comes next from the client is no request");
    origin.wait_until_closed();
}

#[test]
fn a_tunnel_carries_bytes_both_ways_until_both_sides_close() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(Step::Tunnel));
    let gateway = Gateway::to(&[origin.address()], "");
    let asked = Asked::new("GET /x", &["Upgrade: websocket", "Connection: upgrade"]);
    let served = check(&gateway, &asked.with_body(&["ping", "pong!"], BodyEnd::Apart), 101, None, &[]);
    assert_eq!((served.text().as_str(), served.tunnel), ("pingpong!", true));
    let done = served.done();
    assert_eq!((done.value, done.bytes_in, done.bytes_out), (Some(Value::ONE), 9, 9));
    assert_eq!(gateway.worker.gauges.tunnels_open(), 0);
}

#[test]
fn a_tunnel_that_fails_is_recorded_with_its_reason() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(Step::Hold));
    let gateway = Gateway::to(&[origin.address()], "timeout = { idle = \"100ms\" }");
    for (end, reason) in [(BodyEnd::Reset, "tunnel_reset"), (BodyEnd::Never, "tunnel_idle")] {
        let asked = Asked::new("GET /x", &["Upgrade: websocket", "Connection: upgrade"]);
        let served = check(&gateway, &asked.with_body(&["ping"], end), 101, Some(reason), &[]);
        assert_eq!(served.done().bytes_in, 4, "{reason}");
    }
}

#[test]
fn what_cannot_be_forwarded_asks_nobody() {
    let origin = Origin::answering(Answer::ok("never"));
    let gateway = Gateway::to(&[origin.address()], "");
    let vias = vec!["Via: 1.1 lockgate"; 8];
    let nearly = Asked::new("GET /x", &vias[..7]);
    check(&gateway, &nearly, 200, None, &[]);
    check(&gateway, &Asked::new("GET /x", &vias), 508, Some("loop"), &[]);
    check(
        &gateway,
        &Asked::new("GET /x", &["x-peer: 1"]),
        503,
        Some("no_endpoint"),
        &[("retry-after", Some("1"))],
    );
    assert_eq!(origin.hits(), 1);
}
