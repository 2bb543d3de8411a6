//! Escapes in texts: `\x22` as NGINX writes them, `\"` and `\n` as Apache does.

use std::string::String;
use std::vec::Vec;

use super::line::{Line, Request};

/// Puts the texts of a line without their escapes into `out`, and lets the line and its request have them from there.
#[cold]
pub(super) fn remove<'l>(line: &mut Line<'l>, request: &mut Request<'l>, out: &'l mut String) {
    out.clear();
    let texts = [
        &mut line.user,
        &mut line.referer,
        &mut line.agent,
        &mut request.method,
        &mut request.path,
        &mut request.query,
    ];
    let ranges = texts.each_ref().map(|text| {
        let escaped = text.filter(|text| text.contains('\\'))?;
        let start = out.len();
        unescape(escaped, out);
        Some(start..out.len())
    });
    let out: &'l str = out;
    for (text, range) in texts.into_iter().zip(ranges) {
        if let Some(range) = range {
            *text = Some(&out[range]);
        }
    }
}

/// Appends the text without its escapes; as it is written where the bytes they stand for are not UTF-8.
fn unescape(text: &str, out: &mut String) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let (byte, behind) = if byte == b'\\' { escaped(behind) } else { (byte, behind) };
        bytes.push(byte);
        rest = behind;
    }
    out.push_str(std::str::from_utf8(&bytes).unwrap_or(text));
}

/// The byte that follows a backslash stands for, and what is behind; a backslash that escapes nothing is one.
fn escaped(rest: &[u8]) -> (u8, &[u8]) {
    let control = |byte: u8| match byte {
        b'"' | b'\\' => Some(byte),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'b' => Some(8),
        b'v' => Some(11),
        b'f' => Some(12),
        _ => None,
    };
    match rest {
        [b'x', high, low, behind @ ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => (high << 4 | low, behind),
            _ => (b'\\', rest),
        },
        [byte, behind @ ..] => control(*byte).map_or((b'\\', rest), |byte| (byte, behind)),
        [] => (b'\\', rest),
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
