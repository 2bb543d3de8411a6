//! What an endpoint has said, as far as it has been read.

mod answer;
mod head;

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, DATA, Decoder, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header, PADDED,
    PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, unpadded,
};
use proxy::fuzz::h2::upstream::STREAM_WINDOW;

pub(super) use self::answer::Answer;
use super::asked::{Asked, HasBegun};
use crate::fuzz::h2_sides::WINDOW_MAX;

const BLOCK_BYTES_MAX: usize = 256 << 10;

/// What settings say that matters to the other side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) streams: Option<u32>,
    pub(super) stream_window: Option<u32>,
    pub(super) frame_bytes: Option<u32>,
    pub(super) takes_tunnels: bool,
}

/// A question whether the gateway is there, and what had been said before.
#[derive(Clone, Debug)]
pub(super) struct Pinged {
    pub(super) payload: [u8; 8],
    /// Streams that had been reset.
    pub(super) reset: Vec<u32>,
    /// Whether a GOAWAY had.
    pub(super) has_left: bool,
}

/// An endpoint's side. It goes on only as far as frames can be told apart.
#[derive(Debug)]
pub(super) struct EndpointSide<'t> {
    asked: &'t Asked,
    rest: &'t [u8],
    at: usize,
    decoder: Decoder,
    /// A head that is not whole.
    block: Option<(u32, bool, Vec<u8>)>,
    /// A frame of DATA that is not whole, and what there is of it.
    partial: Option<(Header, &'t [u8])>,
    /// Whether it has broken the rules so that the connection has to end.
    pub(super) is_at_fault: bool,
    /// Whether it may have.
    pub(super) is_unclear: bool,
    answers: BTreeMap<u32, Answer>,
    /// Where there is none.
    nothing: Answer,
    pub(super) settings: Vec<Said>,
    pub(super) pings: Vec<Pinged>,
    reset: Vec<u32>,
    /// The last stream that it looks at, once it has said that.
    pub(super) last: Option<u32>,
    pub(super) widened: u64,
    stream_window_max: u64,
    flow: u64,
    pub(super) frames: usize,
}

impl<'t> EndpointSide<'t> {
    pub(super) fn new(asked: &'t Asked, sent: &'t [u8]) -> Self {
        Self {
            asked,
            rest: sent,
            at: 0,
            decoder: Decoder::new(4_096),
            block: None,
            partial: None,
            is_at_fault: false,
            is_unclear: false,
            answers: BTreeMap::new(),
            nothing: Answer::default(),
            settings: Vec::new(),
            pings: Vec::new(),
            reset: Vec::new(),
            last: None,
            widened: 0,
            stream_window_max: 65_535,
            flow: 0,
            frames: 0,
        }
    }

    /// Takes note of all that is whole among the first `read` bytes, and of the beginning of DATA.
    pub(super) fn advance(&mut self, read: usize) {
        while let Some(there) = read.checked_sub(self.at).and_then(|count| self.rest.get(..count)) {
            self.partial = None;
            let Some(header) = Header::read(there) else { return };
            if header.check(16_384).is_err() || !self.is_in_order(header) {
                return self.lose();
            }
            let end = HEADER_BYTES + header.length;
            let Some(payload) = there.get(HEADER_BYTES..end) else {
                if header.kind == DATA {
                    self.begin_data(header, &there[HEADER_BYTES..]);
                }
                return;
            };
            self.frames += 1;
            if self.take(header, payload).is_none() {
                return self.lose();
            }
            (self.rest, self.at) = (&self.rest[end..], self.at + end);
        }
    }

    /// The answer on a stream.
    pub(super) fn answer(&self, stream: u32) -> &Answer {
        self.answers.get(&stream).unwrap_or(&self.nothing)
    }

    /// The same with what has come of a frame that is not whole.
    pub(super) fn body(&self, stream: u32) -> Vec<u8> {
        let mut body = self.answer(stream).body.clone();
        if let Some((header, there)) = self.partial.filter(|(header, _)| header.stream == stream) {
            let (padding, data) = match there.split_first() {
                Some((&padding, behind)) if header.has(PADDED) => (usize::from(padding) + 1, behind),
                _ => (0, there),
            };
            body.extend_from_slice(&data[..data.len().min(header.length.saturating_sub(padding))]);
        }
        body
    }

    /// Whether a frame of DATA is not whole.
    pub(super) const fn is_within_data(&self) -> bool {
        self.partial.is_some()
    }

    /// Bytes of DATA of a stream, or of all; a frame that has begun counts whole.
    pub(super) fn flow(&self, stream: u32) -> u64 {
        let of_stream = |header: &Header| stream == 0 || header.stream == stream;
        let partial = self.partial.map(|(header, _)| header).filter(of_stream);
        let whole = if stream == 0 { self.flow } else { self.answer(stream).flow };
        whole + partial.map_or(0, |header| header.length as u64)
    }

    /// It goes on no further.
    fn lose(&mut self) {
        self.rest = &[];
        self.is_at_fault = true;
    }

    /// Whether a frame may stand where it does: settings come first, and a block is in one piece (RFC 9113 §3.4, §4.3).
    fn is_in_order(&self, header: Header) -> bool {
        match &self.block {
            Some((stream, ..)) => header.kind == CONTINUATION && header.stream == *stream,
            None if self.settings.is_empty() => header.kind == SETTINGS && !header.has(ACK),
            None => header.kind != CONTINUATION,
        }
    }

    /// Frames belong to streams that have begun (RFC 9113 §5.1).
    fn check_begun(&mut self, stream: u32) -> Option<()> {
        let has_begun = self.asked.has_begun(stream, self.at);
        self.is_unclear |= has_begun == HasBegun::Perhaps;
        Some(()).filter(|()| has_begun != HasBegun::No)
    }

    fn answer_mut(&mut self, stream: u32) -> &mut Answer {
        let asks_for = self.asked.streams.get(&stream).map(|begun| begun.asks_for).unwrap_or_default();
        let answer = self.answers.entry(stream).or_default();
        answer.asks_for = asks_for;
        answer
    }

    /// DATA is looked at before it is whole.
    fn begin_data(&mut self, header: Header, there: &'t [u8]) {
        self.partial = Some((header, there));
        self.is_unclear |=
            header.has(PADDED) || self.asked.has_begun(header.stream, self.at) != HasBegun::Yes;
        let (length, ends) = (header.length as u64, header.has(END_STREAM));
        let excess = self.is_excess(header.stream, length);
        let answer = self.answer_mut(header.stream);
        let is_suspect = excess || header.has(PADDED) || !answer.takes(length, ends);
        answer.is_suspect |= is_suspect;
    }

    /// Whether there may be no room for DATA.
    fn is_excess(&mut self, stream: u32, length: u64) -> bool {
        self.is_unclear |= self.flow + length > 65_535 + self.asked.credit(0, self.at);
        let allowed = u64::from(STREAM_WINDOW) + self.asked.credit(stream, self.at);
        self.answer_mut(stream).flow + length > allowed
    }

    /// Takes note of a frame; `None`: the endpoint has broken the rules for all to see, and the connection is over.
    fn take(&mut self, header: Header, payload: &[u8]) -> Option<()> {
        match header.kind {
            HEADERS => {
                let fragment = unpadded(header, payload).ok()?.to_vec();
                self.block = Some((header.stream, header.has(END_STREAM), fragment));
            }
            CONTINUATION => {
                let block = &mut self.block.as_mut()?.2;
                block.extend_from_slice(payload);
                if block.len() > BLOCK_BYTES_MAX {
                    return None;
                }
            }
            DATA => {
                let flags = header.flags & PADDED;
                let data = unpadded(Header { flags, ..header }, payload).ok()?;
                self.check_begun(header.stream)?;
                let excess = self.is_excess(header.stream, payload.len() as u64);
                self.flow += payload.len() as u64;
                let answer = self.answer_mut(header.stream);
                answer.flow += payload.len() as u64;
                answer.is_unclear |= excess;
                answer.data(data, header.has(END_STREAM));
            }
            RST_STREAM => {
                self.check_begun(header.stream)?;
                self.answer_mut(header.stream).reset(number(payload));
                self.reset.push(header.stream);
            }
            SETTINGS if !header.has(ACK) => self.settle(Said::read(payload)?),
            PING if !header.has(ACK) => {
                let (payload, reset) = (*payload.first_chunk()?, self.reset.clone());
                self.pings.push(Pinged { payload, reset, has_left: self.last.is_some() });
            }
            GOAWAY => self.leave(number(payload) & 0x7fff_ffff),
            WINDOW_UPDATE => self.widen(header.stream, u64::from(number(payload) & 0x7fff_ffff))?,
            _ => {}
        }
        if matches!(header.kind, HEADERS | CONTINUATION) && header.has(END_HEADERS) {
            let (stream, ends, block) = self.block.take()?;
            self.check_begun(stream)?;
            let mut fields = Vec::new();
            let field = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
            self.decoder.decode(&block, &mut Vec::new(), field).ok()?;
            self.answer_mut(stream).block(&fields, ends);
        }
        Some(())
    }

    fn settle(&mut self, said: Said) {
        self.settings.push(said);
        self.stream_window_max = self.stream_window_max.max(said.stream_window.unwrap_or(0).into());
        let widened = self.answers.values().map(|answer| answer.widened).max().unwrap_or(0);
        self.is_unclear |= widened + self.stream_window_max > WINDOW_MAX;
    }

    /// Streams beyond the last have not been looked at (RFC 9113 §6.8).
    fn leave(&mut self, last: u32) {
        self.last = Some(self.last.unwrap_or(last).min(last));
        let asked = self.asked;
        for stream in asked.streams.keys().filter(|stream| **stream > last) {
            self.answer_mut(*stream).refuse();
        }
    }

    fn widen(&mut self, stream: u32, bytes: u64) -> Option<()> {
        if stream == 0 {
            self.widened += bytes;
            self.is_unclear |= 65_535 + self.widened > WINDOW_MAX;
            return Some(()).filter(|()| bytes > 0);
        }
        self.check_begun(stream)?;
        let stream_window_max = self.stream_window_max;
        let answer = self.answer_mut(stream);
        answer.widened += bytes;
        if bytes == 0 {
            answer.fault();
        } else if answer.widened + stream_window_max > WINDOW_MAX {
            (answer.is_unclear, answer.is_suspect) = (true, true);
        }
        Some(())
    }
}

impl Said {
    /// Reads a payload; `None`: it says what may not be (RFC 9113 §6.5.2).
    fn read(payload: &[u8]) -> Option<Self> {
        let mut said = Self::default();
        for &[i1, i0, v3, v2, v1, v0] in payload.as_chunks().0 {
            let value = u32::from_be_bytes([v3, v2, v1, v0]);
            match [i1, i0] {
                [0, 2 | 8] if value > 1 => return None,
                [0, 4] if value >= 1 << 31 => return None,
                [0, 5] if !(1 << 14..1 << 24).contains(&value) => return None,
                [0, 3] => said.streams = Some(value),
                [0, 4] => said.stream_window = Some(value),
                [0, 5] => said.frame_bytes = Some(value),
                [0, 8] => said.takes_tunnels = value == 1,
                _ => {}
            }
        }
        Some(said)
    }
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(*payload.first_chunk().expect("a number"))
}
