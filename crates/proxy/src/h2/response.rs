//! Moment 8 for HTTP/2: a response's head as `h2` takes it.

use http::{Response as Head, StatusCode};
use message::{Response, to_header_map};

/// A response's head. Switching protocols is a success there (RFC 8441 §5).
pub(super) fn head(response: &Response) -> Head<()> {
    let mut head = Head::new(());
    let switches = response.status == 101;
    let status = if switches { 200 } else { response.status };
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let length = response.length().filter(|_| !switches);
    *head.headers_mut() = to_header_map(&response.fields, length);
    if switches {
        head.headers_mut().remove("sec-websocket-accept");
    }
    head
}
