//! What the other side sends, frame by frame (RFC 9113 §4 to §6).

use std::cell::RefCell;
use std::rc::Rc;

use http2::{
    ACK, CONTINUATION, Code, DATA, Decoder, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header,
    PADDED, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, unpadded, write_ping,
};

use super::peer::Peer;
use super::stream::Stream;
use super::upstream::{Answer, put_head, take_head};
use crate::buffers::Buffer;
use crate::limits::{FRAME_BYTES, TABLE_BYTES};

thread_local! {
    /// Where texts are decoded to, one after the other.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where the reading of a connection stands.
#[derive(Debug)]
pub(super) struct Receiver {
    decoder: Decoder,
    awaited: Awaited,
}

/// What has to come next.
#[derive(Debug)]
enum Awaited {
    Preface,
    /// The first frame, which is SETTINGS (RFC 9113 §3.4).
    Settings,
    Frame,
    /// More of a header block, and nothing else (RFC 9113 §4.3).
    Continuation(Box<Block>),
    /// More of a frame of DATA.
    Data(Data),
}

/// A header block that came in several frames.
#[derive(Debug)]
struct Block {
    stream: u32,
    ends_stream: bool,
    bytes: Vec<u8>,
}

/// What is left of a frame of DATA.
#[derive(Clone, Copy, Debug)]
struct Data {
    stream: u32,
    left: usize,
    padding: usize,
    ends_stream: bool,
}

impl Receiver {
    /// At the start of a client's connection.
    pub(super) const fn of_client() -> Self {
        Self { decoder: Decoder::new(TABLE_BYTES), awaited: Awaited::Preface }
    }

    /// At the start of a connection to an upstream.
    pub(super) const fn of_upstream() -> Self {
        Self { decoder: Decoder::new(TABLE_BYTES), awaited: Awaited::Settings }
    }

    /// Whether the other side has said what it takes, as it has to first.
    pub(super) const fn is_past_preface(&self) -> bool {
        !matches!(self.awaited, Awaited::Preface | Awaited::Settings)
    }

    /// Takes all frames that are there, and begins the streams of those that ask for it.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn receive<P: Peer>(&mut self, peer: &Rc<P>, buffer: &mut Buffer) -> Result<(), Code> {
        while let Some(used) = self.receive_some(peer, buffer.unread())? {
            buffer.consume(used);
        }
        Ok(())
    }

    /// Takes what is in front; answers how many bytes that was, or `None` when more have to come.
    fn receive_some<P: Peer>(&mut self, peer: &Rc<P>, bytes: &[u8]) -> Result<Option<usize>, Code> {
        match self.awaited {
            Awaited::Preface => return self.receive_preface(bytes),
            Awaited::Data(data) => return Ok(self.receive_data(peer, data, bytes)),
            Awaited::Settings | Awaited::Frame | Awaited::Continuation(_) => {}
        }
        let Some(header) = Header::read(bytes) else { return Ok(None) };
        header.check(FRAME_BYTES as usize)?;
        self.check_order(header)?;
        if header.kind == DATA {
            return self.begin_data(peer, header, &bytes[HEADER_BYTES..]);
        }
        let end = HEADER_BYTES + header.length;
        let Some(payload) = bytes.get(HEADER_BYTES..end) else { return Ok(None) };
        peer.charge(header)?;
        self.receive_frame(peer, header, payload)?;
        Ok(Some(end))
    }

    fn receive_preface(&mut self, bytes: &[u8]) -> Result<Option<usize>, Code> {
        let known = bytes.len().min(PREFACE.len());
        if bytes[..known] != PREFACE[..known] {
            return Err(Code::PROTOCOL_ERROR);
        }
        if known < PREFACE.len() {
            return Ok(None);
        }
        self.awaited = Awaited::Settings;
        Ok(Some(known))
    }

    fn check_order(&self, header: Header) -> Result<(), Code> {
        let is_in_order = match &self.awaited {
            Awaited::Settings => header.kind == SETTINGS && !header.has(ACK),
            Awaited::Continuation(block) => header.kind == CONTINUATION && header.stream == block.stream,
            Awaited::Preface | Awaited::Frame | Awaited::Data(_) => header.kind != CONTINUATION,
        };
        if is_in_order { Ok(()) } else { Err(Code::PROTOCOL_ERROR) }
    }

    fn receive_frame<P: Peer>(&mut self, peer: &Rc<P>, header: Header, payload: &[u8]) -> Result<(), Code> {
        let link = peer.link();
        match header.kind {
            HEADERS => return self.receive_headers(peer, header, payload),
            CONTINUATION => return self.receive_continuation(peer, header, payload),
            SETTINGS if header.has(ACK) => {}
            SETTINGS => {
                self.awaited = Awaited::Frame;
                link.settle(payload)?;
            }
            PING => {
                let payload = payload.first_chunk().copied().unwrap_or_default();
                if !header.has(ACK) {
                    link.write(|out| write_ping(ACK, payload, out));
                } else {
                    peer.answer_ping(payload);
                }
            }
            RST_STREAM => match link.find(header.stream) {
                Some(stream) => peer.reset(&stream, Code(first_u32(payload))),
                None => check_begun(peer, header)?,
            },
            WINDOW_UPDATE => return self.receive_window(peer, header, payload),
            GOAWAY => peer.go_away(first_u32(payload) & 0x7fff_ffff),
            // PRIORITY and what is not known say nothing.
            _ => {}
        }
        Ok(())
    }

    fn receive_window<P: Peer>(&self, peer: &Rc<P>, header: Header, payload: &[u8]) -> Result<(), Code> {
        let bytes = first_u32(payload) & 0x7fff_ffff;
        let link = peer.link();
        if header.stream == 0 {
            // RFC 9113 §6.9
            return if bytes == 0 { Err(Code::PROTOCOL_ERROR) } else { link.widen(bytes) };
        }
        match link.find(header.stream) {
            Some(stream) if bytes == 0 => peer.fault(&stream, Code::PROTOCOL_ERROR),
            Some(stream) if !link.widen_stream(&stream, bytes) => {
                peer.fault(&stream, Code::FLOW_CONTROL_ERROR)
            }
            Some(_) => Ok(()),
            None => check_begun(peer, header),
        }
    }
}

/// Header blocks.
impl Receiver {
    fn receive_headers<P: Peer>(&mut self, peer: &Rc<P>, header: Header, payload: &[u8]) -> Result<(), Code> {
        let fragment = unpadded(header, payload)?;
        let ends_stream = header.has(END_STREAM);
        if header.has(END_HEADERS) {
            return self.receive_block(peer, header.stream, ends_stream, fragment);
        }
        let block = Block { stream: header.stream, ends_stream, bytes: fragment.to_vec() };
        self.awaited = Awaited::Continuation(Box::new(block));
        Ok(())
    }

    fn receive_continuation<P: Peer>(
        &mut self,
        peer: &Rc<P>,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Code> {
        let Awaited::Continuation(block) = &mut self.awaited else { return Err(Code::PROTOCOL_ERROR) };
        block.bytes.extend_from_slice(payload);
        // Nothing that is in its limits takes more room than it has when it is decoded.
        if block.bytes.len() > peer.head_bytes_max() {
            return Err(Code::ENHANCE_YOUR_CALM);
        }
        if header.has(END_HEADERS)
            && let Awaited::Continuation(block) = std::mem::replace(&mut self.awaited, Awaited::Frame)
        {
            self.receive_block(peer, block.stream, block.ends_stream, &block.bytes)?;
        }
        Ok(())
    }

    fn receive_block<P: Peer>(
        &mut self,
        peer: &Rc<P>,
        id: u32,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let stream = peer.link().find(id);
        match stream.as_deref().map(|stream| (stream, stream.awaited_answer())) {
            Some((stream, Some(answer))) => self.receive_answer(peer, stream, answer, ends_stream, block),
            Some((stream, None)) => self.receive_trailers(peer, stream, ends_stream, block),
            None => peer.receive_head(&mut self.decoder, id, ends_stream, block),
        }
    }

    /// A head of an upstream's answer.
    fn receive_answer<P: Peer>(
        &mut self,
        peer: &Rc<P>,
        stream: &Stream,
        answer: &Answer,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let mut head = take_head();
        let mut reader = answer.reader(&mut head);
        decode(peer, &mut self.decoder, block, |name, value| reader.field(name, value))?;
        match reader.finish(ends_stream) {
            Ok(left) => stream.left.set(left),
            Err(error) => {
                put_head(head);
                answer.lose_head(error);
                return peer.fault(stream, Code::PROTOCOL_ERROR);
            }
        }
        if let Err(error) = answer.push(head) {
            answer.lose_head(error);
            return peer.fault(stream, Code::PROTOCOL_ERROR);
        }
        match ends_stream {
            true => peer.link().received_end(stream),
            false => stream.wake_reader(peer.link().timers()),
        }
        Ok(())
    }

    /// Trailers end the stream (RFC 9113 §8.1).
    fn receive_trailers<P: Peer>(
        &mut self,
        peer: &Rc<P>,
        stream: &Stream,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let mut reader = peer.trailers(stream);
        decode(peer, &mut self.decoder, block, |name, value| reader.field(name, value))?;
        if stream.has_received.get() {
            return peer.fault(stream, Code::STREAM_CLOSED);
        }
        let Some(trailers) = reader.finish().filter(|_| ends_stream) else {
            return peer.fault(stream, Code::PROTOCOL_ERROR);
        };
        if stream.left.get().is_some_and(|left| left > 0) {
            return peer.fault(stream, Code::PROTOCOL_ERROR);
        }
        if !trailers.is_empty() {
            *stream.trailers.borrow_mut() = Some(Box::new(trailers));
        }
        peer.link().received_end(stream);
        Ok(())
    }
}

/// Bodies.
impl Receiver {
    /// Answers how many bytes have been used.
    fn begin_data<P: Peer>(
        &mut self,
        peer: &Rc<P>,
        header: Header,
        payload: &[u8],
    ) -> Result<Option<usize>, Code> {
        let mut used = HEADER_BYTES;
        let mut padding = 0;
        if header.has(PADDED) && header.length > 0 {
            let Some(&count) = payload.first() else { return Ok(None) };
            padding = usize::from(count);
            used += 1;
        }
        let framing = used - HEADER_BYTES;
        let left = (header.length - framing).checked_sub(padding).ok_or(Code::PROTOCOL_ERROR)?;
        if header.has(PADDED) && framing == 0 {
            return Err(Code::PROTOCOL_ERROR);
        }
        // Padding is no data: a frame of nothing else is empty.
        peer.charge(Header { length: left, ..header })?;
        let link = peer.link();
        link.receive(header.length)?;
        let mut data = Data { stream: header.stream, left, padding, ends_stream: header.has(END_STREAM) };
        let is_wanted = match link.find(header.stream) {
            None if peer.passes_over(header.stream) => false,
            None => {
                check_begun(peer, header)?;
                return Err(Code::STREAM_CLOSED);
            }
            Some(stream) => match stream.check_data(header.length, data.left, data.ends_stream) {
                Ok(takes) => {
                    stream.takes.set(takes);
                    link.credit_stream(&stream, header.length - data.left);
                    true
                }
                Err(code) => {
                    peer.fault(&stream, code)?;
                    false
                }
            },
        };
        if !is_wanted {
            // Nobody wants it, and it is all padding.
            link.credit(header.length);
            data = Data { left: 0, padding: data.left + padding, ..data };
        }
        self.awaited = Awaited::Data(data);
        Ok(Some(used))
    }

    fn receive_data<P: Peer>(&mut self, peer: &Rc<P>, data: Data, bytes: &[u8]) -> Option<usize> {
        let link = peer.link();
        let count = data.left.min(bytes.len());
        let skipped = data.padding.min(bytes.len() - count);
        let rest = Data { left: data.left - count, padding: data.padding - skipped, ..data };
        let is_over = rest.left == 0 && rest.padding == 0;
        if count == 0 && skipped == 0 && !is_over {
            return None;
        }
        match link.find(data.stream) {
            Some(stream) => {
                if count > 0 {
                    stream.received.borrow_mut().bytes_mut().extend_from_slice(&bytes[..count]);
                }
                stream.wake_reader(link.timers());
                if is_over && data.ends_stream {
                    link.received_end(&stream);
                }
            }
            None => link.credit(count),
        }
        self.awaited = if is_over { Awaited::Frame } else { Awaited::Data(rest) };
        Some(count + skipped)
    }
}

/// Hands over the fields of a block.
pub(super) fn decode<P: Peer>(
    peer: &Rc<P>,
    decoder: &mut Decoder,
    block: &[u8],
    mut field: impl FnMut(&[u8], &[u8]),
) -> Result<(), Code> {
    let mut bytes = 0_usize;
    let decoded = SCRATCH.with_borrow_mut(|scratch| {
        decoder.decode(block, scratch, |name, value| {
            bytes = bytes.saturating_add(name.len() + value.len() + 32);
            field(name, value);
        })
    });
    decoded.map_err(|_| Code::COMPRESSION_ERROR)?;
    match bytes.checked_sub(peer.head_bytes_max()) {
        Some(excess) => peer.charge_excess(excess),
        None => Ok(()),
    }
}

/// Decodes a block that nobody wants, since later ones may refer to it.
pub(super) fn pass_over<P: Peer>(peer: &Rc<P>, decoder: &mut Decoder, block: &[u8]) -> Result<(), Code> {
    decode(peer, decoder, block, |_, _| {})
}

/// A frame belongs to a stream that has begun (RFC 9113 §5.1).
fn check_begun<P: Peer>(peer: &Rc<P>, header: Header) -> Result<(), Code> {
    if peer.has_begun(header.stream) { Ok(()) } else { Err(Code::PROTOCOL_ERROR) }
}

/// The number in front of a payload, whose length has been checked.
fn first_u32(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload.first_chunk().copied().unwrap_or_default())
}
