//! What a client has said, as far as it has been read.

use std::collections::BTreeMap;

use http2::{
    ACK, CONTINUATION, DATA, Decoder, END_HEADERS, END_STREAM, HEADER_BYTES, HEADERS, Header, PADDED, PING,
    PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, unpadded,
};

/// What settings say that matters to the other side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) stream_window: Option<u32>,
    pub(super) frame_bytes: Option<u32>,
}

/// A stream that the client has begun.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begun {
    pub(super) is_head: bool,
    /// Whether it is answered with what it brings.
    pub(super) is_echo: bool,
    /// Whether the client has sent all it had to.
    pub(super) is_over: bool,
    pub(super) is_reset: bool,
    /// By how much the client has widened its window, bytes.
    pub(super) widened: u64,
    /// What it has sent, bytes.
    flow: u64,
}

/// A question whether the gateway is there, and the streams that had been reset before.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) payload: [u8; 8],
    pub(super) reset: Vec<u32>,
}

/// A client's side. It goes on only as far as frames can be told apart.
#[derive(Debug)]
pub(super) struct ClientSide<'t> {
    rest: &'t [u8],
    at: usize,
    decoder: Decoder,
    /// A head that is not whole.
    block: Option<(u32, bool, Vec<u8>)>,
    /// Whether it has answered the question of a goodbye.
    has_heard: bool,
    /// Whether it has broken the rules so that the connection has to end.
    pub(super) is_at_fault: bool,
    /// A frame of DATA that is not whole.
    partial: Option<Header>,
    pub(super) streams: BTreeMap<u32, Begun>,
    pub(super) settings: Vec<Said>,
    pub(super) pings: Vec<Asked>,
    reset: Vec<u32>,
    pub(super) widened: u64,
    flow: u64,
}

impl<'t> ClientSide<'t> {
    pub(super) fn new(sent: &'t [u8]) -> Self {
        Self {
            // The gateway looks at the preface as soon as there is some of it.
            rest: sent.strip_prefix(PREFACE).unwrap_or_default(),
            at: PREFACE.len(),
            has_heard: false,
            is_at_fault: false,
            decoder: Decoder::new(4_096),
            block: None,
            partial: None,
            streams: BTreeMap::new(),
            settings: Vec::new(),
            pings: Vec::new(),
            reset: Vec::new(),
            widened: 0,
            flow: 0,
        }
    }

    /// Takes note of all that is whole among the first `read` bytes, and of the header of a frame that is not.
    pub(super) fn advance(&mut self, read: usize) {
        while let Some(there) = read.checked_sub(self.at).and_then(|count| self.rest.get(..count)) {
            self.partial = None;
            let Some(header) = Header::read(there) else { return };
            if header.check(16_384).is_err() || !self.is_in_order(header) {
                return self.lose();
            }
            let end = HEADER_BYTES + header.length;
            let Some(payload) = there.get(HEADER_BYTES..end) else {
                self.partial = Some(header).filter(|header| header.kind == DATA);
                return;
            };
            if self.take(header, payload).is_none() {
                return self.lose();
            }
            (self.rest, self.at) = (&self.rest[end..], self.at + end);
        }
    }

    /// Bytes of DATA of a stream, or of all; a frame that has begun counts whole.
    pub(super) fn flow(&self, stream: u32) -> u64 {
        let of_stream = |header: &Header| stream == 0 || header.stream == stream;
        let partial = self.partial.filter(of_stream).map_or(0, |header| header.length as u64);
        let whole =
            if stream == 0 { self.flow } else { self.streams.get(&stream).map_or(0, |begun| begun.flow) };
        whole + partial
    }

    /// Whether a frame of DATA is not whole.
    pub(super) const fn is_within_data(&self) -> bool {
        self.partial.is_some()
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

    /// Whether a stream has begun, or may have without a look at it (RFC 9113 §5.1, §6.8).
    fn has_begun(&self, stream: u32) -> bool {
        let last = self.streams.last_key_value().map_or(0, |(last, _)| *last);
        stream % 2 == 1 && (stream <= last || self.has_heard)
    }

    /// Takes note of a frame; `None`: the client has broken the rules for all to see, and the connection is over.
    fn take(&mut self, header: Header, payload: &[u8]) -> Option<()> {
        match header.kind {
            HEADERS => {
                let fragment = unpadded(header, payload).ok()?.to_vec();
                self.block = Some((header.stream, header.has(END_STREAM), fragment));
            }
            CONTINUATION => self.block.as_mut()?.2.extend_from_slice(payload),
            DATA => {
                unpadded(Header { flags: header.flags & PADDED, ..header }, payload).ok()?;
                if !self.has_begun(header.stream) {
                    return None;
                }
                self.flow += payload.len() as u64;
                if let Some(begun) = self.streams.get_mut(&header.stream) {
                    begun.flow += payload.len() as u64;
                    begun.is_over |= header.has(END_STREAM);
                }
            }
            RST_STREAM => {
                if !self.has_begun(header.stream) {
                    return None;
                }
                if let Some(begun) = self.streams.get_mut(&header.stream) {
                    begun.is_reset = true;
                    self.reset.push(header.stream);
                }
            }
            SETTINGS if !header.has(ACK) => self.settings.push(Said::read(payload)?),
            PING if header.has(ACK) => self.has_heard |= payload == b"lockgate",
            PING => {
                let payload = *payload.first_chunk()?;
                self.pings.push(Asked { payload, reset: self.reset.clone() });
            }
            WINDOW_UPDATE => {
                let bytes = u64::from(u32::from_be_bytes(*payload.first_chunk()?) & 0x7fff_ffff);
                if header.stream == 0 {
                    self.widened += bytes;
                    return Some(()).filter(|()| bytes > 0);
                }
                if !self.has_begun(header.stream) {
                    return None;
                }
                if let Some(begun) = self.streams.get_mut(&header.stream) {
                    begun.widened += bytes;
                }
            }
            _ => {}
        }
        if matches!(header.kind, HEADERS | CONTINUATION) && header.has(END_HEADERS) {
            let (stream, is_over, block) = self.block.take()?;
            self.head(stream, is_over, &block)?;
        }
        Some(())
    }

    fn head(&mut self, stream: u32, is_over: bool, block: &[u8]) -> Option<()> {
        let is_new = !self.streams.contains_key(&stream);
        // The numbers of streams that are not looked at any more are not, either.
        let is_late = !self.has_heard && self.streams.keys().any(|before| *before > stream);
        if is_new && (stream.is_multiple_of(2) || is_late) {
            // RFC 9113 §5.1.1
            return None;
        }
        let begun = self.streams.entry(stream).or_default();
        begun.is_over |= is_over;
        let read = self.decoder.decode(block, &mut Vec::new(), |name, value| {
            if is_new {
                begun.is_head |= (name, value) == (b":method", b"HEAD");
                begun.is_echo |= (name, value) == (b":path", b"/echo");
            }
        });
        read.ok()
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
                [0, 4] => said.stream_window = Some(value),
                [0, 5] => said.frame_bytes = Some(value),
                _ => {}
            }
        }
        Some(said)
    }
}
