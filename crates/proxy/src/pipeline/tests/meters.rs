//! What exchanges count, by each meter. That records add up is checked of every exchange by `Served::check_value`.

use std::rc::Rc;

use lockgate_event::{Kind, Value};
use testkit::{Answer, Origin, Step};
use tokio::sync::Notify;

use super::{Asked, Gateway, Served, check};
use crate::limits::PART_MS;
use crate::memory::{BodyEnd, Moment, WriteFault};
use crate::timers::TICK_MS;

/// A gateway with one route, metered in this way.
fn metered(meter: &str, origin: &Origin, more: &str) -> Gateway {
    Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\nmeter = \"{meter}\"\n{more}\n",
        origin.address()
    ))
}

fn post() -> Asked {
    Asked::new("POST /x", &["Content-Length: 3"]).with_body(&["in!"], BodyEnd::Whole)
}

/// Millionths of the one record.
fn value(served: &Served) -> Option<i64> {
    served.done().value.map(|value| value.0)
}

#[test]
fn a_whole_answer_counts_as_its_meter_says() {
    let origin =
        Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nX-Units: 2.5\r\nContent-Length: 5\r\n\r\nhello"));
    for (meter, expected) in [
        ("requests", 1_000_000),
        ("response-header:X-Units", 2_500_000),
        ("bytes", 8_000_000),
        ("bytes-in", 3_000_000),
        ("bytes-out", 5_000_000),
    ] {
        let served = check(&metered(meter, &origin, ""), &post(), 200, None, &[]);
        assert_eq!(value(&served), Some(expected), "{meter}");
    }
    let served = check(&metered("milliseconds", &origin, ""), &post(), 200, None, &[]);
    assert_eq!(value(&served), Some(served.done().latency_us.cast_signed() * 1_000));
}

#[test]
fn a_header_is_read_before_it_is_edited() {
    let origin =
        Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nX-Units: 2\r\nContent-Length: 0\r\n\r\n"));
    let gateway =
        metered("response-header:x-units", &origin, "response_headers = { set = { x-units = \"9\" } }");
    let served = check(&gateway, &post(), 200, None, &[("x-units", Some("9"))]);
    assert_eq!(value(&served), Some(2_000_000));
}

#[test]
fn an_answer_that_does_not_say_how_much_counts_nothing_and_is_seen() {
    for (fields, unreadable) in [
        ("", 1),
        ("X-Units: lots\r\n", 1),
        ("X-Units: -1\r\n", 1),
        ("X-Units: 1\r\nX-Units: 2\r\n", 1),
        ("X-Units: 0\r\n", 0),
    ] {
        let origin =
            Origin::answering(Answer::bytes(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n")));
        let gateway = metered("response-header:x-units", &origin, "");
        assert_eq!(value(&check(&gateway, &post(), 200, None, &[])), Some(0), "{fields}");
        assert_eq!(gateway.worker.gauges.responses_meter_unreadable(), unreadable, "{fields}");
    }
}

#[test]
fn a_failure_before_an_answer_counts_nothing() {
    let origin = Origin::answering(Answer::new().then(Step::ReadBody).close());
    for meter in ["requests", "response-header:x-units", "bytes", "bytes-in", "bytes-out", "milliseconds"] {
        let served = check(&metered(meter, &origin, ""), &post(), 502, Some("upstream_closed"), &[]);
        assert_eq!((value(&served), served.done().bytes_in), (None, 3), "{meter}");
    }
}

#[test]
fn an_answer_of_the_gateways_own_counts_without_a_header() {
    for (meter, expected) in [("requests", 1_000_000), ("bytes", 4_000_000)] {
        let route = "[[route]]\npath = \"/*\"\nrespond = { status = 200, body = \"mine\" }\n";
        let gateway = Gateway::new(&format!("{route}meter = \"{meter}\"\n"));
        let served = check(&gateway, &Asked::new("GET /x", &[]), 200, None, &[]);
        assert_eq!(value(&served), Some(expected), "{meter}");
    }
    let origin = Origin::answering(Answer::ok("never"));
    let gateway = metered("response-header:x-units", &origin, "");
    let served = check(&gateway, &Asked::new("GET /x", &["x-answer: 1"]), 418, None, &[]);
    assert_eq!(value(&served), Some(0));
    assert_eq!(gateway.worker.gauges.responses_meter_unreadable(), 0, "nobody could have said it");
}

#[test]
fn a_cut_takes_back_what_was_not_taken() {
    let origin =
        Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nX-Units: 2.5\r\nContent-Length: 5\r\n\r\nhello"));
    for (meter, expected) in [
        ("requests", -1_000_000),
        ("response-header:x-units", -2_500_000),
        ("bytes", -5_000_000),
        ("bytes-in", 0),
        ("bytes-out", -5_000_000),
    ] {
        let gateway = metered(meter, &origin, "");
        // The head may go out alone, so that the last write is the first or the second.
        let cut = (0..2).find_map(|at| {
            let mut asked = post();
            asked.memory.taken.fault = Some((at, WriteFault::Reset));
            gateway.serve(&asked).cut().cloned()
        });
        assert_eq!(cut.expect("the last write has failed").value, Some(Value(expected)), "{meter}");
    }
}

/// Serves a tunnel that has lasted long enough for a `part` when it ends; four bytes go each way.
fn long_tunnel(meter: &str) -> Served {
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\nX-Units: 2\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(Step::Tunnel));
    let gateway = metered(meter, &origin, "");
    let asked = Asked::new("GET /x", &["Upgrade: a", "Connection: upgrade"]);
    let mut asked = asked.with_body(&["ping"], BodyEnd::Apart);
    let (echoed, late) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    asked.memory.taken.tells = Some((Moment::BodyBegun, echoed.clone()));
    asked.memory.upload.awaits = Some(late.clone());
    let timers = gateway.worker.timers.clone();
    gateway.runtime.spawn_local(async move {
        echoed.notified().await;
        (0..=PART_MS / TICK_MS).for_each(|_| timers.tick());
        late.notify_one();
    });
    check(&gateway, &asked, 101, None, &[])
}

#[test]
fn a_long_tunnel_counts_in_parts() {
    for (meter, part, done) in [
        ("requests", 0, 1_000_000),
        ("response-header:x-units", 0, 2_000_000),
        ("bytes", 8_000_000, 0),
        ("bytes-in", 4_000_000, 0),
        ("bytes-out", 4_000_000, 0),
    ] {
        let served = long_tunnel(meter);
        let parts: Vec<_> = served.events.iter().filter(|event| event.kind == Kind::Part).collect();
        assert_eq!(parts.iter().map(|part| part.value).collect::<Vec<_>>(), [Some(Value(part))], "{meter}");
        assert_eq!(value(&served), Some(done), "{meter}");
    }
    let served = long_tunnel("milliseconds");
    let part = &served.events[0];
    let told = part.latency_us.cast_signed() * 1_000;
    assert_eq!((part.kind, part.value), (Kind::Part, Some(Value(told))));
    assert_eq!(value(&served), Some(served.done().latency_us.cast_signed() * 1_000 - told));
}
