//! Messages to bytes: the framing and connection fields are written anew from what the message says.

use message::{Body, Fields, Request, Response, Version};

/// Writes the head of a request to an upstream, always as HTTP/1.1 in origin or asterisk form (RFC 9112 §3.2).
pub fn encode_request(request: &Request, out: &mut Vec<u8>) {
    let fields = &request.fields;
    out.extend_from_slice(fields.bytes(request.method_text));
    out.push(b' ');
    if request.asterisk {
        out.push(b'*');
    } else {
        out.extend_from_slice(fields.bytes(request.path));
        if request.has_query {
            out.push(b'?');
            out.extend_from_slice(fields.bytes(request.query));
        }
    }
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(fields.bytes(request.authority));
    out.extend_from_slice(b"\r\n");
    fields.write_to(out);
    match request.body {
        Body::Empty if wants_length(request) => out.extend_from_slice(b"content-length: 0\r\n"),
        body => write_framing(body, out),
    }
    if !request.upgrade.is_empty() {
        write_upgrade(fields.bytes(request.upgrade), out);
    } else if request.takes_trailers {
        out.extend_from_slice(b"connection: te\r\nte: trailers\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// A request whose method gives a body meaning says that there is none (RFC 9110 §8.6).
fn wants_length(request: &Request) -> bool {
    use message::Method::{Patch, Post, Put};
    matches!(request.method, Post | Put | Patch)
}

/// How a response's body is framed for a client of `version`: HTTP/1.1 knows chunks, HTTP/1.0 only the close (RFC 9112 §6.1, §6.3).
pub const fn framing_for(body: Body, version: Version) -> Body {
    match (body, version) {
        (Body::UntilClose, Version::Http11) => Body::Streamed,
        (Body::Streamed, Version::Http10) => Body::UntilClose,
        (body, _) => body,
    }
}

/// Writes the head of a response to a client of `version`, with a body of that [`framing_for`] it; `keep_alive` says whether the
/// connection stays.
pub fn encode_response(response: &Response, version: Version, keep_alive: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(response.status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(response.reason());
    out.extend_from_slice(b"\r\n");
    response.fields.write_to(out);
    match response.length() {
        Some(length) => write_framing(Body::Length(length), out),
        None => write_framing(framing_for(response.body, version), out),
    }
    if response.status == 101 {
        write_upgrade(response.fields.bytes(response.upgrade), out);
    } else if !keep_alive && response.status >= 200 {
        out.extend_from_slice(b"connection: close\r\n");
    } else if version == Version::Http10 && response.status >= 200 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_framing(body: Body, out: &mut Vec<u8>) {
    match body {
        Body::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        Body::Streamed => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Body::Empty | Body::UntilClose | Body::Tunnel => {}
    }
}

fn write_upgrade(protocol: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"connection: upgrade\r\nupgrade: ");
    out.extend_from_slice(protocol);
    out.extend_from_slice(b"\r\n");
}

/// Writes `chunk-size CRLF` (RFC 9112 §7.1).
pub fn write_chunk_size(size: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut shift = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1) * 4;
    while shift > 0 {
        shift -= 4;
        out.push(DIGITS[(size >> shift) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the last chunk with its trailers (RFC 9112 §7.1.2).
pub fn encode_trailers(trailers: Option<&Fields>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        trailers.write_to(out);
    }
    out.extend_from_slice(b"\r\n");
}
