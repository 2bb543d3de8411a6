//! Ends of clients' connections, in memory.

use http2::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header, PING, PREFACE, SETTINGS,
    WINDOW_UPDATE, encode_field,
};

use crate::fuzz::h2::{Act, End, Plan, Transcript, Travel, converse};

const BODY_BYTES: usize = 60_000;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Header { length: payload.len(), kind, flags, stream }.write(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// A client with wide windows, and what it asks.
fn asked() -> Vec<u8> {
    let mut block = Vec::new();
    let path = format!("/{BODY_BYTES}");
    for (name, value) in
        [(":method", "GET"), (":scheme", "http"), (":authority", "shop.example"), (":path", &path)]
    {
        encode_field(name.as_bytes(), value.as_bytes(), &mut block);
    }
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]);
    let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    [PREFACE.to_vec(), settings, frame(WINDOW_UPDATE, 0, 0, &[0, 16, 0, 0]), head].concat()
}

/// A client that does so.
fn converses(acts: Vec<Act>) -> Transcript {
    let travel =
        Travel { end: End::Silence, read_bytes: 1 << 16, write_bytes: 1 << 16, is_fickle: false, turns: 8 };
    converse(&Plan { acts, travel, listener: 0 })
}

/// The frames that it was sent.
fn frames(transcript: &Transcript) -> Vec<(Header, &[u8])> {
    let (mut frames, mut rest) = (Vec::new(), transcript.written.as_slice());
    while let Some(header) = Header::read(rest) {
        let Some(payload) = rest.get(HEADER_BYTES..HEADER_BYTES + header.length) else { break };
        frames.push((header, payload));
        rest = &rest[HEADER_BYTES + header.length..];
    }
    frames
}

/// How much of the body it was sent, and whether that was all.
fn body(transcript: &Transcript) -> (usize, bool) {
    let of_body = frames(transcript).into_iter().filter(|(header, _)| header.kind == DATA);
    of_body.fold((0, false), |(count, _), (header, data)| (count + data.len(), header.has(END_STREAM)))
}

#[test]
fn the_last_answers_go_out_as_long_as_their_client_takes_them() {
    let begin = [Act::Take(0), Act::Send(asked()), Act::Wait(2), Act::Drain];
    // Each part in good time, and all of it longer than that.
    let slowly = (0..5).flat_map(|_| [Act::Wait(40), Act::Take(10_000)]);
    let transcript = converses(begin.into_iter().chain(slowly).chain([Act::TakeAll]).collect());
    assert_eq!(body(&transcript), (BODY_BYTES, true));
}

#[test]
fn a_client_that_does_not_take_its_last_answers_is_given_up() {
    let acts = [Act::Take(20_000), Act::Send(asked()), Act::Wait(2), Act::Drain, Act::Wait(70), Act::TakeAll];
    let transcript = converses(acts.to_vec());
    assert!(transcript.written.len() == 20_000, "{}", transcript.written.len());
}

#[test]
fn what_a_client_says_behind_the_end_is_read_away() {
    let heard = frame(PING, ACK, 0, b"lockgate");
    let late = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    let acts = [Act::Send(asked()), Act::Drain, Act::Send(heard), Act::Wait(2), Act::Send(late)];
    let transcript = converses(acts.to_vec());
    assert_eq!(body(&transcript), (BODY_BYTES, true));
    assert_eq!(transcript.read, transcript.sent.len());
}

#[test]
fn who_does_not_answer_the_goodbye_is_told_which_stream_was_the_last() {
    let transcript = converses(vec![Act::Send(asked()), Act::Drain, Act::Wait(30)]);
    let frames = frames(&transcript);
    let goodbyes = frames.iter().filter(|(header, _)| header.kind == GOAWAY);
    let last: Vec<&[u8]> = goodbyes.map(|(_, payload)| &payload[..4]).collect();
    assert_eq!(last, [[0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 1]]);
}
