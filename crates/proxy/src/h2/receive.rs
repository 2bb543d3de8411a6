//! What a client sends, frame by frame (RFC 9113 §4 to §6).

use std::rc::Rc;
use std::time::Instant;

use http2::{
    ACK, CONTINUATION, Code, DATA, Decoder, END_HEADERS, END_STREAM, HEADER_BYTES, HEADERS, Header, PADDED,
    PING, PREFACE, RST_STREAM, RequestReader, SETTINGS, TrailersReader, WINDOW_UPDATE, unpadded, write_ping,
};

use super::client::{Asked, Begun, Multiplexed};
use super::stream::Stream;
use crate::buffers::Buffer;
use crate::hooks::ProxyHttp;
use crate::limits::{FRAME_BYTES, TABLE_BYTES};

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
    /// At the start of a connection.
    pub(super) const fn new() -> Self {
        Self { decoder: Decoder::new(TABLE_BYTES), awaited: Awaited::Preface }
    }

    /// Whether the client has said what it takes, as it has to first.
    pub(super) const fn is_past_preface(&self) -> bool {
        !matches!(self.awaited, Awaited::Preface | Awaited::Settings)
    }

    /// Takes all frames that are there, and begins the streams of those that ask for it.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn receive<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        buffer: &mut Buffer,
    ) -> Result<(), Code> {
        while let Some(used) = self.receive_some(client, buffer.unread())? {
            buffer.consume(used);
        }
        Ok(())
    }

    /// Takes what is in front; answers how many bytes that was, or `None` when more have to come.
    fn receive_some<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        bytes: &[u8],
    ) -> Result<Option<usize>, Code> {
        match self.awaited {
            Awaited::Preface => return self.receive_preface(bytes),
            Awaited::Data(data) => return Ok(self.receive_data(client, data, bytes)),
            Awaited::Settings | Awaited::Frame | Awaited::Continuation(_) => {}
        }
        let Some(header) = Header::read(bytes) else { return Ok(None) };
        header.check(FRAME_BYTES as usize)?;
        self.check_order(header)?;
        if header.kind == DATA {
            return self.begin_data(client, header, &bytes[HEADER_BYTES..]);
        }
        let end = HEADER_BYTES + header.length;
        let Some(payload) = bytes.get(HEADER_BYTES..end) else { return Ok(None) };
        client.charge(header)?;
        self.receive_frame(client, header, payload)?;
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

    fn receive_frame<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Code> {
        let link = &client.link;
        match header.kind {
            HEADERS => return self.receive_headers(client, header, payload),
            CONTINUATION => return self.receive_continuation(client, header, payload),
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
                    client.heard(payload);
                }
            }
            RST_STREAM => match link.find(header.stream) {
                Some(stream) => link.cancelled(&stream),
                None => self.check_begun(client, header)?,
            },
            WINDOW_UPDATE => return self.receive_window(client, header, payload),
            // GOAWAY: what the client has begun is ended as usual. PRIORITY and what is not known say nothing.
            _ => {}
        }
        Ok(())
    }

    /// A frame belongs to a stream that has begun (RFC 9113 §5.1).
    fn check_begun<P: ProxyHttp>(&self, client: &Multiplexed<P>, header: Header) -> Result<(), Code> {
        let has_begun =
            !header.stream.is_multiple_of(2) && (header.stream <= client.link.last() || client.has_left());
        if has_begun { Ok(()) } else { Err(Code::PROTOCOL_ERROR) }
    }

    fn receive_window<P: ProxyHttp>(
        &self,
        client: &Multiplexed<P>,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Code> {
        let bytes = u32::from_be_bytes(payload.first_chunk().copied().unwrap_or_default()) & 0x7fff_ffff;
        let link = &client.link;
        if header.stream == 0 {
            // RFC 9113 §6.9
            return if bytes == 0 { Err(Code::PROTOCOL_ERROR) } else { link.widen(bytes) };
        }
        match link.find(header.stream) {
            Some(stream) if bytes == 0 => client.fault(&stream, Code::PROTOCOL_ERROR),
            Some(stream) if !link.widen_stream(&stream, bytes) => {
                client.fault(&stream, Code::FLOW_CONTROL_ERROR)
            }
            Some(_) => Ok(()),
            None => self.check_begun(client, header),
        }
    }
}

/// Header blocks.
impl Receiver {
    fn receive_headers<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Code> {
        let fragment = unpadded(header, payload)?;
        let ends_stream = header.has(END_STREAM);
        if header.has(END_HEADERS) {
            return self.receive_block(client, header.stream, ends_stream, fragment);
        }
        let block = Block { stream: header.stream, ends_stream, bytes: fragment.to_vec() };
        self.awaited = Awaited::Continuation(Box::new(block));
        Ok(())
    }

    fn receive_continuation<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Code> {
        let Awaited::Continuation(block) = &mut self.awaited else { return Err(Code::PROTOCOL_ERROR) };
        block.bytes.extend_from_slice(payload);
        // Nothing that is in its limits takes more room than it has when it is decoded.
        if block.bytes.len() > client.head_bytes_max() {
            return Err(Code::ENHANCE_YOUR_CALM);
        }
        if header.has(END_HEADERS)
            && let Awaited::Continuation(block) = std::mem::replace(&mut self.awaited, Awaited::Frame)
        {
            self.receive_block(client, block.stream, block.ends_stream, &block.bytes)?;
        }
        Ok(())
    }

    fn receive_block<P: ProxyHttp>(
        &mut self,
        client: &Rc<Multiplexed<P>>,
        id: u32,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let link = &client.link;
        if let Some(stream) = link.find(id) {
            return self.receive_trailers(client, &stream, ends_stream, block);
        }
        if link.was_reset(id) {
            return self.pass_over(client, block);
        }
        if id.is_multiple_of(2) || id <= link.last() {
            // RFC 9113 §5.1, §5.1.1
            return Err(if link.was_closed(id) { Code::STREAM_CLOSED } else { Code::PROTOCOL_ERROR });
        }
        if client.has_left() {
            return self.pass_over(client, block);
        }
        link.number(id);
        if !client.takes_another() {
            self.pass_over(client, block)?;
            link.refuse(id, Code::REFUSED_STREAM);
            return Ok(());
        }
        let started = Instant::now();
        let mut state = client.worker.take_state();
        let mut reader = RequestReader::new(&client.head_limits(), &mut state.request);
        self.decode(client, block, |name, value| reader.field(name, value))?;
        let read = reader.finish(ends_stream);
        if read.is_err_and(|error| error.status() == 400) {
            client.charge_fault()?;
        }
        let stream = link.open_stream(id, ends_stream);
        stream.left.set(read.ok().flatten());
        let asked = Asked { client: client.clone(), stream, read: read.map(|_| ()), started };
        client.begin(Begun { asked, state });
        Ok(())
    }

    /// Trailers end the stream (RFC 9113 §8.1).
    fn receive_trailers<P: ProxyHttp>(
        &mut self,
        client: &Multiplexed<P>,
        stream: &Stream,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let mut reader = TrailersReader::new(&client.head_limits());
        self.decode(client, block, |name, value| reader.field(name, value))?;
        if stream.has_received.get() {
            return client.fault(stream, Code::STREAM_CLOSED);
        }
        let Some(trailers) = reader.finish().filter(|_| ends_stream) else {
            return client.fault(stream, Code::PROTOCOL_ERROR);
        };
        if !trailers.is_empty() {
            *stream.trailers.borrow_mut() = Some(Box::new(trailers));
        }
        client.receive_end(stream)
    }

    /// Decodes a block that nobody wants, since later ones may refer to it.
    fn pass_over<P: ProxyHttp>(&mut self, client: &Multiplexed<P>, block: &[u8]) -> Result<(), Code> {
        self.decode(client, block, |_, _| {})
    }

    fn decode<P: ProxyHttp>(
        &mut self,
        client: &Multiplexed<P>,
        block: &[u8],
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Code> {
        let mut scratch = client.worker.scratch.borrow_mut();
        let mut bytes = 0_usize;
        let decoded = self.decoder.decode(block, &mut scratch, |name, value| {
            bytes = bytes.saturating_add(name.len() + value.len() + 32);
            field(name, value);
        });
        decoded.map_err(|_| Code::COMPRESSION_ERROR)?;
        client.charge_excess(bytes)
    }
}

/// Bodies.
impl Receiver {
    /// Answers how many bytes have been used.
    fn begin_data<P: ProxyHttp>(
        &mut self,
        client: &Multiplexed<P>,
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
        client.charge(header)?;
        let framing = used - HEADER_BYTES;
        let left = (header.length - framing).checked_sub(padding).ok_or(Code::PROTOCOL_ERROR)?;
        if header.has(PADDED) && framing == 0 {
            return Err(Code::PROTOCOL_ERROR);
        }
        let link = &client.link;
        link.receive(header.length)?;
        let mut data = Data { stream: header.stream, left, padding, ends_stream: header.has(END_STREAM) };
        match link.find(header.stream) {
            None if link.was_reset(header.stream) || client.has_left() => {}
            None => {
                self.check_begun(client, header)?;
                return Err(Code::STREAM_CLOSED);
            }
            Some(stream) => {
                if let Err(code) = client.check_data(&stream, header.length, data.left, data.ends_stream) {
                    client.fault(&stream, code)?;
                } else if let Some(takes) = stream.takes.get().less(header.length) {
                    stream.takes.set(takes);
                    link.credit_stream(&stream, header.length - data.left);
                }
            }
        }
        if link.find(header.stream).is_none() {
            // Nobody wants it, and it is all padding.
            link.credit(header.length);
            data = Data { left: 0, padding: data.left + padding, ..data };
        }
        self.awaited = Awaited::Data(data);
        Ok(Some(used))
    }

    fn receive_data<P: ProxyHttp>(
        &mut self,
        client: &Multiplexed<P>,
        data: Data,
        bytes: &[u8],
    ) -> Option<usize> {
        let link = &client.link;
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
                stream.wake_reader(client.timers());
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
