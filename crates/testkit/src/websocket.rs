//! WebSocket handshakes and frames (RFC 6455), as far as tunnels and echo servers need them.

use std::io::{self, Read, Write};

/// A frame, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last of its message.
    pub last: bool,
    /// Opcode with the three reserved bits above it: 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// Whether it came masked.
    pub masked: bool,
    /// Payload.
    pub payload: Vec<u8>,
}

/// Largest payload accepted, bytes.
const PAYLOAD_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Frame {
    /// A whole message in one frame.
    pub fn whole(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { last: true, opcode, masked: false, payload: payload.into() }
    }

    /// As a server sends it, or with `mask` as a client does.
    pub fn encode(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut out = vec![u8::from(self.last) << 7 | self.opcode];
        let bit = u8::from(mask.is_some()) << 7;
        match self.payload.len() {
            n @ 0..=125 => out.push(bit | n as u8),
            n @ 126..=65535 => {
                out.push(bit | 126);
                out.extend_from_slice(&(n as u16).to_be_bytes());
            }
            n => {
                out.push(bit | 127);
                out.extend_from_slice(&(n as u64).to_be_bytes());
            }
        }
        match mask {
            None => out.extend_from_slice(&self.payload),
            Some(key) => {
                out.extend_from_slice(&key);
                out.extend(self.payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
            }
        }
        out
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// When the stream ends or fails, or the frame is larger than 64 MiB.
    pub fn read(stream: &mut impl Read) -> io::Result<Self> {
        let [first, second] = array(stream)?;
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(array(stream)?)),
            127 => u64::from_be_bytes(array(stream)?),
            short => u64::from(short),
        };
        if length > PAYLOAD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "frame larger than 64 MiB"));
        }
        let masked = second & 0x80 != 0;
        let key = if masked { array(stream)? } else { [0; 4] };
        let mut payload = Vec::new();
        stream.take(length).read_to_end(&mut payload)?;
        if payload.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(b, k)| *b ^= k);
        Ok(Self { last: first & 0x80 != 0, opcode: first & 0x7f, masked, payload })
    }
}

fn array<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The request that opens a WebSocket.
pub fn open_request(path: &str, host: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The 101 that answers a handshake with this key (RFC 6455 section 4.2.2).
pub fn accept_response(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        http1::websocket_accept(key.as_bytes())
    )
}

/// Sends messages back, answers pings, and fails the connection where RFC 6455 says so.
///
/// # Errors
/// When the stream ends without a closing handshake, or fails.
pub fn echo(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut message: Option<Frame> = None;
    loop {
        let frame = Frame::read(stream)?;
        let reply = match step(&mut message, frame) {
            Ok(None) => continue,
            Ok(Some(reply)) => reply,
            Err(code) => Frame::whole(8, code.to_be_bytes()),
        };
        stream.write_all(&reply.encode(None))?;
        if reply.opcode == 8 {
            return Ok(());
        }
    }
}

const PROTOCOL_ERROR: u16 = 1002;
const INVALID_TEXT: u16 = 1007;

/// What one frame is answered with; an error is a close code.
fn step(message: &mut Option<Frame>, frame: Frame) -> Result<Option<Frame>, u16> {
    if !frame.masked || (frame.opcode >= 8 && (!frame.last || frame.payload.len() > 125)) {
        return Err(PROTOCOL_ERROR);
    }
    match (frame.opcode, message.as_mut()) {
        (1 | 2, None) => *message = Some(frame),
        (0, Some(begun)) => {
            begun.payload.extend_from_slice(&frame.payload);
            begun.last = frame.last;
        }
        (8, _) => return close_reply(&frame.payload).map(Some),
        (9, _) => return Ok(Some(Frame::whole(10, frame.payload))),
        (10, _) => return Ok(None),
        _ => return Err(PROTOCOL_ERROR),
    }
    if message.as_ref().is_some_and(|m| m.opcode == 1) {
        check_text(message.as_ref().expect("a message has begun"))?;
    }
    let whole = message.as_ref().is_some_and(|m| m.last);
    Ok(if whole { message.take().map(|m| Frame { masked: false, ..m }) } else { None })
}

/// Text fails as soon as no continuation can make it UTF-8.
fn check_text(message: &Frame) -> Result<(), u16> {
    match std::str::from_utf8(&message.payload) {
        Ok(_) => Ok(()),
        Err(e) if e.error_len().is_none() && !message.last => Ok(()),
        Err(_) => Err(INVALID_TEXT),
    }
}

fn close_reply(payload: &[u8]) -> Result<Frame, u16> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(Frame::whole(8, [])) } else { Err(PROTOCOL_ERROR) };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999) {
        return Err(PROTOCOL_ERROR);
    }
    std::str::from_utf8(reason).map_err(|_| INVALID_TEXT)?;
    Ok(Frame::whole(8, code.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_wire_at_every_length_form() {
        for length in [0, 1, 125, 126, 65535, 65536] {
            let frame = Frame::whole(2, vec![7; length]);
            for mask in [None, Some([1, 2, 3, 4])] {
                let read = Frame::read(&mut &frame.encode(mask)[..]).unwrap();
                assert_eq!(read, Frame { masked: mask.is_some(), ..frame.clone() });
            }
        }
    }

    #[test]
    fn misuse_is_answered_with_its_close_code() {
        let masked = |opcode, payload: &[u8]| Frame { masked: true, ..Frame::whole(opcode, payload) };
        for (frame, code) in [
            (Frame::whole(1, *b"a"), PROTOCOL_ERROR),
            (masked(0, b"a"), PROTOCOL_ERROR),
            (masked(3, b""), PROTOCOL_ERROR),
            (masked(8, &[3]), PROTOCOL_ERROR),
            (masked(8, &1005u16.to_be_bytes()), PROTOCOL_ERROR),
            (masked(9, &[0; 126]), PROTOCOL_ERROR),
            (masked(1, &[0xff]), INVALID_TEXT),
        ] {
            assert_eq!(step(&mut None, frame.clone()), Err(code), "{frame:?}");
        }
        assert_eq!(step(&mut None, masked(1, b"a")), Ok(Some(Frame::whole(1, *b"a"))));
    }
}
