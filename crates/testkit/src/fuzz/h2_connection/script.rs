//! From a fuzzer's bytes to what a client does.

mod head;

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Header, PADDED, PING, PREFACE,
    PRIORITIZED, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use proxy::fuzz::h2::{Act, Plan};

use crate::fuzz::h2_sides::{Input, travel};

/// Bytes of a frame of DATA.
const BODIES: [usize; 8] = [0, 1, 2, 100, 1_000, 4_096, 16_000, 16_384];
/// By how much a window becomes wider, and what settings say.
const SIZES: [u32; 16] = [
    0,
    1,
    2,
    100,
    4_096,
    16_383,
    16_384,
    16_385,
    65_535,
    65_536,
    1 << 20,
    (1 << 24) - 1,
    1 << 24,
    (1 << 31) - 65_536,
    (1 << 31) - 1,
    1 << 31,
];
/// Bytes that all streams take whoever has not been told of others.
const WINDOW: usize = 65_535;
/// Largest widening of a window, all together, that no window is too small for.
const WIDENING: u32 = 1 << 30;

/// What a client does.
///
/// The first bytes say how bytes travel and how the connection begins and ends. Each step is a byte and what it takes behind it; of most
/// there is a lawful form and others.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) plan: Plan,
    /// Whether the client keeps to the RFC.
    pub(super) is_lawful: bool,
    streams: BTreeMap<u32, Sent>,
    next: u32,
    /// Bytes of DATA so far.
    flow: usize,
    widened: u32,
    settings: u32,
    /// The next frame has a bit changed.
    corrupts: Option<u8>,
    last: Vec<u8>,
}

/// What the client has sent of a stream.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    is_over: bool,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Self {
        let mut input = Input(data);
        let (form, travel) = travel(&mut input);
        let plan = Plan { acts: Vec::new(), travel, listener: usize::from(form & 3) };
        let mut script = Self {
            plan,
            is_lawful: true,
            streams: BTreeMap::new(),
            next: 1,
            flow: 0,
            widened: 0,
            settings: 0,
            corrupts: None,
            last: Vec::new(),
        };
        if form & 4 == 0 {
            script.send(PREFACE.to_vec());
        } else {
            script.is_lawful = false;
        }
        if form & 8 == 0 {
            script.frame(SETTINGS, 0, 0, &[]);
        } else {
            script.settings(&mut input);
        }
        while !input.0.is_empty() {
            script.step(&mut input);
        }
        script
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 24 {
            0 | 1 => self.question(END_STREAM, input),
            2 => self.question(0, input),
            3 | 4 => self.data(input),
            5 => self.reset(input),
            6 => self.widen(input),
            7 => self.settings(input),
            8 => {
                let payload = [input.byte(); 8];
                self.frame(PING, 0, 0, &payload);
            }
            9 => {
                let stream = self.stream(input).max(1);
                self.frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 7]);
            }
            10 => self.frame(GOAWAY, 0, 0, &[0; 8]),
            11 => self.trailers(input),
            12 => {
                self.is_lawful = false;
                let count = usize::from(input.byte());
                let bytes = input.bytes(count);
                self.send(bytes);
            }
            13 => self.plan.acts.push(Act::Wait(u32::from(input.byte() % 32))),
            14 => {
                let count = usize::from(input.byte()) << (input.byte() % 12);
                self.plan.acts.push(Act::Take(count));
            }
            15 => self.plan.acts.push(Act::TakeAll),
            16 => self.plan.acts.push(Act::Drain),
            17 => self.corrupts = Some(input.byte()),
            18 => self.frame(SETTINGS, ACK, 0, &[]),
            19 => {
                self.is_lawful = false;
                let count = usize::from(input.byte());
                let (stream, block) = (self.begin(true), input.bytes(count));
                self.frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
            }
            20 => self.frame(PING, ACK, 0, b"lockgate"),
            21 => self.repeat(input),
            22 => {
                self.is_lawful = false;
                let (kind, flags, stream, count) =
                    (input.byte() % 12, input.byte(), self.stream(input), usize::from(input.byte()));
                let payload = input.bytes(count);
                self.frame(kind, flags, stream, &payload);
            }
            _ => {
                // A kind that means nothing, or numbers passed over.
                let choice = input.byte();
                if choice < 128 {
                    self.frame(0x70 + choice % 16, choice, 0, &[choice; 3]);
                } else {
                    self.next += 2 * u32::from(choice - 127);
                }
            }
        }
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.plan.acts.push(Act::Send(bytes));
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut bytes = Vec::new();
        Header { length: payload.len(), kind, flags, stream }.write(&mut bytes);
        bytes.extend_from_slice(payload);
        if let Some(place) = self.corrupts.take() {
            self.is_lawful = false;
            let at = usize::from(place >> 3) % bytes.len();
            bytes[at] ^= 1 << (place & 7);
        }
        self.last.clone_from(&bytes);
        self.send(bytes);
    }

    /// A number from the front of the input: one that was used, or 0, or one that will be.
    fn stream(&self, input: &mut Input<'_>) -> u32 {
        let choice = u32::from(input.byte());
        match choice {
            0 => 0,
            0xff => self.next,
            0xfe => self.next + 1,
            _ => self
                .streams
                .keys()
                .rev()
                .nth(choice as usize % self.streams.len().max(1))
                .copied()
                .unwrap_or(0),
        }
    }

    fn begin(&mut self, is_over: bool) -> u32 {
        let stream = self.next;
        self.next += 2;
        self.streams.insert(stream, Sent { is_over });
        stream
    }

    fn question(&mut self, end: u8, input: &mut Input<'_>) {
        let form = input.byte();
        let head = head::Head::read(input);
        self.is_lawful &= head.is_lawful;
        let stream = self.begin(end != 0);
        let mut payload = Vec::new();
        let mut flags = end;
        if form & 1 != 0 {
            flags |= PADDED;
            payload.push(form);
        }
        if form & 2 != 0 {
            flags |= PRIORITIZED;
            payload.extend_from_slice(&[0x80, 0, 0, 0, 16]);
        }
        // More than a frame takes goes into others, whatever was chosen.
        let first = if form & 4 != 0 { usize::from(form >> 3) } else { 16_000 }.min(head.block.len());
        let (fragment, mut rest) = head.block.split_at(first);
        payload.extend_from_slice(fragment);
        if form & 1 != 0 {
            payload.resize(payload.len() + usize::from(form), 0);
        }
        flags |= if rest.is_empty() { END_HEADERS } else { 0 };
        self.frame(HEADERS, flags, stream, &payload);
        while !rest.is_empty() {
            let (now, later) =
                rest.split_at(rest.len().min(if form & 4 != 0 { first.max(40) } else { 16_384 }));
            let flags = if later.is_empty() { END_HEADERS } else { 0 };
            self.frame(CONTINUATION, flags, stream, now);
            rest = later;
        }
    }

    fn data(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let count = BODIES[usize::from(form & 7)];
        let is_last = form & 8 != 0;
        let (mut payload, mut flags) = (Vec::new(), if is_last { END_STREAM } else { 0 });
        if form & 16 != 0 {
            flags |= PADDED;
            let padding =
                input.byte().min(u8::try_from((16_384 - count).min(255)).unwrap_or(0).saturating_sub(1));
            payload.push(padding);
            payload.resize((count + 1 + usize::from(padding)).min(16_384), b'.');
        } else {
            payload.resize(count, b'.');
        }
        self.flow += payload.len();
        match self.streams.get_mut(&stream) {
            Some(sent) if !sent.is_over => sent.is_over = is_last,
            _ => self.is_lawful = false,
        }
        self.is_lawful &= self.flow <= WINDOW;
        self.frame(DATA, flags, stream, &payload);
    }

    fn trailers(&mut self, input: &mut Input<'_>) {
        let (stream, form) = (self.stream(input), input.byte());
        let mut block = Vec::new();
        http2::encode_field(if form & 2 != 0 { b"x-trailer" } else { b":path" }, b"1", &mut block);
        match self.streams.get_mut(&stream) {
            Some(sent) if !sent.is_over && form & 3 == 3 => sent.is_over = true,
            _ => self.is_lawful = false,
        }
        let end = if form & 1 != 0 { END_STREAM } else { 0 };
        self.frame(HEADERS, END_HEADERS | end, stream, &block);
    }

    fn reset(&mut self, input: &mut Input<'_>) {
        let stream = self.stream(input);
        match self.streams.get_mut(&stream) {
            Some(sent) => sent.is_over = true,
            None => self.is_lawful = false,
        }
        self.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    }

    fn widen(&mut self, input: &mut Input<'_>) {
        let (stream, size) = (self.stream(input), input.one_of(&SIZES));
        self.widened = self.widened.saturating_add(size);
        self.is_lawful &= size > 0 && self.widened <= WIDENING;
        self.is_lawful &= stream == 0 || self.streams.contains_key(&stream);
        self.frame(WINDOW_UPDATE, 0, stream, &size.to_be_bytes());
    }

    fn settings(&mut self, input: &mut Input<'_>) {
        let mut payload = Vec::new();
        for _ in 0..input.byte() % 4 {
            let (id, value) = (u16::from(input.byte() % 10), input.one_of(&SIZES));
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
            self.is_lawful &= match id {
                2 | 8 => value <= 1,
                4 => value <= WIDENING,
                5 => (16_384..1 << 24).contains(&value),
                _ => true,
            };
        }
        self.settings += 1;
        self.frame(SETTINGS, 0, 0, &payload);
    }

    fn repeat(&mut self, input: &mut Input<'_>) {
        // What is read byte by byte takes its time.
        let count = usize::from(input.byte()).min(self.plan.travel.read_bytes);
        let last = self.last.clone();
        // Some may not be repeated, such as the begin of a stream.
        self.is_lawful &= matches!(last.get(3), Some(&(PING | PRIORITY | 0x70..)));
        self.send(last.repeat(count));
    }
}
