//! Moment 8 for HTTP/2: a response's head as `h2` takes it.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Response as Head, StatusCode};
use message::{Fields, Response};

/// A response's head. Switching protocols is a success there (RFC 8441 §5).
pub(super) fn head(response: &Response) -> Head<()> {
    let mut head = Head::new(());
    let switches = response.status == 101;
    let status = if switches { 200 } else { response.status };
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    *head.headers_mut() = fields(&response.fields);
    if switches {
        head.headers_mut().remove("sec-websocket-accept");
    }
    if let Some(length) = response.length().filter(|_| !switches) {
        head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    head
}

/// Fields or trailers: all that `http` can express, which is all but a few bytes in values.
pub(super) fn fields(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // Refused only beyond 32,768 fields, which no head that was read has.
            let _ = map.try_append(name, value);
        }
    }
    map
}
