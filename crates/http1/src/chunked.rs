//! The chunked transfer coding (RFC 9112 §7.1), decoded in place.

use message::{Fields, Known, is_token, may_be_trailer};

use crate::BodyError;

/// Longest chunk-size line with its extensions, bytes. Extensions are read and dropped.
const SIZE_LINE_BYTES_MAX: usize = 4096;
/// Extension bytes over a whole body, so that a stream of one-byte chunks cannot carry more of them than data.
const EXTENSION_BYTES_MAX: usize = 64 << 10;
/// Trailer section without its line ends, bytes.
const TRAILER_BYTES_MAX: usize = 16 << 10;
/// Trailer fields, those that are dropped included.
const TRAILER_FIELDS_MAX: usize = 64;

/// What one call of [`Chunked::decode`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the buffer that are done with; the rest has to be shown again, with more behind it.
    pub consumed: usize,
    /// Body bytes, now at the front of the buffer.
    pub data: usize,
    /// Whether the body has ended.
    pub end: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// A decoder of one chunked body.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
    extension_bytes: usize,
    trailer_bytes: usize,
    trailer_fields: usize,
    trailers: Option<Box<Fields>>,
}

impl Chunked {
    /// A decoder before its first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trailer fields, once the body has ended with some.
    pub fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_deref().filter(|_| self.state == State::Done)
    }

    /// Decodes all of `buffer` that can be decoded, moving the body's bytes to its front.
    ///
    /// # Errors
    /// Framing that is not exactly RFC 9112 §7.1; the connection cannot be used further.
    pub fn decode(&mut self, buffer: &mut [u8]) -> Result<Decoded, BodyError> {
        let mut done = Decoded::default();
        loop {
            let rest = &buffer[done.consumed..];
            match self.state {
                State::Size => match self.size_line(rest)? {
                    Some(taken) => done.consumed += taken,
                    None => return Ok(done),
                },
                State::Data(left) => {
                    if rest.is_empty() {
                        return Ok(done);
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    if done.data != done.consumed {
                        buffer.copy_within(done.consumed..done.consumed + take, done.data);
                    }
                    done.consumed += take;
                    done.data += take;
                    let left = left - take as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                }
                State::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        done.consumed += 2;
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Ok(done),
                    _ => return Err(BodyError::ChunkEnd),
                },
                State::Trailers => match self.trailer_line(rest)? {
                    Some(taken) => done.consumed += taken,
                    None => return Ok(done),
                },
                State::Done => {
                    done.end = true;
                    return Ok(done);
                }
            }
        }
    }

    /// Reads `chunk-size [ chunk-ext ] CRLF`; answers the bytes it took, or `None` for more.
    fn size_line(&mut self, rest: &[u8]) -> Result<Option<usize>, BodyError> {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 16 || (digits == 0 && !rest.is_empty()) {
            return Err(BodyError::ChunkSize);
        }
        let tail = &rest[digits..];
        let line = match tail {
            [b'\r', b'\n', ..] => digits,
            [] | [b'\r'] => return Ok(None),
            [b';', ..] => match self.extension(tail)? {
                Some(length) => digits + length,
                None => return Ok(None),
            },
            _ => return Err(BodyError::ChunkSize),
        };
        let size = hex(&rest[..digits]).ok_or(BodyError::ChunkSize)?;
        self.state = if size == 0 { State::Trailers } else { State::Data(size) };
        Ok(Some(line + 2))
    }

    /// Passes over extensions; answers their length up to the CR LF, or `None` for more.
    fn extension(&mut self, tail: &[u8]) -> Result<Option<usize>, BodyError> {
        let stop = tail.iter().position(|&byte| byte != b'\t' && (byte < 0x20 || byte == 0x7f));
        let length = stop.unwrap_or(tail.len());
        if length > SIZE_LINE_BYTES_MAX {
            return Err(BodyError::ChunkExtension);
        }
        match tail.get(length..) {
            Some([b'\r', b'\n', ..]) => {
                self.extension_bytes += length;
                if self.extension_bytes > EXTENSION_BYTES_MAX {
                    return Err(BodyError::ChunkExtension);
                }
                Ok(Some(length))
            }
            Some([] | [b'\r']) | None => Ok(None),
            _ => Err(BodyError::ChunkExtension),
        }
    }

    /// Reads one line of `trailer-section CRLF`; answers the bytes it took, or `None` for more.
    fn trailer_line(&mut self, rest: &[u8]) -> Result<Option<usize>, BodyError> {
        let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let (line, ending) = rest.split_at(end);
        if self.trailer_bytes + line.len() > TRAILER_BYTES_MAX {
            return Err(BodyError::TrailersTooLarge);
        }
        match ending {
            [b'\r', b'\n', ..] if line.is_empty() => self.state = State::Done,
            [b'\r', b'\n', ..] => self.take_trailer(line)?,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(BodyError::Trailers),
        }
        Ok(Some(end + 2))
    }

    /// Takes one trailer field, and keeps it if it may be passed on.
    fn take_trailer(&mut self, line: &[u8]) -> Result<(), BodyError> {
        self.trailer_bytes += line.len();
        self.trailer_fields += 1;
        if self.trailer_fields > TRAILER_FIELDS_MAX {
            return Err(BodyError::TrailersTooLarge);
        }
        let colon = memchr::memchr(b':', line).ok_or(BodyError::Trailers)?;
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        if !is_token(name) || !message::is_field_value(value) {
            return Err(BodyError::Trailers);
        }
        let name = std::str::from_utf8(name).map_err(|_| BodyError::Trailers)?;
        if may_be_trailer(name) {
            self.trailers.get_or_insert_default().append_known(Known::Other, name, value);
        }
        Ok(())
    }
}

/// Takes optional whitespace off both ends (RFC 9110 §5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Hexadecimal digits, at most 16.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        sum.checked_mul(16).map(|sum| sum + u64::from(digit))
    })
}
