//! Sequences of exchanges at random: every kind of request, client and origin with every other.
//!
//! What has to hold is checked of every exchange by [`Served::check`](super::Served), in these tests and all others.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use testkit::{Answer, Origin, Step};

use super::{Asked, Gateway};
use crate::memory::{BodyEnd, WriteFault};

/// How the origin behaves; its index in here is the path asked for.
fn behaviors() -> Vec<Answer> {
    let head = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}");
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let early = Answer::new().send(head("Content-Length: 2\r\n\r\nno"));
    vec![
        Answer::bytes(head("X-Units: 2.5\r\nContent-Length: 5\r\n\r\nhello")),
        Answer::bytes(head("X-Units: 0.75\r\nContent-Length: 3\r\n\r\nabc")),
        Answer::ok(""),
        Answer::status(404, vec![b'x'; 100_000]),
        Answer::bytes(format!("{chunked}0\r\nX-Sum: 3\r\n\r\n")),
        Answer::bytes(head("\r\nuntil the close")).close(),
        Answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        Answer::bytes("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
        Answer::bytes("HTTP/1.1 103 Early Hints\r\n\r\n").send(head("Content-Length: 1\r\n\r\n1")),
        Answer::bytes("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1"),
        early.clone(),
        early.then(Step::Close),
        Answer::new().close(),
        Answer::new().then(Step::ReadBody).close(),
        Answer::new().then(Step::Reset),
        Answer::bytes(head("Content-Length: 9\r\n\r\nabc")).close(),
        Answer::bytes(head("Content-Length: 9\r\n\r\nabc")).then(Step::Reset),
        Answer::bytes(chunked.clone()).close(),
        Answer::bytes(format!("{chunked}x\r\n")).close(),
        Answer::bytes(head("Content-Le")).close(),
        Answer::bytes("garbage\r\n\r\n"),
        Answer::bytes(head("Content-Length: 1\r\n\r\n1 and more")),
        Answer::bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"),
    ]
}

/// One request, its client, and the behavior of the origin it meets.
fn asked(behaviors: usize) -> impl Strategy<Value = Asked> {
    let method = select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"]);
    let pieces = prop::collection::vec("[a-z]{1,9}", 0..4);
    let end = select(vec![
        BodyEnd::Whole,
        BodyEnd::Whole,
        BodyEnd::Apart,
        BodyEnd::Truncated,
        BodyEnd::Malformed,
        BodyEnd::Reset,
        BodyEnd::TimedOut,
    ]);
    let body = prop::option::of((any::<bool>(), pieces, end));
    let fault = select(vec![WriteFault::Reset, WriteFault::TimedOut]);
    let fault = prop::option::weighted(0.4, (0_usize..4, fault));
    let more = select(vec![
        "",
        "Connection: close",
        "Expect: 100-continue",
        "x-answer: 1",
        "Upgrade: b\r\nConnection: upgrade",
    ]);
    let shape = (method, 0..behaviors + 1, body, more);
    (shape, fault, 0_usize..3, 0_usize..3).prop_map(|((method, path, body, more), fault, up, down)| {
        let mut fields: Vec<String> =
            [more].iter().filter(|more| !more.is_empty()).map(ToString::to_string).collect();
        let (chunked, pieces, end) = body.unwrap_or_default();
        let length: usize = pieces.iter().map(String::len).sum();
        if chunked {
            fields.push("Transfer-Encoding: chunked".to_owned());
        } else if length > 0 {
            fields.push(format!("Content-Length: {length}"));
        }
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let mut pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
        if !chunked && !matches!(end, BodyEnd::Whole | BodyEnd::Apart) {
            // A body of a known length fails before it is complete.
            pieces.pop();
        }
        let mut asked = Asked::new(&format!("{method} /{path}"), &fields).with_body(&pieces, end);
        asked.memory.upload.turns = up;
        asked.memory.taken.turns = down;
        asked.memory.taken.fault = fault;
        asked
    })
}

#[test]
fn whatever_goes_wrong_every_exchange_is_recorded_once_and_exactly() {
    let all = behaviors();
    let count = all.len();
    let origin = Origin::start(move |received| {
        let number = received.line.target.trim_start_matches('/').parse().ok();
        number.and_then(|at: usize| all.get(at).cloned()).unwrap_or_default()
    });
    // The one path beyond the behaviors is no route.
    let meters = ["requests", "response-header:x-units", "bytes", "bytes-in", "bytes-out", "milliseconds"];
    let route = |at: usize| {
        let meter = meters[at % meters.len()];
        format!("[[route]]\npath = \"/{at}\"\nupstream = \"origin\"\nbody = 20\nmeter = \"{meter}\"\n")
    };
    let routes: String = (0..count).map(route).collect();
    let configuration = format!("upstream.origin = {{ endpoints = [\"{}\"] }}\n{routes}", origin.address());
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let sequences = prop::collection::vec(asked(count), 1..6);
    let ran = runner.run(&sequences, |sequence| {
        let gateway = Gateway::new(&configuration);
        let ids: HashSet<_> = sequence.iter().map(|asked| gateway.serve(asked).done().id).collect();
        prop_assert_eq!(ids.len(), sequence.len());
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}
