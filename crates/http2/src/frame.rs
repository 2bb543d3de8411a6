//! Frames: their headers, and those of fixed form (RFC 9113 §4, §6).

use crate::Code;

/// What a client begins a connection with (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length of a frame's header, bytes (RFC 9113 §4.1).
pub const HEADER_BYTES: usize = 9;

/// Bytes of a request's or an answer's body (RFC 9113 §6.1).
pub const DATA: u8 = 0;
/// Begins a stream, or ends it with trailers (RFC 9113 §6.2).
pub const HEADERS: u8 = 1;
/// Withdrawn; says nothing any more (RFC 9113 §6.3).
pub const PRIORITY: u8 = 2;
/// Ends a stream at once (RFC 9113 §6.4).
pub const RST_STREAM: u8 = 3;
/// What a side takes (RFC 9113 §6.5).
pub const SETTINGS: u8 = 4;
/// Only servers send it (RFC 9113 §6.6).
pub const PUSH_PROMISE: u8 = 5;
/// Asks whether the other side is there (RFC 9113 §6.7).
pub const PING: u8 = 6;
/// Ends a connection, at once or with the streams under way (RFC 9113 §6.8).
pub const GOAWAY: u8 = 7;
/// Has the other side send more (RFC 9113 §6.9).
pub const WINDOW_UPDATE: u8 = 8;
/// More of a header block (RFC 9113 §6.10).
pub const CONTINUATION: u8 = 9;

/// Of DATA and HEADERS: the sender's side of the stream ends.
pub const END_STREAM: u8 = 0x1;
/// Of SETTINGS and PING: it answers one of the other side's.
pub const ACK: u8 = 0x1;
/// Of HEADERS and CONTINUATION: the header block ends.
pub const END_HEADERS: u8 = 0x4;
/// Of DATA and HEADERS: padding, and a byte in front that says how much.
pub const PADDED: u8 = 0x8;
/// Of HEADERS: five bytes of priority in front.
pub const PRIORITIZED: u8 = 0x20;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the payload, bytes.
    pub length: usize,
    /// What it is.
    pub kind: u8,
    /// What of its kind.
    pub flags: u8,
    /// The stream it belongs to; 0: the connection.
    pub stream: u32,
}

impl Header {
    /// Reads it from the front of `bytes`; `None`: more have to come.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[l2, l1, l0, kind, flags, s3, s2, s1, s0] = bytes.first_chunk::<HEADER_BYTES>()?;
        Some(Self {
            length: u32::from_be_bytes([0, l2, l1, l0]) as usize,
            kind,
            flags,
            // The first bit means nothing (RFC 9113 §4.1).
            stream: u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]),
        })
    }

    /// Appends it.
    pub fn write(self, out: &mut Vec<u8>) {
        let [_, l2, l1, l0] = (self.length as u32).to_be_bytes();
        let [s3, s2, s1, s0] = self.stream.to_be_bytes();
        out.extend_from_slice(&[l2, l1, l0, self.kind, self.flags, s3, s2, s1, s0]);
    }

    /// Whether a flag is set.
    pub const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What a header says by itself: some belong to a stream and some to none, those of fixed length have it, and nothing is promised:
    /// clients may not, and servers are told not to (RFC 9113 §6, §8.4).
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub const fn check(self, length_max: usize) -> Result<(), Code> {
        if self.length > length_max {
            return Err(Code::FRAME_SIZE_ERROR);
        }
        let is_in_place = match self.kind {
            DATA | HEADERS | PRIORITY | RST_STREAM | CONTINUATION => self.stream != 0,
            SETTINGS | PING | GOAWAY => self.stream == 0,
            PUSH_PROMISE => false,
            _ => true,
        };
        if !is_in_place {
            return Err(Code::PROTOCOL_ERROR);
        }
        let fits = match self.kind {
            PRIORITY => self.length == 5,
            RST_STREAM | WINDOW_UPDATE => self.length == 4,
            PING => self.length == 8,
            GOAWAY => self.length >= 8,
            SETTINGS if self.has(ACK) => self.length == 0,
            SETTINGS => self.length.is_multiple_of(6),
            _ => true,
        };
        if fits { Ok(()) } else { Err(Code::FRAME_SIZE_ERROR) }
    }
}

/// What a payload of HEADERS holds besides padding and priority (RFC 9113 §6.2).
///
/// # Errors
/// When there is more padding than payload.
pub fn unpadded(header: Header, payload: &[u8]) -> Result<&[u8], Code> {
    let mut rest = payload;
    let mut padding = 0;
    if header.has(PADDED) {
        let (&count, behind) = rest.split_first().ok_or(Code::PROTOCOL_ERROR)?;
        (padding, rest) = (usize::from(count), behind);
    }
    if header.has(PRIORITIZED) {
        rest = rest.get(5..).ok_or(Code::PROTOCOL_ERROR)?;
    }
    let end = rest.len().checked_sub(padding).ok_or(Code::PROTOCOL_ERROR)?;
    Ok(&rest[..end])
}

/// Appends RST_STREAM.
pub fn write_reset(stream: u32, code: Code, out: &mut Vec<u8>) {
    Header { length: 4, kind: RST_STREAM, flags: 0, stream }.write(out);
    out.extend_from_slice(&code.0.to_be_bytes());
}

/// Appends PING, or with [`ACK`] the answer to one.
pub fn write_ping(flags: u8, payload: [u8; 8], out: &mut Vec<u8>) {
    Header { length: 8, kind: PING, flags, stream: 0 }.write(out);
    out.extend_from_slice(&payload);
}

/// Appends GOAWAY: streams beyond `last` are not looked at.
pub fn write_goaway(last: u32, code: Code, out: &mut Vec<u8>) {
    Header { length: 8, kind: GOAWAY, flags: 0, stream: 0 }.write(out);
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&code.0.to_be_bytes());
}

/// Appends WINDOW_UPDATE, of the connection if `stream` is 0.
pub fn write_window_update(stream: u32, bytes: u32, out: &mut Vec<u8>) {
    Header { length: 4, kind: WINDOW_UPDATE, flags: 0, stream }.write(out);
    out.extend_from_slice(&bytes.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_is_written() {
        let header = Header { length: 0x01_02_03, kind: 7, flags: 0x25, stream: 0x7abc_def0 };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        assert_eq!(Header::read(&bytes), Some(header));
        assert_eq!(Header::read(&bytes[..8]), None);
        bytes[5] |= 0x80;
        assert_eq!(Header::read(&bytes), Some(header), "the reserved bit means nothing");
    }

    #[test]
    fn a_malformed_header_ends_the_connection_with_the_code_it_deserves() {
        for (kind, flags, length, stream, expected) in [
            (DATA, 0, 16_385, 1, Err(Code::FRAME_SIZE_ERROR)),
            (DATA, 0, 16_384, 1, Ok(())),
            (DATA, 0, 1, 0, Err(Code::PROTOCOL_ERROR)),
            (HEADERS, 0, 1, 0, Err(Code::PROTOCOL_ERROR)),
            (PRIORITY, 0, 4, 1, Err(Code::FRAME_SIZE_ERROR)),
            (RST_STREAM, 0, 5, 1, Err(Code::FRAME_SIZE_ERROR)),
            (RST_STREAM, 0, 4, 0, Err(Code::PROTOCOL_ERROR)),
            (SETTINGS, 0, 7, 0, Err(Code::FRAME_SIZE_ERROR)),
            (SETTINGS, ACK, 6, 0, Err(Code::FRAME_SIZE_ERROR)),
            (SETTINGS, 0, 6, 1, Err(Code::PROTOCOL_ERROR)),
            (PUSH_PROMISE, 0, 8, 1, Err(Code::PROTOCOL_ERROR)),
            (PING, 0, 9, 0, Err(Code::FRAME_SIZE_ERROR)),
            (PING, 0, 8, 1, Err(Code::PROTOCOL_ERROR)),
            (GOAWAY, 0, 7, 0, Err(Code::FRAME_SIZE_ERROR)),
            (GOAWAY, 0, 8, 1, Err(Code::PROTOCOL_ERROR)),
            (WINDOW_UPDATE, 0, 0, 0, Err(Code::FRAME_SIZE_ERROR)),
            (CONTINUATION, 0, 1, 0, Err(Code::PROTOCOL_ERROR)),
            (0x77, 0xff, 1, 0, Ok(())),
        ] {
            let header = Header { length, kind, flags, stream };
            assert_eq!(header.check(16_384), expected, "{header:?}");
        }
    }

    #[test]
    fn padding_and_priority_are_taken_off() {
        let of = |flags, payload: &'static [u8]| {
            unpadded(Header { length: payload.len(), kind: HEADERS, flags, stream: 1 }, payload)
        };
        assert_eq!(of(0, b"ab"), Ok(&b"ab"[..]));
        assert_eq!(of(PADDED, b"\x02ab\0\0"), Ok(&b"ab"[..]));
        assert_eq!(of(PADDED | PRIORITIZED, b"\x01\0\0\0\0\x05ab\0"), Ok(&b"ab"[..]));
        assert_eq!(of(PADDED, b"\x02"), Err(Code::PROTOCOL_ERROR));
        assert_eq!(of(PADDED, b""), Err(Code::PROTOCOL_ERROR));
        assert_eq!(of(PRIORITIZED, b"\0\0\0\0"), Err(Code::PROTOCOL_ERROR));
        assert_eq!(of(PADDED, b"\x01\0"), Ok(&b""[..]));
    }
}
