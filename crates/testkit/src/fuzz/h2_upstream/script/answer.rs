//! What an endpoint sends of an answer.

use http2::{CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Header, PADDED, encode_field};
use proxy::fuzz::h2::upstream::{Progress, When, pattern};

use super::Script;
use crate::fuzz::h2_sides::Input;

/// Bytes of a body.
const BODIES: [usize; 8] = [0, 1, 100, 4_096, 16_384, 20_000, 70_000, 120_000];
/// Bytes of a frame of DATA.
const DATA_BYTES: [usize; 8] = [1, 2, 100, 1_000, 4_096, 16_000, 16_384, 0];
/// What a head may say besides; behind the first few, none of them may be said.
const FIELDS: [(&str, &str); 16] = [
    ("content-type", "text/plain"),
    ("x-mark", "other"),
    ("content-type", "a/b"),
    ("x-mark", "1"),
    ("x-mark", "2"),
    ("content-length", "5"),
    ("content-length", "+5"),
    ("content-length", "100"),
    ("connection", "close"),
    ("transfer-encoding", "chunked"),
    ("X-Upper", "1"),
    ("x-line", "a\r\nb"),
    (":status", "200"),
    (":path", "/"),
    ("", "empty"),
    ("host", "shop.example"),
];
const FIELDS_LAWFUL: usize = 5;
const STATUSES: [&str; 8] = ["200", "200", "200", "200", "404", "204", "304", "500"];
const STATUSES_ODD: [&str; 8] = ["101", "20", "099", "600", "2 0", "100", "", "103"];

/// What was sent of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    has_begun: bool,
    is_over: bool,
    count: usize,
    /// What the head says that there is.
    length: Option<usize>,
}

impl Sent {
    pub(super) const fn progress(self) -> Progress {
        match self {
            Self { is_over: true, .. } => Progress::Over,
            Self { has_begun: true, .. } => Progress::Begun,
            _ => Progress::Asked,
        }
    }
}

/// Bytes of an answer, which are those of its stream and of no other.
fn body(stream: u32, at: usize, count: usize) -> Vec<u8> {
    (at..at + count).map(|at| pattern(at + 7 * stream as usize)).collect()
}

impl Script {
    pub(super) fn answer_whole(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let count = BODIES[usize::from(form & 7)];
        let (has_trailers, says_length) = (form & 8 != 0, form & 16 != 0);
        let frame_bytes = if form & 32 != 0 { 16_384 } else { 4_000 };
        let mut block = Vec::new();
        encode_field(b":status", b"200", &mut block);
        encode_field(b"x-mark", stream.to_string().as_bytes(), &mut block);
        if says_length {
            encode_field(b"content-length", count.to_string().as_bytes(), &mut block);
        }
        let end = if count == 0 && !has_trailers { END_STREAM } else { 0 };
        let mut frames = Vec::new();
        append(HEADERS, END_HEADERS | end, stream, &block, &mut frames);
        let data = body(stream, 0, count);
        let mut pieces = data.chunks(frame_bytes).peekable();
        while let Some(piece) = pieces.next() {
            let end = if pieces.peek().is_none() && !has_trailers { END_STREAM } else { 0 };
            append(DATA, end, stream, piece, &mut frames);
        }
        if has_trailers {
            let mut block = Vec::new();
            encode_field(b"x-trailer", b"1", &mut block);
            append(HEADERS, END_HEADERS | END_STREAM, stream, &block, &mut frames);
        }
        let when = When { stream, progress: Progress::Asked, then: Progress::Over, flow: count as u32 };
        self.send(frames, (form & 0xc0 != 0xc0).then_some(when));
    }

    pub(super) fn answer_head(&mut self, input: &mut Input<'_>) {
        let (stream, form, choice) = (self.stream(input), input.byte(), input.byte());
        let is_bold = form & 0xe0 == 0xe0;
        let mut block = Vec::new();
        match form & 0x18 {
            0x18 if is_bold => add(":status", STATUSES_ODD[usize::from(choice & 7)], &mut block),
            0x10 if is_bold => {}
            _ => add(":status", STATUSES[usize::from(choice & 7)], &mut block),
        }
        add("x-mark", &stream.to_string(), &mut block);
        let length = [None, None, Some(0), Some(100), Some(4_096), Some(16_384), Some(70_000), Some(5)]
            [usize::from(choice >> 3 & 7)];
        if let Some(length) = length {
            encode_field(b"content-length", length.to_string().as_bytes(), &mut block);
        }
        for _ in 0..choice >> 6 {
            let lawful = if is_bold { FIELDS.len() } else { FIELDS_LAWFUL };
            let field = FIELDS[usize::from(input.byte()) % lawful];
            add(field.0, field.1, &mut block);
        }
        if form & 0x60 == 0x40 {
            encode_field(b"x-large", "v".repeat(usize::from(choice) * 150).as_bytes(), &mut block);
        }
        let end = if form & 7 == 7 && (is_bold || length.unwrap_or(0) == 0) { END_STREAM } else { 0 };
        let then = if end != 0 { Progress::Over } else { Progress::Begun };
        let when = When { stream, progress: Progress::Asked, then, flow: 0 };
        let sent = Sent { has_begun: true, is_over: end != 0, count: 0, length };
        self.answers.insert(stream, sent);
        let mut frames = Vec::new();
        split(end, stream, &block, form, &mut frames);
        self.send(frames, (!is_bold).then_some(when));
    }

    pub(super) fn interim(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let mut block = Vec::new();
        add(":status", if form & 1 != 0 { "100" } else { "103" }, &mut block);
        let (end, count) =
            (if form & 0xe0 == 0xe0 { END_STREAM } else { 0 }, if form & 0x1e == 0x1e { 17 } else { 1 });
        let mut frames = Vec::new();
        append(HEADERS, END_HEADERS | end, stream, &block, &mut frames);
        let when = When { stream, progress: Progress::Asked, then: Progress::Asked, flow: 0 };
        self.send(frames.repeat(count), (form & 0xe0 != 0xe0).then_some(when));
    }

    pub(super) fn answer_data(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let is_bold = form & 0xe0 == 0xe0;
        let sent = self.answers.entry(stream).or_default();
        let left = sent.length.map(|length| length.saturating_sub(sent.count));
        let mut count = DATA_BYTES[usize::from(form & 7)];
        if !is_bold {
            count = left.map_or(count, |left| count.min(left));
        }
        let is_last = form & 8 != 0 && (is_bold || left.is_none_or(|left| left == count));
        let (mut payload, mut flags) = (Vec::new(), if is_last { END_STREAM } else { 0 });
        let padding =
            if form & 16 != 0 { usize::from(form).min((16_384 - count).saturating_sub(1)) } else { 0 };
        if padding > 0 {
            flags |= PADDED;
            payload.push(padding as u8);
        }
        payload.extend_from_slice(&body(stream, sent.count, count));
        payload.resize(payload.len() + padding, 0);
        sent.count += count;
        sent.is_over |= is_last;
        let then = if is_last { Progress::Over } else { Progress::Begun };
        let when = When { stream, progress: Progress::Begun, then, flow: payload.len() as u32 };
        self.frame(DATA, flags, stream, &payload, (!is_bold).then_some(when));
    }

    pub(super) fn answer_trailers(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let is_bold = form & 0xe0 == 0xe0;
        let sent = self.answers.entry(stream).or_default();
        let is_whole = sent.length.is_none_or(|length| length == sent.count);
        sent.is_over = true;
        let mut block = Vec::new();
        let name = if is_bold && form & 1 != 0 { ":status" } else { "x-trailer" };
        add(name, &form.to_string(), &mut block);
        let end = if is_bold && form & 2 != 0 { 0 } else { END_STREAM };
        let when = When { stream, progress: Progress::Begun, then: Progress::Over, flow: 0 };
        if is_whole || is_bold {
            self.frame(HEADERS, END_HEADERS | end, stream, &block, (!is_bold).then_some(when));
        }
    }
}

/// As a literal, now and then one to be remembered.
fn add(name: &str, value: &str, block: &mut Vec<u8>) {
    if block.len() % 2 == 1 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        block.extend_from_slice(&[0x40, name.len() as u8]);
        block.extend_from_slice(name.as_bytes());
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
    } else {
        encode_field(name.as_bytes(), value.as_bytes(), block);
    }
}

fn append(kind: u8, flags: u8, stream: u32, payload: &[u8], frames: &mut Vec<u8>) {
    Header { length: payload.len(), kind, flags, stream }.write(frames);
    frames.extend_from_slice(payload);
}

/// A block in one frame, or in as many as `form` says.
fn split(end: u8, stream: u32, block: &[u8], form: u8, frames: &mut Vec<u8>) {
    let size = if form & 6 == 4 { block.len().div_ceil(3) } else { 16_384 };
    let mut parts = block.chunks(size.max(1)).peekable();
    let (mut kind, mut flags) = (HEADERS, end);
    while let Some(part) = parts.next() {
        flags |= if parts.peek().is_none() { END_HEADERS } else { 0 };
        append(kind, flags, stream, part, frames);
        (kind, flags) = (CONTINUATION, 0);
    }
}
