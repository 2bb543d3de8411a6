//! Fields and trailers between the gateway's form and that of `h2`.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use message::Fields;

/// All fields that `http` can express, which is all but a few bytes in values.
pub(super) fn to_map(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // Refused only beyond 32,768 fields, which no head that was read has.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// The same with a length.
pub(super) fn to_map_with_length(fields: &Fields, length: Option<u64>) -> HeaderMap {
    let mut map = to_map(fields);
    if let Some(length) = length {
        map.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    map
}
