//! One client's bytes to answers, without I/O.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::answers::{ANSWERS, mirror};
use crate::websocket::{first_frame, write_frame};

/// A stretch of bytes to write.
pub(crate) type Piece = Cow<'static, [u8]>;

/// The client does not speak what this origin understands; the connection is to be closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// A request head may be this long, bytes; proxies add to what the load generator sends.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const CLOSE: u8 = 8;

/// Where a connection stands between two reads.
#[derive(Default)]
pub(crate) struct Exchange {
    state: State,
    /// What arrived and is no whole head, chunk line or frame yet.
    rest: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Head,
    Body {
        left: usize,
    },
    ChunkSize,
    ChunkData {
        left: usize,
    },
    Trailers,
    Frames,
}

impl Exchange {
    /// Takes what arrived and appends the answers it completes.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the bytes are no request, or one this origin has no answer to.
    pub(crate) fn feed(&mut self, input: &[u8], out: &mut VecDeque<Piece>) -> Result<(), Refused> {
        if self.rest.is_empty() {
            let used = self.consume(input, out)?;
            self.rest.extend_from_slice(&input[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.rest);
            bytes.extend_from_slice(input);
            let used = self.consume(&bytes, out)?;
            bytes.drain(..used);
            self.rest = bytes;
        }
        if self.rest.len() > HEAD_BYTES_MAX + usize::from(u16::MAX) { Err(Refused) } else { Ok(()) }
    }

    /// Works through `bytes` as far as whole elements go; returns how far that was.
    fn consume(&mut self, bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<usize, Refused> {
        let mut used = 0;
        while used < bytes.len() {
            let (step, next) = match self.state {
                State::Head => head(&bytes[used..], out)?,
                State::Body { left } => body(left, bytes.len() - used, out),
                State::ChunkSize => chunk_size(&bytes[used..])?,
                State::ChunkData { left } => chunk_data(left, bytes.len() - used),
                State::Trailers => trailers(&bytes[used..], out),
                State::Frames => frames(&bytes[used..], out)?,
            };
            self.state = next;
            if step == 0 {
                break;
            }
            used += step;
        }
        Ok(used)
    }
}

fn head(bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<(usize, State), Refused> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok((0, State::Head)),
        Err(_) => return Err(Refused),
    };
    let field = |name: &str| {
        request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    };
    if let Some(key) = field("sec-websocket-key") {
        out.push_back(Cow::Owned(switching(key)));
        return Ok((length, State::Frames));
    }
    if field("transfer-encoding").is_some() {
        return Ok((length, State::ChunkSize));
    }
    if let Some(text) = field("content-length") {
        let left = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Refused)?;
        if left > 0 {
            return Ok((length, State::Body { left }));
        }
    }
    out.push_back(answer(request.path.unwrap_or_default(), &bytes[..length]));
    Ok((length, State::Head))
}

/// The last segment decides, so that 10,000 routes can lead to one resource.
fn answer(path: &str, head: &[u8]) -> Piece {
    let last = path.rsplit('/').next().unwrap_or_default();
    Cow::Borrowed(match last {
        "small" => &ANSWERS.small,
        "metered" => &ANSWERS.metered,
        "64k" => &ANSWERS.medium,
        "1m" => &ANSWERS.large,
        "mirror" => return Cow::Owned(mirror(head)),
        _ => &ANSWERS.missing,
    })
}

fn switching(key: &[u8]) -> Vec<u8> {
    let accept = http1::websocket_accept(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

fn body(left: usize, available: usize, out: &mut VecDeque<Piece>) -> (usize, State) {
    let step = left.min(available);
    if step < left {
        return (step, State::Body { left: left - step });
    }
    out.push_back(Cow::Borrowed(&ANSWERS.sunk));
    (step, State::Head)
}

fn chunk_size(bytes: &[u8]) -> Result<(usize, State), Refused> {
    match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((length, 0))) => Ok((length, State::Trailers)),
        Ok(httparse::Status::Complete((length, size))) => {
            let left = usize::try_from(size).ok().and_then(|size| size.checked_add(2)).ok_or(Refused)?;
            Ok((length, State::ChunkData { left }))
        }
        Ok(httparse::Status::Partial) => Ok((0, State::ChunkSize)),
        Err(_) => Err(Refused),
    }
}

/// The CRLF after a chunk's data is counted with it.
fn chunk_data(left: usize, available: usize) -> (usize, State) {
    let step = left.min(available);
    (step, if step == left { State::ChunkSize } else { State::ChunkData { left: left - step } })
}

fn trailers(bytes: &[u8], out: &mut VecDeque<Piece>) -> (usize, State) {
    let Some(end) = memchr::memchr(b'\n', bytes) else { return (0, State::Trailers) };
    if end > 1 {
        return (end + 1, State::Trailers);
    }
    out.push_back(Cow::Borrowed(&ANSWERS.sunk));
    (end + 1, State::Head)
}

fn frames(bytes: &[u8], out: &mut VecDeque<Piece>) -> Result<(usize, State), Refused> {
    let Some(frame) = first_frame(bytes) else { return Ok((0, State::Frames)) };
    // A client's frame is masked, and a close ends the connection (RFC 6455 sections 5.1 and 5.5.1).
    let Some(mask) = frame.mask.filter(|_| frame.opcode != CLOSE) else { return Err(Refused) };
    let mut payload = bytes[frame.start..frame.end].to_vec();
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    let mut echo = Vec::with_capacity(payload.len() + 4);
    write_frame(&mut echo, frame.opcode, None, &payload);
    out.push_back(Cow::Owned(echo));
    Ok((frame.end, State::Frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` whole and byte by byte; both must give `expected`, each named by its first line.
    #[track_caller]
    fn check(input: &[u8], expected: &[&str]) {
        for step in [input.len(), 1] {
            let mut exchange = Exchange::default();
            let mut out = VecDeque::new();
            for part in input.chunks(step) {
                exchange.feed(part, &mut out).unwrap();
            }
            let lines: Vec<String> = out
                .iter()
                .map(|piece| String::from_utf8_lossy(piece).lines().next().unwrap_or_default().to_owned())
                .collect();
            assert_eq!(lines, expected, "in steps of {step}");
        }
    }

    const OK: &str = "HTTP/1.1 200 OK";

    #[test]
    fn known_paths_are_found_below_any_prefix() {
        check(b"GET /small HTTP/1.1\r\n\r\nGET /service-7/small HTTP/1.1\r\n\r\n", &[OK, OK]);
        check(b"GET /smaller HTTP/1.1\r\n\r\n", &["HTTP/1.1 404 Not Found"]);
    }

    #[test]
    fn a_body_is_swallowed_by_length_and_by_chunks() {
        check(b"POST /sink HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /small HTTP/1.1\r\n\r\n", &[OK, OK]);
        check(
            b"POST /sink HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\nGET /1m HTTP/1.1\r\n\r\n",
            &[OK, OK],
        );
    }

    #[test]
    fn a_message_is_echoed_unmasked() {
        let mut input = b"GET /echo HTTP/1.1\r\nSec-WebSocket-Key: a\r\n\r\n".to_vec();
        write_frame(&mut input, 1, Some([9, 8, 7, 6]), b"hello");
        check(&input, &["HTTP/1.1 101 Switching Protocols", "\u{fffd}\u{5}hello"]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let mut out = VecDeque::new();
        assert_eq!(Exchange::default().feed(b"\x16\x03\x01\x00", &mut out), Err(Refused));
        assert_eq!(
            Exchange::default().feed(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", &mut out),
            Err(Refused)
        );
    }
}
