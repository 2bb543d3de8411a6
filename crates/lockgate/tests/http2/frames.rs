//! A client, or an upstream, that sends frames as they are given (RFC 9113 §4.1), for what no well-behaved one sends.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// What a client begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection, begun with the preface and empty settings.
pub(crate) struct Frames(TcpStream);

/// A frame as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code of a RST_STREAM or GOAWAY (RFC 9113 §7).
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A block of fields, each as it is given: literal, not indexed, not compressed (RFC 7541 §6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // One character is one byte.
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            push_length(bytes.len(), &mut block);
            block.extend(bytes);
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn push_length(mut length: usize, block: &mut Vec<u8>) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push(u8::try_from(length % 128).unwrap() | 128);
        length /= 128;
    }
    block.push(u8::try_from(length).unwrap());
}

/// What every request for `path` says first.
pub(crate) fn pseudo<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)]
}

impl Frames {
    pub(crate) fn connect(address: &str) -> Self {
        let mut frames = Self::begin(address);
        frames.send(&frame(SETTINGS, 0, 0, &[])).unwrap();
        frames
    }

    /// One that has sent the preface and nothing more.
    pub(crate) fn begin(address: &str) -> Self {
        let mut frames = Self::over(TcpStream::connect(address).unwrap());
        frames.send(PREFACE).unwrap();
        frames
    }

    /// An upstream's side of one, from which the preface has been read.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let mut frames = Self::over(listener.accept().unwrap().0);
        let mut preface = [0; 24];
        frames.0.read_exact(&mut preface).unwrap();
        assert_eq!(&preface, PREFACE);
        frames
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Sends a head that is all of its request.
    pub(crate) fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.send(&frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(fields))).unwrap();
    }

    /// The next frame; `None` at the end of the connection, however it comes.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of that kind.
    pub(crate) fn next_of(&mut self, kind: u8) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| frame.kind == kind)
    }

    /// What a stream is answered first: the status, or the code it is reset with; a GOAWAY answers for all.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.next() {
            match frame.kind {
                HEADERS if frame.stream == stream => return Outcome::Answered(status(&frame.payload)),
                RST_STREAM if frame.stream == stream => return Outcome::Reset(frame.code()),
                GOAWAY if frame.code() != 0 => return Outcome::Ended(frame.code()),
                _ => {}
            }
        }
        Outcome::Closed
    }
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(u16),
    Reset(u32),
    Ended(u32),
    Closed,
}

/// The status at the front of a block: indexed, or with a literal value (RFC 7541 §6, appendix A).
fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    // The size of the table may be said first (§6.3).
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap();
    match block[start] {
        byte @ 0x88..=0x8e => INDEXED[usize::from(byte - 0x88)],
        _ => digits(&block[start + 1..]),
    }
}

/// Three digits, compressed (RFC 7541 appendix B: five bits for 0 to 2, six for the others) or not.
fn digits(text: &[u8]) -> u16 {
    let length = usize::from(text[0] & 0x7f);
    if text[0] & 0x80 == 0 {
        return std::str::from_utf8(&text[1..=length]).unwrap().parse().unwrap();
    }
    let bits: String = text[1..=length].iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let short = u16::from_str_radix(&bits[at..at + 5], 2).unwrap();
        let (digit, width) = if short < 3 {
            (short, 5)
        } else {
            (u16::from_str_radix(&bits[at..at + 6], 2).unwrap() - 0x19 + 3, 6)
        };
        number = number * 10 + digit;
        at += width;
    }
    number
}
