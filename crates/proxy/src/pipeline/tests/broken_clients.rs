//! Clients that fail in the middle: of the request's body, or of the answer.

use std::rc::Rc;
use std::time::Duration;

use lockgate_event::Value;
use testkit::{Answer, Origin, Step};
use tokio::sync::Notify;

use super::{Afterwards, Asked, Gateway, Kind, check};
use crate::memory::{BodyEnd, Moment, WriteFault};

#[test]
fn a_request_body_that_fails_ends_the_upstream_request_unfinished() {
    for (end, status, reason) in [
        (BodyEnd::Truncated, 400, "client_gone"),
        (BodyEnd::Reset, 400, "client_gone"),
        (BodyEnd::Malformed, 400, "body_malformed"),
        (BodyEnd::TimedOut, 408, "body_timeout"),
    ] {
        let origin = Origin::answering(Answer::ok("never"));
        let gateway = Gateway::to(&[origin.address()], "");
        let served = check(&gateway, &Asked::chunked(&["one", "two"], end), status, Some(reason), &[]);
        assert_eq!((served.afterwards, served.taken.closes), (Afterwards::Close, true), "{end:?}");
        assert_eq!((served.done().value, served.done().bytes_in), (None, 6), "{end:?}");
        origin.wait_until_closed();
        assert!(origin.connections().iter().all(|connection| connection.complete == 0), "{end:?}");
    }
}

#[test]
fn a_body_is_too_large_as_soon_as_its_count_is() {
    let origin = Origin::answering(Answer::ok("taken"));
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\nbody = 8\n",
        origin.address()
    ));
    let just = Asked::chunked(&["four", "four"], BodyEnd::Apart);
    assert_eq!(check(&gateway, &just, 200, None, &[]).done().bytes_in, 8);
    let over = Asked::chunked(&["four", "four", "!"], BodyEnd::Apart);
    let served = check(&gateway, &over, 413, Some("body_too_large"), &[]);
    assert_eq!((served.afterwards, served.taken.closes), (Afterwards::Close, true));
    assert_eq!(served.done().value, None);
    origin.wait_until_closed();
    assert_eq!(origin.connections().iter().map(|connection| connection.complete).sum::<usize>(), 1);
}

/// A request whose body fails at a moment of the answer.
fn failing_at(moment: Moment, end: BodyEnd) -> Asked {
    let mut asked = Asked::chunked(&["part"], end);
    let signal = Rc::new(Notify::new());
    asked.memory.upload.awaits = Some(signal.clone());
    asked.memory.taken.tells = Some((moment, signal));
    asked
}

#[test]
fn a_body_that_fails_behind_the_start_of_an_answer_cuts_it() {
    let origin = Origin::answering(
        Answer::new().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").then(Step::Hold),
    );
    let gateway = Gateway::to(&[origin.address()], "");
    for (end, reason) in [
        (BodyEnd::Truncated, "client_gone"),
        (BodyEnd::Malformed, "body_malformed"),
        (BodyEnd::TimedOut, "body_timeout"),
    ] {
        let asked = failing_at(Moment::BodyBegun, end);
        let served = check(&gateway, &asked, 200, Some(reason), &[]);
        assert_eq!((served.text().as_str(), served.afterwards), ("abc", Afterwards::Cut), "{end:?}");
        assert_eq!(served.done().value, Some(Value::ONE), "{end:?}");
    }
}

#[test]
fn an_answer_on_its_last_write_is_not_given_up_for_a_bad_body() {
    let origin = Origin::answering(
        Answer::new().send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").then(Step::Hold),
    );
    let gateway = Gateway::to(&[origin.address()], "");
    for end in [BodyEnd::Truncated, BodyEnd::Malformed, BodyEnd::TimedOut] {
        let mut asked = failing_at(Moment::LastWrite, end);
        asked.memory.taken.turns = 5;
        let served = check(&gateway, &asked, 200, None, &[]);
        assert_eq!((served.text().as_str(), served.taken.closes), ("abc", true), "{end:?}");
    }
}

#[test]
fn only_what_the_client_took_is_counted() {
    let pause = Duration::from_millis(20);
    let head = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    let origin = Origin::answering(head.then(Step::Drip((*b"onetwo").into(), 3, pause)));
    let gateway = Gateway::to(&[origin.address()], "");
    for at in 0..4 {
        for fault in [WriteFault::Reset, WriteFault::TimedOut] {
            let mut asked = Asked::new("GET /x", &[]);
            asked.memory.taken.fault = Some((at, fault));
            let served = gateway.serve(&asked);
            if !served.taken.has_failed() {
                assert_eq!(served.text(), "onetwo");
                continue;
            }
            assert_eq!(served.done().status, 200, "{at}");
            let reason = if fault == WriteFault::Reset { "client_gone" } else { "client_timeout" };
            let said = if served.cut().is_some() { None } else { Some(reason) };
            assert_eq!(served.reason(), said, "{at}");
        }
    }
}

#[test]
fn the_last_write_alone_is_taken_back() {
    let origin = Origin::answering(Answer::ok("hello"));
    let gateway = Gateway::to(&[origin.address()], "");
    let mut asked = Asked::new("GET /x", &[]);
    asked.memory.taken.fault = Some((0, WriteFault::Reset));
    let served = gateway.serve(&asked);
    let kinds: Vec<_> = served.events.iter().map(|event| event.kind).collect();
    if served.done().reason.is_some() {
        // The head had come alone, and it was its write that failed.
        assert_eq!(kinds, [Kind::Done]);
        return;
    }
    assert_eq!(kinds, [Kind::Done, Kind::Cut]);
    let cut = served.cut().expect("it was just seen");
    assert_eq!((cut.value, cut.bytes_out, cut.bytes_in), (Some(Value(-Value::ONE.0)), 5, 0));
    assert_eq!(&*cut.upstream, origin.address());
}

#[test]
fn an_interim_response_that_is_not_taken_ends_the_exchange() {
    let origin = Origin::answering(Answer::bytes(
        "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ));
    let mut asked = Asked::new("GET /x", &[]);
    asked.memory.taken.fault = Some((0, WriteFault::Reset));
    let served = Gateway::to(&[origin.address()], "").serve(&asked);
    let done = served.done();
    assert_eq!((done.status, done.reason.as_deref(), done.value), (0, Some("client_gone"), None));
    assert!(served.taken.head.is_none());
}
