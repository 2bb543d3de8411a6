//! Frames that end their connection or their stream, those that say nothing, and windows (RFC 9113 §4 to §6).

use std::time::Duration;

use testkit::random::Random;
use testkit::{Answer, GatewayProcess, Origin, Step};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Outcome, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, pseudo,
};
use crate::{Frames, start};

const PADDED: u8 = 8;
const PRIORITIZED: u8 = 0x20;
const PUSH_PROMISE: u8 = 5;

// RFC 9113 §7
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;

/// A gateway before an origin that answers `/hold` never, and whatever else at once.
fn gateway() -> (Origin, GatewayProcess) {
    let origin = Origin::start(|request| match request.line.target.as_str() {
        "/hold" => Answer::new().then(Step::Hold),
        _ => Answer::ok("ok"),
    });
    let gateway = start("", &origin);
    (origin, gateway)
}

fn get(stream: u32, path: &str, flags: u8) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &block(&pseudo("GET", path)))
}

#[test]
fn a_frame_that_may_not_be_ends_its_connection_with_the_code_it_deserves() {
    let (_origin, gateway) = gateway();
    let head = block(&pseudo("GET", "/"));
    let hold = get(1, "/hold", 0);
    let setting =
        |id: u16, value: u32| frame(SETTINGS, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    let behind_hold = |bytes: Vec<u8>| [hold.clone(), bytes].concat();
    for (what, bytes, code) in [
        ("data of the connection", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
        ("data of a stream that has not begun", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
        ("a head of the connection", get(0, "/", END_STREAM), PROTOCOL_ERROR),
        ("a stream of the server's", get(2, "/", END_STREAM), PROTOCOL_ERROR),
        ("a stream before the last", [get(5, "/hold", 0), get(3, "/", END_STREAM)].concat(), PROTOCOL_ERROR),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &head), PROTOCOL_ERROR),
        (
            "a continuation of another",
            [frame(HEADERS, 0, 1, &head), frame(CONTINUATION, END_HEADERS, 3, &[])].concat(),
            PROTOCOL_ERROR,
        ),
        (
            "something within a head",
            [frame(HEADERS, 0, 1, &head), frame(PING, 0, 0, &[0; 8])].concat(),
            PROTOCOL_ERROR,
        ),
        (
            "something unknown within a head",
            [frame(HEADERS, 0, 1, &head), frame(0x77, 0, 0, &[])].concat(),
            PROTOCOL_ERROR,
        ),
        ("a head that is padding", frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0]), PROTOCOL_ERROR),
        ("data that is padding", behind_hold(frame(DATA, PADDED, 1, &[2, 0])), PROTOCOL_ERROR),
        ("padding that is not there", behind_hold(frame(DATA, PADDED, 1, &[])), PROTOCOL_ERROR),
        ("a head without its priority", frame(HEADERS, END_HEADERS | PRIORITIZED, 1, &[0]), PROTOCOL_ERROR),
        ("a frame too large", frame(DATA, 0, 1, &vec![0; 16_385]), FRAME_SIZE_ERROR),
        ("a small ping", frame(PING, 0, 0, &[0; 7]), FRAME_SIZE_ERROR),
        ("a ping of a stream", frame(PING, 0, 1, &[0; 8]), PROTOCOL_ERROR),
        ("half a setting", frame(SETTINGS, 0, 0, &[0; 5]), FRAME_SIZE_ERROR),
        ("settings in an acknowledgement", frame(SETTINGS, 1, 0, &[0; 6]), FRAME_SIZE_ERROR),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[]), PROTOCOL_ERROR),
        ("push neither on nor off", setting(2, 2), PROTOCOL_ERROR),
        ("a window too large", setting(4, 1 << 31), FLOW_CONTROL_ERROR),
        ("small frames", setting(5, 16_383), PROTOCOL_ERROR),
        ("large frames", setting(5, 1 << 24), PROTOCOL_ERROR),
        (
            "a window that makes others too large",
            {
                let wide = frame(WINDOW_UPDATE, 0, 1, &0x7fff_0000_u32.to_be_bytes());
                [hold.clone(), wide, setting(4, 0x7fff_0000)].concat()
            },
            FLOW_CONTROL_ERROR,
        ),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), PROTOCOL_ERROR),
        (
            "the connection's window too large",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255]),
            FLOW_CONTROL_ERROR,
        ),
        (
            "a window of a stream that has not begun",
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]),
            PROTOCOL_ERROR,
        ),
        ("a small window", frame(WINDOW_UPDATE, 0, 0, &[0; 3]), FRAME_SIZE_ERROR),
        ("a reset of a stream that has not begun", frame(RST_STREAM, 0, 1, &[0; 4]), PROTOCOL_ERROR),
        ("a reset of the connection", frame(RST_STREAM, 0, 0, &[0; 4]), PROTOCOL_ERROR),
        ("a priority of the connection", frame(PRIORITY, 0, 0, &[0; 5]), PROTOCOL_ERROR),
        ("a promise", frame(PUSH_PROMISE, END_HEADERS, 1, &[0; 4]), PROTOCOL_ERROR),
        ("an end of a stream", frame(GOAWAY, 0, 1, &[0; 8]), PROTOCOL_ERROR),
        ("an index of nothing", frame(HEADERS, END_HEADERS, 1, &[0x80]), COMPRESSION_ERROR),
        ("a table that is too large", frame(HEADERS, END_HEADERS, 1, &[0x3f, 0xe2, 0x1f]), COMPRESSION_ERROR),
    ] {
        let mut client = Frames::connect(gateway.address());
        client.send(&bytes).unwrap();
        let goaway = client.next_of(GOAWAY).unwrap_or_else(|| panic!("{what}"));
        assert_eq!(goaway.code(), code, "{what}");
        assert!(client.next().is_none(), "{what}: nothing follows");
    }
}

#[test]
fn a_connection_begins_with_settings() {
    let (_origin, gateway) = gateway();
    for (what, begin) in [
        ("a ping", frame(PING, 0, 0, &[0; 8])),
        ("an acknowledgement", frame(SETTINGS, 1, 0, &[])),
        ("a head", get(1, "/", END_STREAM)),
    ] {
        let mut client = Frames::begin(gateway.address());
        client.send(&begin).unwrap();
        assert_eq!(client.next_of(GOAWAY).map(|goaway| goaway.code()), Some(PROTOCOL_ERROR), "{what}");
    }
}

#[test]
fn a_frame_behind_the_end_of_its_stream_is_an_error_of_the_stream_or_of_the_connection() {
    let (_origin, gateway) = gateway();
    for (what, late) in [("data", frame(DATA, 0, 1, b"x")), ("a head", get(1, "/", END_STREAM))] {
        let mut client = Frames::connect(gateway.address());
        client.send(&get(1, "/hold", END_STREAM)).unwrap();
        client.send(&late).unwrap();
        assert_eq!(client.outcome(1), Outcome::Reset(STREAM_CLOSED), "{what} while it is answered");
        let mut client = Frames::connect(gateway.address());
        client.send(&get(1, "/", END_STREAM)).unwrap();
        assert_eq!(client.next_of(DATA).unwrap().payload, b"ok");
        client.send(&late).unwrap();
        assert_eq!(client.next_of(GOAWAY).unwrap().code(), STREAM_CLOSED, "{what} when it is over");
        let mut client = Frames::connect(gateway.address());
        client.send(&[get(1, "/hold", 0), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), late].concat()).unwrap();
        assert_eq!(client.next_of(GOAWAY).unwrap().code(), STREAM_CLOSED, "{what} behind a reset");
    }
}

#[test]
fn a_fault_of_a_stream_ends_that_stream_only() {
    let (_origin, gateway) = gateway();
    let post =
        |more: &[u8]| [&frame(HEADERS, END_HEADERS, 1, &block(&pseudo("POST", "/hold"))), more].concat();
    let trailers = |flags, fields: &[(&str, &str)]| frame(HEADERS, END_HEADERS | flags, 1, &block(fields));
    for (what, bytes, code) in [
        ("a window of nothing", post(&frame(WINDOW_UPDATE, 0, 1, &[0; 4])), PROTOCOL_ERROR),
        ("a window too large", post(&frame(WINDOW_UPDATE, 0, 1, &[0x7f, 255, 255, 255])), FLOW_CONTROL_ERROR),
        ("trailers that are not the end", post(&trailers(0, &[("x-a", "1")])), PROTOCOL_ERROR),
        ("a pseudo-field in trailers", post(&trailers(END_STREAM, &[(":path", "/")])), PROTOCOL_ERROR),
        ("upper case in trailers", post(&trailers(END_STREAM, &[("X-A", "1")])), PROTOCOL_ERROR),
    ] {
        let mut client = Frames::connect(gateway.address());
        client.send(&bytes).unwrap();
        assert_eq!(client.outcome(1), Outcome::Reset(code), "{what}");
        client.send(&get(3, "/", END_STREAM)).unwrap();
        assert_eq!(client.outcome(3), Outcome::Answered(200), "{what}");
        // What is under way for the stream that was reset is passed over.
        client.send(&[frame(DATA, 0, 1, b"late"), trailers(END_STREAM, &[("x-b", "1")])].concat()).unwrap();
        client.send(&get(5, "/", END_STREAM)).unwrap();
        assert_eq!(client.outcome(5), Outcome::Answered(200), "{what}");
    }
}

#[test]
fn more_than_a_window_is_a_fault() {
    let (_origin, gateway) = gateway();
    // What comes before a tunnel has begun, nobody takes.
    let head = block(&[pseudo("CONNECT", "/hold"), vec![(":protocol", "websocket")]].concat());
    let begin = |streams: &[u32]| {
        let mut client = Frames::connect(gateway.address());
        for &stream in streams {
            client.send(&frame(HEADERS, END_HEADERS, stream, &head)).unwrap();
        }
        client
    };
    let data = |stream, bytes: usize| -> Vec<u8> {
        vec![0; bytes].chunks(16_384).flat_map(|part| frame(DATA, 0, stream, part)).collect()
    };
    let mut client = begin(&[1, 3]);
    client.send(&data(1, 65_536)).unwrap();
    client.send(&frame(PING, 0, 0, b"within..")).unwrap();
    assert_eq!(client.next_of(PING).unwrap().payload, b"within..");
    client.send(&data(1, 1)).unwrap();
    assert_eq!(client.outcome(1), Outcome::Reset(FLOW_CONTROL_ERROR));
    let mut client = begin(&[1, 3, 5, 7, 9]);
    client.send(&[1, 3, 5, 7].map(|stream| data(stream, 65_536)).concat()).unwrap();
    client.send(&frame(PING, 0, 0, b"within..")).unwrap();
    assert_eq!(client.next_of(PING).unwrap().payload, b"within..");
    client.send(&data(9, 1)).unwrap();
    assert_eq!(client.next_of(GOAWAY).unwrap().code(), FLOW_CONTROL_ERROR);
}

#[test]
fn what_says_nothing_changes_nothing() {
    let (_origin, gateway) = gateway();
    let mut client = Frames::connect(gateway.address());
    let head = block(&pseudo("GET", "/"));
    let (front, back) = head.split_at(7);
    client
        .send(
            &[
                frame(0x77, 0xff, 9, b"unknown"),
                frame(PRIORITY, 0, 7, &[0, 0, 0, 1, 9]),
                frame(SETTINGS, 0, 0, &[0, 0x77, 0, 0, 0, 1]),
                frame(PING, 1, 0, b"nobody's"),
                // Padding and priority, and a block in three parts, of which one is empty.
                frame(
                    HEADERS,
                    END_STREAM | PADDED | PRIORITIZED,
                    1,
                    &[&[3, 0, 0, 0, 0, 1], front, &[0; 3]].concat(),
                ),
                frame(CONTINUATION, 0, 1, &[]),
                frame(CONTINUATION, END_HEADERS, 1, back),
                frame(GOAWAY, 0, 0, &[0; 8]),
                frame(PING, 0, 0, b"somebody"),
            ]
            .concat(),
        )
        .unwrap();
    assert_eq!(client.next_of(PING).unwrap().payload, b"somebody");
    assert_eq!(client.outcome(1), Outcome::Answered(200));
}

#[test]
fn padding_is_no_part_of_a_body() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    let head = block(&[pseudo("POST", "/"), vec![("content-length", "6")]].concat());
    let parts = [
        frame(HEADERS, END_HEADERS, 1, &head),
        frame(DATA, PADDED, 1, b"\x02abc\0\0"),
        frame(DATA, PADDED, 1, b"\x02\0\0"),
        frame(DATA, PADDED | END_STREAM, 1, b"\0def"),
    ];
    // However the bytes arrive.
    for byte in parts.concat() {
        client.send(&[byte]).unwrap();
    }
    assert_eq!(client.outcome(1), Outcome::Answered(200));
    assert_eq!(origin.requests()[0].body.content, b"abcdef");
}

/// Bytes of DATA until the end of the stream, and how long each frame was.
fn body(client: &mut Frames, stream: u32, mut seen: impl FnMut(&mut Frames, usize)) -> usize {
    let mut total = 0;
    while let Some(frame) = client.next() {
        assert_ne!(frame.kind, RST_STREAM, "{frame:?}");
        if (frame.kind, frame.stream) == (DATA, stream) {
            total += frame.payload.len();
            seen(client, frame.payload.len());
            if frame.flags & END_STREAM != 0 {
                break;
            }
        }
    }
    total
}

#[test]
fn an_answer_goes_out_as_its_window_opens() {
    let origin = Origin::answering(Answer::generated(200_000));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2)
    client.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 10])).unwrap();
    client.send(&get(1, "/", END_STREAM)).unwrap();
    assert_eq!(client.next_of(DATA).unwrap().payload.len(), 10);
    // The stream's window shrinks to less than nothing, and opens by two steps.
    client.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
    client.send(&frame(WINDOW_UPDATE, 0, 1, &15_u32.to_be_bytes())).unwrap();
    assert_eq!(client.next_of(DATA).unwrap().payload.len(), 5);
    let more =
        |stream, bytes: usize| frame(WINDOW_UPDATE, 0, stream, &u32::try_from(bytes).unwrap().to_be_bytes());
    client.send(&[more(1, 1_000), more(0, 15)].concat()).unwrap();
    let total = body(&mut client, 1, |client, count| {
        client.send(&[more(0, count), more(1, count)].concat()).unwrap();
    });
    assert_eq!(total, 200_000 - 15);
}

#[test]
fn a_large_upload_is_let_through_a_small_window() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("http2 = { stream_window = \"16KiB\", connection_window = \"64KiB\" }", &origin);
    let mut client = crate::Client::connect(gateway.address());
    let sent: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    let request = crate::request("POST", "/").body(()).unwrap();
    let answer = client.ask(request, Some(&sent)).unwrap();
    assert_eq!(answer.status, 200);
    assert!(origin.requests()[0].body.content == sent, "every byte, in order");
}

#[test]
fn answers_beside_each_other_take_turns() {
    // What the sockets between origin and gateway hold, so that no answer waits for its origin.
    const BODY: usize = 200_000;
    const FIRST: usize = 10_000;
    let origin = Origin::answering(Answer::generated(BODY as u64));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    let streams = [1, 3, 5, 7, 9, 11];
    let window = |bytes: u32| frame(SETTINGS, 0, 0, &[&[0, 4][..], &bytes.to_be_bytes()].concat());
    client.send(&window(FIRST as u32)).unwrap();
    for stream in streams {
        client.send(&get(stream, "/", END_STREAM)).unwrap();
    }
    let (mut received, mut ended, mut owed) = ([0; 12], 0, 0);
    let mut least_when_first_ended = usize::MAX;
    let mut are_all_there = false;
    while ended < streams.len() {
        let frame_in = client.next().unwrap();
        if frame_in.kind != DATA {
            continue;
        }
        received[frame_in.stream as usize] += frame_in.payload.len();
        owed += u32::try_from(frame_in.payload.len()).unwrap();
        let of_all = streams.map(|stream| received[stream as usize]);
        if frame_in.flags & END_STREAM != 0 {
            ended += 1;
            if ended == 1 {
                least_when_first_ended = of_all.into_iter().min().unwrap();
            }
        }
        if !are_all_there && of_all == [FIRST; 6] {
            are_all_there = true;
            std::thread::sleep(Duration::from_millis(100));
            client.send(&window(0x7f00_0000)).unwrap();
        }
        // The connection's window is opened bit by bit, so that there are turns to be taken.
        if are_all_there && owed > 0 {
            client.send(&frame(WINDOW_UPDATE, 0, 0, &owed.to_be_bytes())).unwrap();
            owed = 0;
        }
    }
    assert_eq!(streams.map(|stream| received[stream as usize]), [BODY; 6]);
    assert!(least_when_first_ended > BODY / 2, "{least_when_first_ended} when the first had {BODY}");
}

#[test]
fn a_client_may_say_of_each_small_piece_that_it_has_taken_it() {
    // As gRPC does: of the stream and of the connection, for each message of a long call.
    const PIECES: usize = 4_000;
    let chunks = ["1\r\nx\r\n".repeat(PIECES), "0\r\n\r\n".to_owned()].concat();
    let dripping = Step::Drip(chunks.into_bytes().into(), 6, Duration::from_micros(200));
    let origin = Origin::answering(
        Answer::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").then(dripping),
    );
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    client.send(&get(1, "/", END_STREAM)).unwrap();
    let (mut taken, mut pieces) = (0, 0);
    while taken < PIECES {
        let frame_in = client.next().unwrap_or_else(|| panic!("{taken} were taken in {pieces} pieces"));
        if frame_in.kind == DATA && !frame_in.payload.is_empty() {
            taken += frame_in.payload.len();
            pieces += 1;
            let count = u32::try_from(frame_in.payload.len()).unwrap().to_be_bytes();
            let updates = [frame(WINDOW_UPDATE, 0, 1, &count), frame(WINDOW_UPDATE, 0, 0, &count)];
            client.send(&updates.concat()).unwrap();
        }
    }
    assert!(pieces > 1_500, "{pieces}: they came one by one");
}

#[test]
fn a_stream_that_both_sides_have_ended_does_not_count() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("http2 = { streams = 3 }", &origin);
    let mut client = Frames::connect(gateway.address());
    let head = block(&[pseudo("POST", "/"), vec![("content-length", "1")]].concat());
    for round in 0..20_u32 {
        let streams = [1, 3, 5].map(|stream| round * 6 + stream);
        // What the origin has got is the whole body, though the client has not said so.
        let begin =
            |stream| [frame(HEADERS, END_HEADERS, stream, &head), frame(DATA, 0, stream, b"x")].concat();
        let end = |stream: u32| if round == 0 { vec![] } else { frame(DATA, END_STREAM, stream - 6, &[]) };
        client.send(&[streams.map(end).concat(), streams.map(begin).concat()].concat()).unwrap();
        let mut answered = 0;
        while answered < 3 {
            let frame_in = client.next().unwrap();
            assert_ne!(frame_in.kind, RST_STREAM, "round {round}: {frame_in:?}");
            answered += usize::from(frame_in.kind == DATA && frame_in.flags & END_STREAM != 0);
        }
    }
}

#[test]
fn a_large_head_comes_in_several_frames() {
    let value = "~".repeat(20_000);
    let origin = Origin::answering(Answer::bytes(format!(
        "HTTP/1.1 200 OK\r\nx-large: {value}\r\nContent-Length: 0\r\n\r\n"
    )));
    let gateway = start("", &origin);
    let mut client = crate::Client::connect(gateway.address());
    let answer = client.get("/");
    assert_eq!(answer.field("x-large").unwrap().len(), 20_000);
}

#[test]
fn whatever_is_sent_others_are_served() {
    let (_origin, gateway) = gateway();
    let mut random = Random::new(0x5eed);
    let mut well_behaved = crate::Client::connect(gateway.address());
    for round in 0..300 {
        let mut client = Frames::connect(gateway.address());
        let mut bytes = Vec::new();
        for _ in 0..random.below(12) + 1 {
            let payload: Vec<u8> = match random.below(4) {
                0 => block(&pseudo("GET", ["/", "/hold"][random.below(2)])),
                1 => (0..random.below(40)).map(|_| random.below(256) as u8).collect(),
                2 => vec![0; [0, 4, 5, 6, 8][random.below(5)]],
                _ => vec![random.below(256) as u8; random.below(17_000)],
            };
            let stream = [0, 1, 1, 3, 5, 2][random.below(6)];
            bytes.extend(frame(random.below(11) as u8, random.below(256) as u8, stream, &payload));
        }
        // It may be ended before all is sent.
        let _ = client.send(&bytes);
        if round % 10 == 0 {
            assert_eq!(well_behaved.get("/").text(), "ok", "round {round}");
        }
    }
    assert_eq!(well_behaved.get("/").text(), "ok");
    assert!(gateway.figures().unwrap().anonymous_bytes < 200 << 20);
}
