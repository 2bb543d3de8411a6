//! Fields and trailers.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use message::{Body, Fields, may_be_trailer};

/// All fields that `http` can express, which is all but a few bytes in values.
pub(super) fn to_map(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields.iter() {
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            // Refused only beyond 32,768 fields, which no head that was read has.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// As [`to_map`], with the length of a body that has one.
pub(super) fn to_map_with_length(fields: &Fields, body: Body, announced: Option<u64>) -> HeaderMap {
    let mut map = to_map(fields);
    let length = match body {
        Body::Length(bytes) => Some(bytes),
        _ => announced,
    };
    if let Some(length) = length {
        map.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    map
}

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

/// Trailers on their way to a guest.
pub fn trailers_to_guest(trailers: &Fields) -> HeaderMap {
    to_map(trailers)
}

/// Trailers of a guest: those that mean something there. What frames, routes, authenticates or says how to read the content comes
/// too late to be true (RFC 9110 §6.5.1), and is left out.
pub fn trailers_from_guest(map: &HeaderMap, trailers: &mut Fields) {
    for (name, value) in map {
        if may_be_trailer(name.as_str()) {
            trailers.append(name.as_str(), trim(value.as_bytes()));
        }
    }
}
