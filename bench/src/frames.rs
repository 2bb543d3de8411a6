//! Frames of HTTP/2 as bytes (RFC 9113 §4.1), and a client that asks for one thing after the other.

use std::io::{self, ErrorKind, Read, Write};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// What a connection begins with, before its settings.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `:status: 200`, which every peer says by its place in the static table (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;
/// Bytes after which a window is opened again.
const WINDOW_STEP: u32 = 16 * 1024;
/// Frames of our own origin's answers are smaller than this.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// A frame as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A block of fields, each as it is given: literal, not indexed, not compressed (RFC 7541 §6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            push_length(text.len(), &mut block);
            block.extend(text.bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn push_length(mut length: usize, block: &mut Vec<u8>) {
    if length < 127 {
        block.push(length as u8);
        return;
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push((length % 128) as u8 | 128);
        length /= 128;
    }
    block.push(length as u8);
}

/// What every request for `path` says first.
pub(crate) fn pseudo<'a>(path: &'a str, scheme: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", "GET"), (":scheme", scheme), (":authority", "api.example.com"), (":path", path)]
}

/// Reads one frame.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head)?;
    let [_, _, _, kind, flags, stream @ ..] = head;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    if length > PAYLOAD_BYTES_MAX {
        return Err(wrong("a frame that is none"));
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff, payload })
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A connection with one request at a time.
pub(crate) struct Client<S> {
    transport: S,
    scheme: &'static str,
    next_stream: u32,
    /// Bytes of bodies that the connection's window has not been given back for.
    taken: u32,
}

impl<S: Read + Write> Client<S> {
    /// Begins a connection over `transport`.
    pub(crate) fn begin(mut transport: S, scheme: &'static str) -> io::Result<Self> {
        transport.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat())?;
        Ok(Self { transport, scheme, next_stream: 1, taken: 0 })
    }

    /// Asks for `path`; returns the length of the body.
    ///
    /// # Errors
    ///
    /// When the answer is no 200, or does not come.
    pub(crate) fn get(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<usize> {
        let head = [&pseudo(path, self.scheme), fields].concat();
        let stream = self.next_stream;
        self.next_stream += 2;
        self.transport.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&head)))?;
        self.give_back()?;
        let (mut is_right, mut length) = (false, 0);
        loop {
            let frame = read(&mut self.transport)?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => {
                    self.transport.write_all(&self::frame(SETTINGS, ACK, 0, &[]))?;
                }
                PING if frame.flags & ACK == 0 => {
                    self.transport.write_all(&self::frame(PING, ACK, 0, &frame.payload))?;
                }
                // Trailers come when the status is known.
                HEADERS if frame.stream == stream => is_right |= is_200(&frame.payload),
                DATA if frame.stream == stream => length += frame.payload.len(),
                RST_STREAM | GOAWAY => return Err(wrong("refused by RST_STREAM or GOAWAY")),
                _ => {}
            }
            let is_end = matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
            if is_end && frame.stream == stream {
                self.taken += length as u32;
                return if is_right { Ok(length) } else { Err(wrong("not a 200")) };
            }
        }
    }
}

impl<S: Write> Client<S> {
    /// Opens the window of the connection again, long before its 64 KiB are used up (RFC 9113 §6.9.2).
    fn give_back(&mut self) -> io::Result<()> {
        if self.taken < WINDOW_STEP {
            return Ok(());
        }
        let step = std::mem::take(&mut self.taken);
        self.transport.write_all(&frame(WINDOW_UPDATE, 0, 0, &step.to_be_bytes()))
    }
}

/// The size of the table may be said first (RFC 7541 §6.3), in up to five bytes.
fn is_200(block: &[u8]) -> bool {
    block.iter().take(6).any(|byte| *byte == STATUS_200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_was_written() {
        let bytes = frame(HEADERS, END_HEADERS, 5, &block(&[("a", &"b".repeat(300))]));
        let read = read(&mut bytes.as_slice()).unwrap();
        assert_eq!((read.kind, read.flags, read.stream), (HEADERS, END_HEADERS, 5));
        // Literal, name of one byte, 300 as 127 and 173 in two further bytes (RFC 7541 §5.1), value.
        assert_eq!(read.payload[..6], [0, 1, b'a', 127, 0x80 | 45, 1]);
        assert_eq!(read.payload.len(), 306);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(read(&mut b"HTTP/1.1 400 Bad Request\r\n".as_slice()).is_err());
    }
}
