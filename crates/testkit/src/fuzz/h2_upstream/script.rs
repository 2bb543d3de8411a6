//! From a fuzzer's bytes to what is asked and what an endpoint does.

mod answer;

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, GOAWAY, Header, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use proxy::fuzz::h2::upstream::{Act, Frames, Plan, Progress, Question, When};

use crate::fuzz::h2_sides::{Input, travel};

/// Bytes of the body of a question.
const BODIES: [usize; 8] = [0, 1, 100, 5_000, 16_384, 65_535, 70_000, 150_000];
/// Least bytes of one that are handed on at once.
const PIECE_BYTES: [usize; 4] = [1 << 20, 40_000, 16_384, 5_000];
/// By how much a window becomes wider, and what settings say.
const SIZES: [u32; 16] = [
    0,
    1,
    2,
    3,
    100,
    16_384,
    65_535,
    70_000,
    5_000,
    16_383,
    65_536,
    1 << 20,
    (1 << 24) - 1,
    (1 << 31) - 65_536,
    (1 << 31) - 1,
    1 << 31,
];
/// A setting: streams may become tunnels (RFC 8441 §3).
const TUNNELS: [u8; 6] = [0, 8, 0, 0, 0, 1];
/// Exchanges at most.
const EXCHANGES: u32 = 40;

/// What is asked, and what the endpoint does.
///
/// The first bytes say how bytes travel and how the connection begins and ends. Each step is a byte and what it takes behind it; most
/// are only done where they are lawful, or in any case.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) plan: Plan,
    asked: u32,
    /// Whether the endpoint has said that streams may become tunnels.
    takes_tunnels: bool,
    /// What was sent of the answers.
    answers: BTreeMap<u32, answer::Sent>,
    /// The next frame has a bit changed.
    corrupts: Option<u8>,
    /// The next frame ends the connection within it.
    cuts: Option<u8>,
    is_over: bool,
    last: Vec<u8>,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Self {
        let mut input = Input(data);
        let (form, travel) = travel(&mut input);
        let plan = Plan { acts: Vec::new(), travel };
        let mut script = Self {
            plan,
            asked: 0,
            takes_tunnels: false,
            answers: BTreeMap::new(),
            corrupts: None,
            cuts: None,
            is_over: false,
            last: Vec::new(),
        };
        if form & 4 == 0 {
            script.ask(&mut input);
        }
        match form & 11 {
            0..=2 => script.frame(SETTINGS, 0, 0, &[], None),
            3 | 8 | 9 => script.settings(&mut input),
            10 => script.frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 2], None),
            11 if form & 4 != 0 => {
                script.frame(SETTINGS, 0, 0, &TUNNELS, None);
                script.takes_tunnels = true;
            }
            _ => {}
        }
        while !input.0.is_empty() && !script.is_over {
            script.step(&mut input);
        }
        script
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 28 {
            0 | 1 => self.ask(input),
            2 | 3 => self.answer_whole(input),
            4 => self.answer_head(input),
            5 | 6 => self.answer_data(input),
            7 => self.answer_trailers(input),
            8 => self.interim(input),
            9 => self.widen(input),
            10 => self.settings(input),
            11 => {
                let payload = [input.byte(); 8];
                self.frame(PING, 0, 0, &payload, None);
            }
            12 => self.plan.acts.push(Act::Wait(u32::from(input.byte() % 32))),
            13 => self.plan.acts.push(Act::GiveUp(usize::from(input.byte()))),
            14 => self.reset(input),
            15 => {
                let count = usize::from(input.byte()) << (input.byte() % 12);
                self.plan.acts.push(Act::Take(count));
            }
            16 => self.plan.acts.push(Act::TakeAll),
            17 => {
                let (last, code) = (self.stream(input), input.byte() % 14);
                self.frame(GOAWAY, 0, 0, &[&last.to_be_bytes()[..], &[0, 0, 0, code]].concat(), None);
            }
            18 => self.corrupts = Some(input.byte()),
            19 => self.frame(SETTINGS, ACK, 0, &[], None),
            20 => self.repeat(input),
            21 => {
                let (stream, count) = (self.stream(input), usize::from(input.byte()));
                let block = input.bytes(count);
                self.frame(http2::HEADERS, http2::END_HEADERS | input.byte() & 1, stream, &block, None);
            }
            22 => {
                let (kind, flags, stream, count) =
                    (input.byte() % 12, input.byte(), self.stream(input), usize::from(input.byte()));
                let payload = input.bytes(count);
                self.frame(kind, flags, stream, &payload, None);
            }
            23 => {
                let count = usize::from(input.byte());
                let bytes = input.bytes(count);
                self.plan.acts.push(Act::Send(Frames { bytes, when: None }));
            }
            24 => self.cuts = Some(input.byte()),
            25 => self.plan.acts.push(Act::Leave),
            26 => {
                let stream = self.stream(input).max(1);
                self.frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 7], None);
            }
            _ => self.odd(input),
        }
    }

    /// What means nothing, or may not be.
    fn odd(&mut self, input: &mut Input<'_>) {
        let (choice, stream) = (input.byte(), self.stream(input));
        match choice % 4 {
            0 | 1 => self.frame(0x70 + choice % 16, choice, 0, &[choice; 3], None),
            2 => self.frame(CONTINUATION, choice, stream, &[choice], None),
            _ => self.frame(PUSH_PROMISE, http2::END_HEADERS, stream, &[0, 0, 0, 2, 0x82], None),
        }
    }

    fn ask(&mut self, input: &mut Input<'_>) {
        let (form, body) = (input.byte(), input.byte());
        if self.asked == EXCHANGES {
            return;
        }
        self.asked += 1;
        let is_tunnel = form & 0x80 != 0 && (self.takes_tunnels || form & 3 == 2);
        let is_long = form & 0x40 != 0 || is_tunnel;
        let says_length = body & 8 != 0 && (form & 3 == 3 || is_long) && !is_tunnel;
        self.plan.acts.push(Act::Ask(Question {
            method: if is_tunnel { "GET" } else { ["GET", "GET", "HEAD", "POST"][usize::from(form & 3)] },
            is_tunnel,
            count: if form & 3 == 3 || is_long { BODIES[usize::from(body & 7)] } else { 0 },
            says_length,
            piece: PIECE_BYTES[usize::from(body >> 4 & 3)],
            ends_apart: body & 0x40 != 0,
            has_trailers: body & 0x80 != 0 && !is_tunnel,
            is_slow: form & 0x1c == 0x1c,
            gives_up_at: (form & 0x24 == 0x24).then(|| usize::from(form >> 3) << 9),
        }));
    }

    fn send(&mut self, mut bytes: Vec<u8>, when: Option<When>) {
        self.last.clone_from(&bytes);
        if let Some(place) = self.corrupts.take() {
            let at = usize::from(place >> 3) % bytes.len();
            bytes[at] ^= 1 << (place & 7);
        }
        if let Some(count) = self.cuts.take() {
            bytes.truncate(usize::from(count));
            self.is_over = true;
        }
        self.plan.acts.push(Act::Send(Frames { bytes, when }));
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8], when: Option<When>) {
        let mut bytes = Vec::new();
        Header { length: payload.len(), kind, flags, stream }.write(&mut bytes);
        bytes.extend_from_slice(payload);
        self.send(bytes, when);
    }

    /// A number from the front of the input: one that was used or soon is, or 0, or another.
    fn stream(&self, input: &mut Input<'_>) -> u32 {
        let choice = u32::from(input.byte());
        match choice {
            0xfd => 0,
            0xfe => 2 * self.asked,
            0xff => 2 * self.asked + 1,
            _ => 2 * (choice % self.asked.max(1)) + 1,
        }
    }

    fn reset(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let progress = if form & 16 != 0 { Progress::Begun } else { Progress::Asked };
        let when = When { stream, progress, then: Progress::Over, flow: 0 };
        let code = [8, 7, 2, 0][usize::from(form & 3)];
        self.frame(RST_STREAM, 0, stream, &[0, 0, 0, code], (form & 0xe0 != 0xe0).then_some(when));
    }

    fn widen(&mut self, input: &mut Input<'_>) {
        let (place, size) = (self.stream(input), input.one_of(&SIZES));
        let is_bold = input.byte() & 0xe0 == 0xe0;
        let size = if is_bold { size } else { size.clamp(1, 1 << 20) };
        let stream = if size % 2 == 0 { 0 } else { place };
        let progress = self.answers.get(&stream).map_or(Progress::Asked, |sent| sent.progress());
        let when = When { stream, progress, then: progress, flow: 0 };
        let when = Some(when).filter(|_| !is_bold && stream > 0);
        self.frame(WINDOW_UPDATE, 0, stream, &size.to_be_bytes(), when);
    }

    fn settings(&mut self, input: &mut Input<'_>) {
        let mut payload = Vec::new();
        let count = input.byte();
        for _ in 0..count % 4 {
            let (id, value) = (u16::from(input.byte() % 7), input.one_of(&SIZES));
            let value = match id {
                _ if count & 0xe0 == 0xe0 => value,
                2 => 0,
                4 => value.min(1 << 20),
                5 => value.clamp(1 << 14, (1 << 24) - 1),
                _ => value,
            };
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        if count & 0x18 == 0x18 {
            payload.extend_from_slice(&TUNNELS);
            self.takes_tunnels = true;
        }
        self.frame(SETTINGS, 0, 0, &payload, None);
    }

    fn repeat(&mut self, input: &mut Input<'_>) {
        // What is read byte by byte takes its time.
        let count = usize::from(input.byte()).min(self.plan.travel.read_bytes);
        let last = self.last.clone();
        if !last.is_empty() && count > 0 {
            self.send(last.repeat(count.min(1 + (1 << 20) / last.len())), None);
        }
    }
}
