//! What was asked, and how much of the answers was taken, as it was written.

use std::collections::BTreeMap;

use http2::{
    CONTINUATION, Decoder, END_HEADERS, HEADER_BYTES, HEADERS, Header, PREFACE, WINDOW_UPDATE, unpadded,
};
use proxy::fuzz::h2::upstream::Transcript;

/// A stream that the gateway has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// The exchange that asks on it.
    pub(super) exchange: usize,
    pub(super) asks_for: AsksFor,
    /// How much of the endpoint's bytes had been read when it went out.
    read: usize,
}

/// What makes of the same answer another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AsksFor {
    #[default]
    Content,
    /// HEAD: nothing follows the head (RFC 9110 §9.3.2).
    Head,
    /// CONNECT: a success opens a tunnel (RFC 8441 §4).
    Tunnel,
}

/// Bytes that the endpoint was told that it may send besides, and how much had been read then.
#[derive(Clone, Copy, Debug)]
struct Credit {
    stream: u32,
    bytes: u64,
    read: usize,
}

/// All streams, and all credit.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) streams: BTreeMap<u32, Begun>,
    credit: Vec<Credit>,
    /// No stream has a larger number, whether it was seen or not.
    most: u32,
}

/// Whether a stream had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HasBegun {
    Yes,
    No,
    /// It may have: it was about to.
    Perhaps,
}

impl Asked {
    pub(super) fn read(transcript: &Transcript) -> Self {
        let mut asked = Self { most: 2 * transcript.outcomes.len() as u32, ..Self::default() };
        let written = &transcript.written;
        let mut decoder = Decoder::new(4_096);
        let mut block = Vec::new();
        let mut at = PREFACE.len();
        let mut moments = transcript.moments.iter().peekable();
        while let Some(header) = written.get(at..).and_then(Header::read) {
            while moments.peek().is_some_and(|moment| moment.written <= at) {
                moments.next();
            }
            let read = moments.peek().map_or(transcript.read, |moment| moment.read);
            let end = at + HEADER_BYTES + header.length;
            let Some(payload) = written.get(at + HEADER_BYTES..end) else { break };
            at = end;
            match header.kind {
                WINDOW_UPDATE => {
                    let bytes =
                        payload.first_chunk().map_or(0, |bytes| u64::from(u32::from_be_bytes(*bytes)));
                    asked.credit.push(Credit { stream: header.stream, bytes, read });
                }
                HEADERS => block = unpadded(header, payload).unwrap_or_default().to_vec(),
                CONTINUATION => block.extend_from_slice(payload),
                _ => {}
            }
            if matches!(header.kind, HEADERS | CONTINUATION) && header.has(END_HEADERS) {
                asked.begin(header.stream, read, &mut decoder, &block);
            }
        }
        asked
    }

    fn begin(&mut self, stream: u32, read: usize, decoder: &mut Decoder, block: &[u8]) {
        let (mut exchange, mut asks_for) = (None, AsksFor::Content);
        let decoded = decoder.decode(block, &mut Vec::new(), |name, value| {
            match (name, value) {
                (b":method", b"HEAD") => asks_for = AsksFor::Head,
                (b":method", b"CONNECT") => asks_for = AsksFor::Tunnel,
                _ => {}
            }
            if name == b":path" {
                exchange =
                    std::str::from_utf8(value).ok().and_then(|path| path.strip_prefix('/')?.parse().ok());
            }
        });
        decoded.expect("a block can be decoded");
        if let Some(exchange) = exchange {
            self.streams.entry(stream).or_insert(Begun { exchange, asks_for, read });
        }
    }

    /// The stream that an exchange asks on.
    pub(super) fn stream_of(&self, exchange: usize) -> Option<u32> {
        self.streams.iter().find(|(_, begun)| begun.exchange == exchange).map(|(stream, _)| *stream)
    }

    /// Whether a stream had begun when the byte at `at` was read.
    pub(super) fn has_begun(&self, stream: u32, at: usize) -> HasBegun {
        match self.streams.get(&stream) {
            Some(begun) if begun.read <= at => HasBegun::Yes,
            None if stream.is_multiple_of(2) || stream > self.most => HasBegun::No,
            _ => HasBegun::Perhaps,
        }
    }

    /// What the endpoint had been told for sure that it may send of a stream, or of all, besides what it may send unasked.
    pub(super) fn credit(&self, stream: u32, at: usize) -> u64 {
        let told = self.credit.iter().filter(|credit| credit.stream == stream && credit.read <= at);
        told.map(|credit| credit.bytes).sum()
    }
}
