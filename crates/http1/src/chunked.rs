//! The chunked transfer coding (RFC 9112 §7.1), decoded in place.

use message::Fields;

use crate::BodyError;
use crate::lines::ends_are_strict;

/// Longest chunk-size line with its extensions, bytes. Extensions are read and dropped.
const SIZE_LINE_BYTES_MAX: usize = 4096;
/// Extension bytes over a whole body, so that a stream of one-byte chunks cannot carry more of them than data.
const EXTENSION_BYTES_MAX: usize = 64 << 10;
/// Trailer section, bytes.
const TRAILER_BYTES_MAX: usize = 16 << 10;
/// Trailer fields.
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
    trailers: Option<Box<Fields>>,
}

impl Chunked {
    /// A decoder before its first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trailer fields, once the body has ended with some.
    pub fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_deref()
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
                State::Trailers => match self.trailer_section(rest)? {
                    Some(taken) => {
                        done.consumed += taken;
                        self.state = State::Done;
                    }
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

    /// Reads `trailer-section CRLF`; answers the bytes it took, or `None` for more.
    fn trailer_section(&mut self, rest: &[u8]) -> Result<Option<usize>, BodyError> {
        match rest {
            [b'\r', b'\n', ..] => return Ok(Some(2)),
            [] | [b'\r'] => return Ok(None),
            [b'\r' | b'\n', ..] => return Err(BodyError::Trailers),
            _ => {}
        }
        let mut slots = [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX];
        match httparse::parse_headers(rest, &mut slots) {
            Ok(httparse::Status::Complete((length, _))) if length > TRAILER_BYTES_MAX => {
                Err(BodyError::TrailersTooLarge)
            }
            Ok(httparse::Status::Complete((length, headers))) => {
                self.keep_trailers(&rest[..length], headers)?;
                Ok(Some(length))
            }
            Ok(httparse::Status::Partial) if rest.len() > TRAILER_BYTES_MAX => {
                Err(BodyError::TrailersTooLarge)
            }
            Ok(httparse::Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => Err(BodyError::TrailersTooLarge),
            Err(_) => Err(BodyError::Trailers),
        }
    }

    /// Keeps the trailers that may be passed on: none that frame, route or authenticate (RFC 9110 §6.5.1).
    fn keep_trailers(&mut self, section: &[u8], headers: &[httparse::Header<'_>]) -> Result<(), BodyError> {
        if !ends_are_strict(section) {
            return Err(BodyError::Trailers);
        }
        let mut fields = Box::<Fields>::default();
        for header in headers {
            let known = message::Known::of(header.name.as_bytes());
            let behind =
                section.get(header.name.as_ptr().addr() - section.as_ptr().addr() + header.name.len());
            if behind != Some(&b':') {
                return Err(BodyError::Trailers);
            }
            if known == message::Known::Other && !header.name.eq_ignore_ascii_case("authorization") {
                fields.append_known(known, header.name, header.value);
            }
        }
        self.trailers = (!fields.is_empty()).then_some(fields);
        Ok(())
    }
}

/// Hexadecimal digits, at most 16.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        sum.checked_mul(16).map(|sum| sum + u64::from(digit))
    })
}
