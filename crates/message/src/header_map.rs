//! Fields as the crate `http` has them.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};

use crate::{Fields, may_be_trailer};

/// All fields that `http` can express, which is all but a few bytes in values; with a `Content-Length` if there is one to say.
pub fn to_header_map(fields: &Fields, length: Option<u64>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // Refused only beyond 32,768 fields, which no head that was read has.
            let _ = map.try_append(name, value);
        }
    }
    if let Some(length) = length {
        map.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    map
}

/// Trailers that mean something there. What frames, routes, authenticates or says how to read the content comes too late to be true
/// (RFC 9110 §6.5.1), and is left out.
pub fn trailers_of(map: &HeaderMap) -> Fields {
    let mut trailers = Fields::default();
    for (name, value) in map {
        if may_be_trailer(name.as_str()) {
            // Optional whitespace is no part of a value (RFC 9110 §5.5).
            trailers.append(name.as_str(), value.as_bytes().trim_ascii());
        }
    }
    trailers
}
