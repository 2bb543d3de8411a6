//! Bodies by length, by chunks, by close.

use super::head::{fields, is_token, is_value, line};
use super::{Fault, Fields, Framing, Parsed};

/// Content without its framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The content.
    pub content: Vec<u8>,
    /// Trailer fields of a chunked body.
    pub trailers: Fields,
}

/// Takes a body from the start of `bytes`; `ended`: no more bytes will come.
pub(super) fn body(bytes: &[u8], framing: Framing, ended: bool) -> Parsed<Body> {
    match framing {
        Framing::None => Parsed::Complete(Body::default(), 0),
        Framing::Length(length) => by_length(bytes, length),
        Framing::Chunked => chunked(bytes),
        Framing::Close if ended => Parsed::Complete(plain(bytes), bytes.len()),
        Framing::Close => Parsed::Partial,
    }
}

fn by_length(bytes: &[u8], length: u64) -> Parsed<Body> {
    match usize::try_from(length) {
        Ok(length) if bytes.len() >= length => Parsed::Complete(plain(&bytes[..length]), length),
        _ => Parsed::Partial,
    }
}

fn plain(content: &[u8]) -> Body {
    Body { content: content.to_vec(), trailers: Fields::default() }
}

/// A whole chunked body (RFC 9112 section 7.1).
pub fn chunked(bytes: &[u8]) -> Parsed<Body> {
    chunked_prefix(bytes).1
}

/// Like [`chunked`], and also the content of all chunks that are whole.
pub fn chunked_prefix(bytes: &[u8]) -> (Vec<u8>, Parsed<Body>) {
    let mut content = Vec::new();
    let mut at = 0;
    loop {
        let (size, used) = match size_line(&bytes[at..]) {
            Parsed::Complete(size, used) => (size, used),
            Parsed::Partial => return (content, Parsed::Partial),
            Parsed::Refused(fault) => return (content, Parsed::Refused(fault)),
        };
        at += used;
        if size == 0 {
            let end = trailers(&bytes[at..]);
            let whole = end.map(|trailers| Body { content: content.clone(), trailers }).shift(at);
            return (content, whole);
        }
        match data(&bytes[at..], size) {
            Parsed::Complete(piece, used) => {
                content.extend_from_slice(piece);
                at += used;
            }
            Parsed::Partial => return (content, Parsed::Partial),
            Parsed::Refused(fault) => return (content, Parsed::Refused(fault)),
        }
    }
}

fn data(bytes: &[u8], size: u64) -> Parsed<&[u8]> {
    let Ok(size) = usize::try_from(size) else { return Parsed::Partial };
    let ending = bytes.get(size..).unwrap_or(&[]);
    match ending {
        [] | [b'\r'] => Parsed::Partial,
        [b'\r', b'\n', ..] => Parsed::Complete(&bytes[..size], size + 2),
        _ => Parsed::Refused(Fault::ChunkEnd),
    }
}

/// The line end after a chunk's data.
pub(crate) fn chunk_end(bytes: &[u8]) -> Parsed<()> {
    data(bytes, 0).map(|_| ())
}

/// The line before a chunk's data: its size.
pub(crate) fn size_line(bytes: &[u8]) -> Parsed<u64> {
    let (text, used) = match line(bytes) {
        Parsed::Complete(text, used) => (text, used),
        // A line that is already wrong need not be waited for.
        Parsed::Partial if !bytes.is_empty() && !bytes[0].is_ascii_hexdigit() && bytes[0] != b'\r' => {
            return Parsed::Refused(Fault::ChunkSize);
        }
        Parsed::Partial => return Parsed::Partial,
        Parsed::Refused(fault) => return Parsed::Refused(fault),
    };
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if digits == 0 || digits > 16 {
        return Parsed::Refused(Fault::ChunkSize);
    }
    if !valid_extensions(&text[digits..]) {
        return Parsed::Refused(Fault::ChunkExtension);
    }
    let number = std::str::from_utf8(&text[..digits]).ok().and_then(|t| u64::from_str_radix(t, 16).ok());
    number.map_or(Parsed::Refused(Fault::ChunkSize), |size| Parsed::Complete(size, used))
}

/// `*( BWS ";" BWS name [ BWS "=" BWS value ] )` (RFC 9112 section 7.1.1).
fn valid_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some(rest) = skip_space(text).strip_prefix(b";") else { return false };
        let Some(rest) = token(skip_space(rest)) else { return false };
        text = match skip_space(rest).strip_prefix(b"=") {
            None => rest,
            Some(value) => {
                let value = skip_space(value);
                let after = if value.first() == Some(&b'"') { quoted(value) } else { token(value) };
                let Some(after) = after else { return false };
                after
            }
        };
    }
    true
}

fn skip_space(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|b| b" \t".contains(b)).count();
    &text[spaces..]
}

fn token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|&&b| is_token(b)).count();
    (length > 0).then(|| &text[length..])
}

fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(&text[at + 1..]),
            b'\\' if is_value(*text.get(at + 1)?) => at += 2,
            &b if is_value(b) && b != b'\\' => at += 1,
            _ => return None,
        }
    }
}

/// What follows the last chunk.
pub(crate) fn trailers(bytes: &[u8]) -> Parsed<Fields> {
    let mut lines = Vec::new();
    let mut at = 0;
    loop {
        match line(&bytes[at..]) {
            Parsed::Complete(text, used) => {
                at += used;
                if text.is_empty() {
                    break;
                }
                lines.push(text);
            }
            Parsed::Partial => return Parsed::Partial,
            Parsed::Refused(fault) => return Parsed::Refused(fault),
        }
    }
    match fields(&lines) {
        Ok(fields) => Parsed::Complete(fields, at),
        Err(_) => Parsed::Refused(Fault::TrailerField),
    }
}
