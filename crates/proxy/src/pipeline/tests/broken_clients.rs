//! Clients that fail in the middle: of the request's body, or of the answer.

use std::rc::Rc;

use lockgate_event::Value;
use testkit::{Answer, Gate, Origin, Step};
use tokio::sync::Notify;

use super::{Afterwards, Asked, Gateway, Served, check};
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

/// Serves an answer of two pieces, `one` and `two`, to a client that fails at a write.
fn in_two_pieces(at: usize, fault: WriteFault) -> Served {
    let gate = Gate::new();
    let first = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
    let origin = Origin::answering(first.then(Step::Wait(gate.clone())).send("two"));
    let mut asked = Asked::new("GET /x", &[]);
    asked.memory.taken.opens = Some(gate);
    asked.memory.taken.fault = Some((at, fault));
    Gateway::to(&[origin.address()], "").serve(&asked)
}

#[test]
fn only_the_last_write_is_taken_back() {
    for (fault, reason) in [(WriteFault::Reset, "client_gone"), (WriteFault::TimedOut, "client_timeout")] {
        // The head may come alone or with the first piece, so that the last write is the second or the third.
        let mut served: Vec<_> = (0..3).map(|at| in_two_pieces(at, fault)).collect();
        if !served[2].taken.has_failed() {
            assert_eq!((served[2].text().as_str(), served[2].cut()), ("onetwo", None));
            served.pop();
        }
        let last = served.pop().expect("an answer of two pieces takes two writes");
        let (done, cut) = (last.done(), last.cut().expect("the last write failed"));
        assert_eq!((done.value, done.bytes_out, done.reason.as_deref()), (Some(Value::ONE), 6, None));
        assert_eq!((cut.value, cut.bytes_out, cut.bytes_in), (Some(Value(-Value::ONE.0)), 3, 0));
        assert_eq!((cut.reason.as_deref(), &cut.upstream), (Some("client_gone"), &done.upstream));
        for earlier in served {
            assert_eq!((earlier.reason(), earlier.cut()), (Some(reason), None));
            assert_eq!((earlier.done().status, earlier.done().value), (200, Some(Value::ONE)));
        }
    }
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
