//! Fields and trailers.

use http::header::{self, HeaderMap, HeaderName};
use message::Fields;

/// Appends what may pass from hop to hop (RFC 9110 §7.6.1): [`Fields::append`] leaves out what frames or speaks of a connection.
pub(super) fn append_end_to_end(map: &HeaderMap, fields: &mut Fields) {
    for (name, value) in map {
        if !is_nominated(map, name) && *name != header::TRAILER && *name != header::EXPECT {
            fields.append(name.as_str(), trim(value.as_bytes()));
        }
    }
}

/// Whether `Connection` names the field as one of its own.
fn is_nominated(map: &HeaderMap, name: &HeaderName) -> bool {
    let mut connection = map.get_all(header::CONNECTION).iter();
    connection.any(|value| {
        let mut elements = value.as_bytes().split(|&byte| byte == b',');
        elements.any(|element| element.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
    })
}

/// Optional whitespace is no part of a value (RFC 9110 §5.5).
fn trim(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

/// What `content-length` says: one number in digits, or nothing (RFC 9110 §8.6).
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn announced_length(map: &HeaderMap) -> Result<Option<u64>, &'static str> {
    let mut values = map.get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("it has more than one `content-length`");
    }
    let digits = value.as_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("its `content-length` is no number");
    }
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    digits.parse().map(Some).map_err(|_| "its `content-length` is too large")
}
