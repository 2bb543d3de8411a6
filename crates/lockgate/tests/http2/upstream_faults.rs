//! Upstreams of HTTP/2 that send frames which may not come: what ends a stream, and what ends the connection.

use crate::Frames;
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Outcome, PADDED, PING, PUSH_PROMISE, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, pseudo,
};
use crate::upstream_frames::{CANCEL, Scripted, get, head, ok, reset};

const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const FLOW_CONTROL_ERROR: u32 = 3;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

#[test]
fn more_than_the_gateways_window_is_a_fault_of_the_stream() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        let data = frame(DATA, 0, 1, &[b'x'; 16_384]);
        upstream.send(&[head(1, 0, &[(":status", "200")]), data.repeat(40)].concat()).unwrap();
        let fault = upstream.next_of(RST_STREAM).unwrap();
        assert_eq!((fault.stream, fault.code()), (1, FLOW_CONTROL_ERROR));
        assert_eq!(upstream.asked(), 3);
        upstream.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("");
    // One that does not say that it takes more.
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/"));
    assert!(matches!(client.outcome(1), Outcome::Answered(200 | 502)));
    assert_eq!(get(&mut client, 3), Outcome::Answered(200));
    upstream.end();
}

/// An upstream that answers its first request so is told why the connection ends; the client is told that there is no answer, and the
/// next request goes on another connection.
#[track_caller]
fn dismisses(answer: impl FnOnce(u32) -> Vec<u8> + Send + 'static, code: u32) {
    let upstream = Scripted::start(move |listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        let stream = upstream.asked();
        // The gateway may be gone before it has taken all of it.
        let _ = upstream.send(&answer(stream));
        assert_eq!(upstream.dismissal(), code);
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&ok(1)).unwrap();
    });
    let gateway = upstream.gateway("rest = \"1ms\"");
    let mut client = Frames::connect(gateway.address());
    assert_eq!(get(&mut client, 1), Outcome::Answered(502));
    assert_eq!(get(&mut client, 3), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn a_push_ends_the_connection() {
    let promise = [&2_u32.to_be_bytes()[..], &block(&pseudo("GET", "/pushed"))].concat();
    dismisses(move |stream| frame(PUSH_PROMISE, END_HEADERS, stream, &promise), PROTOCOL_ERROR);
}

#[test]
fn compression_that_is_none_ends_the_connection() {
    dismisses(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0xff; 9]), COMPRESSION_ERROR);
}

#[test]
fn frames_of_streams_that_have_not_begun_end_the_connection() {
    dismisses(|_| head(99, END_STREAM, &[(":status", "200")]), PROTOCOL_ERROR);
    dismisses(|_| ok(2), PROTOCOL_ERROR);
    dismisses(|_| frame(DATA, 0, 99, b"x"), PROTOCOL_ERROR);
    dismisses(|_| reset(99, CANCEL), PROTOCOL_ERROR);
    dismisses(|_| frame(WINDOW_UPDATE, 0, 99, &[0, 0, 0, 1]), PROTOCOL_ERROR);
}

#[test]
fn a_head_without_end_ends_the_connection() {
    let more = frame(CONTINUATION, 0, 1, &[0; 16_384]);
    dismisses(move |_| [frame(HEADERS, 0, 1, &[]), more.repeat(40)].concat(), ENHANCE_YOUR_CALM);
}

#[test]
fn floods_end_the_connection() {
    for flood in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(DATA, 0, 1, &[]),
        frame(DATA, PADDED, 1, &[0]),
    ] {
        let begin = head(1, 0, &[(":status", "103")]);
        let begin = if flood[3] == DATA { head(1, 0, &[(":status", "200")]) } else { begin };
        let upstream = Scripted::start(move |listener| {
            let mut upstream = Frames::upstream(listener, &[]);
            assert_eq!(upstream.asked(), 1);
            let _ = upstream.send(&[begin, flood.repeat(20_000)].concat());
            assert_eq!(upstream.dismissal(), ENHANCE_YOUR_CALM);
        });
        let gateway = upstream.gateway("");
        let mut client = Frames::connect(gateway.address());
        client.ask(1, &pseudo("GET", "/"));
        upstream.end();
        drop(gateway);
    }
}

/// An upstream that answers so, in one write, has its stream reset; the client is told that there is no answer, and the connection
/// goes on.
#[track_caller]
fn faults(answer: impl Fn(u32) -> Vec<u8> + Send + 'static) {
    let upstream = Scripted::start(move |listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&answer(1)).unwrap();
        let fault = upstream.next_of(RST_STREAM).unwrap();
        assert_eq!((fault.stream, fault.code()), (1, PROTOCOL_ERROR));
        assert_eq!(upstream.asked(), 3);
        upstream.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    assert_eq!(get(&mut client, 1), Outcome::Answered(502));
    assert_eq!(get(&mut client, 3), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn a_malformed_head_is_a_fault_of_its_stream() {
    for fields in [
        &[][..],
        &[("x-a", "1")],
        &[(":status", "200"), (":status", "200")],
        &[("x-a", "1"), (":status", "200")],
        &[(":status", "200"), (":path", "/")],
        &[(":status", "101")],
        &[(":status", "103")],
        &[(":status", "20")],
        &[(":status", "200"), ("X-A", "1")],
        &[(":status", "200"), ("x-a", "1\r\nb: 2")],
        &[(":status", "200"), ("connection", "close")],
        &[(":status", "200"), ("transfer-encoding", "chunked")],
        &[(":status", "200"), ("content-length", "1"), ("content-length", "2")],
    ] {
        faults(move |stream| head(stream, END_STREAM, fields));
    }
}

#[test]
fn a_body_of_another_length_than_was_said_is_a_fault_of_its_stream() {
    let said = |length| move |stream| head(stream, 0, &[(":status", "200"), ("content-length", length)]);
    let data = |stream, flags| frame(DATA, flags, stream, b"four");
    faults(move |stream| [said("5")(stream), data(stream, END_STREAM)].concat());
    faults(move |stream| [said("3")(stream), data(stream, 0)].concat());
    let trailers = |stream| head(stream, END_STREAM, &[("x-a", "1")]);
    faults(move |stream| [said("5")(stream), data(stream, 0), trailers(stream)].concat());
    // Where there is none by rule.
    faults(move |stream| [head(stream, 0, &[(":status", "204")]), data(stream, END_STREAM)].concat());
    // Nor before the head.
    faults(move |stream| data(stream, END_STREAM));
}

#[test]
fn an_answer_that_has_begun_is_cut_when_it_ends_too_early() {
    let (seen, has_seen) = std::sync::mpsc::channel();
    let upstream = Scripted::start(move |listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&head(1, 0, &[(":status", "200"), ("content-length", "5")])).unwrap();
        has_seen.recv().unwrap();
        upstream.send(&frame(DATA, END_STREAM, 1, b"four")).unwrap();
        let fault = upstream.next_of(RST_STREAM).unwrap();
        assert_eq!((fault.stream, fault.code()), (1, PROTOCOL_ERROR));
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    assert_eq!(get(&mut client, 1), Outcome::Answered(200));
    seen.send(()).unwrap();
    assert!(matches!(client.outcome(1), Outcome::Reset(_)));
    upstream.end();
}

#[test]
fn an_answer_that_has_its_length_and_no_end_is_none() {
    /// What is answered to a method, fields and data, up to the end that does not come.
    type Unended = (&'static str, &'static [(&'static str, &'static str)], &'static [u8]);
    const ANSWERS: [Unended; 5] = [
        ("GET", &[(":status", "200"), ("content-length", "5")], b"whole"),
        ("GET", &[(":status", "200"), ("content-length", "0")], b""),
        ("GET", &[(":status", "204")], b""),
        ("GET", &[(":status", "304")], b""),
        ("HEAD", &[(":status", "200"), ("content-length", "5")], b""),
    ];
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        for has_end in [false, true] {
            for (_, fields, data) in ANSWERS {
                let stream = upstream.asked();
                upstream.send(&[head(stream, 0, fields), frame(DATA, 0, stream, data)].concat()).unwrap();
                // By then, the gateway has had it twice.
                upstream.sent();
                upstream.sent();
                let end = if has_end {
                    frame(DATA, END_STREAM, stream, &[])
                } else {
                    reset(stream, INTERNAL_ERROR)
                };
                upstream.send(&end).unwrap();
            }
        }
    });
    let gateway = upstream.gateway("rest = \"1ms\"");
    for has_end in [false, true] {
        for (method, fields, data) in ANSWERS {
            let answer = gateway.ask(format!("{method} / HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
            let status: u16 = if has_end { fields[0].1.parse().unwrap() } else { 502 };
            assert_eq!(answer.status(), status, "{method} {fields:?}");
            assert!(!has_end || answer.body == data, "{method} {fields:?}");
        }
    }
    upstream.end();
}

#[test]
fn an_answer_that_has_begun_does_not_get_its_last_bytes_without_its_end() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        let begun = head(1, 0, &[(":status", "200"), ("content-length", "5")]);
        upstream.send(&[begun, frame(DATA, 0, 1, b"who")].concat()).unwrap();
        upstream.sent();
        upstream.send(&frame(DATA, 0, 1, b"le")).unwrap();
        upstream.sent();
        upstream.send(&reset(1, INTERNAL_ERROR)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = gateway.connect().unwrap();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert!(client.response("GET").is_err());
    upstream.end();
}

#[test]
fn a_connection_that_has_fallen_silent_gets_no_other_requests() {
    let upstream = Scripted::start(|listener| {
        let mut silent = Frames::upstream(listener, &[]);
        assert_eq!(silent.asked(), 1);
        silent.send(&ok(1)).unwrap();
        assert_eq!(silent.asked(), 3);
        let mut other = Frames::upstream(listener, &[]);
        for stream in [1, 3] {
            assert_eq!(other.asked(), stream);
            other.send(&ok(stream)).unwrap();
        }
        assert_eq!(silent.dismissal(), NO_ERROR);
    });
    let gateway = upstream.gateway("rest = \"1ms\"\ntimeout = { response = \"500ms\" }");
    let mut client = Frames::connect(gateway.address());
    assert_eq!(get(&mut client, 1), Outcome::Answered(200));
    assert_eq!(get(&mut client, 3), Outcome::Answered(504));
    for stream in [5, 7] {
        assert_eq!(get(&mut client, stream), Outcome::Answered(200));
    }
    upstream.end();
}
