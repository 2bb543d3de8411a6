//! A response head: from bytes to a [`message::Response`].

use std::mem::MaybeUninit;

use message::{Body, Method, Response, Version};

use crate::lines::Lines;
use crate::{HeadError, HeadLimits};

/// Reads a response head from the front of `buffer` into `response`, which is cleared first; `method` is the request's.
///
/// Answers how many bytes the head took, or `None` when it is not complete.
///
/// # Errors
/// Any framing that is not exactly RFC 9112: such an answer is a 502, and its connection is not used again.
pub fn parse_response(
    buffer: &[u8],
    limits: &HeadLimits,
    method: Method,
    response: &mut Response,
) -> Result<Option<usize>, HeadError> {
    let mut slots = [const { MaybeUninit::uninit() }; HeadLimits::FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let slots = &mut slots[..limits.fields.min(HeadLimits::FIELDS_MAX)];
    match config.parse_response_with_uninit_headers(&mut parsed, buffer, slots) {
        Ok(httparse::Status::Complete(length)) if length <= limits.head_bytes => {
            read(&parsed, &buffer[..length], method, response)?;
            Ok(Some(length))
        }
        Ok(httparse::Status::Partial) if buffer.len() < limits.head_bytes => Ok(None),
        Ok(_) => Err(HeadError::TooLarge),
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyFields),
        Err(httparse::Error::HeaderName) => Err(HeadError::FieldName),
        Err(httparse::Error::HeaderValue) => Err(HeadError::FieldValue),
        Err(httparse::Error::NewLine) => Err(HeadError::LineEnd),
        Err(_) => Err(HeadError::StatusLine),
    }
}

fn read(
    parsed: &httparse::Response<'_, '_>,
    head: &[u8],
    method: Method,
    response: &mut Response,
) -> Result<(), HeadError> {
    response.clear();
    let (Some(status), Some(minor)) = (parsed.code, parsed.version) else {
        return Err(HeadError::StatusLine);
    };
    if !(100..600).contains(&status) {
        return Err(HeadError::Status);
    }
    if !head.starts_with(b"HTTP/1.") || !head.ends_with(b"\r\n\r\n") {
        return Err(HeadError::LineEnd);
    }
    response.status = status;
    response.answers_head = method == Method::Head;
    response.version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    response.fields.store(head);
    if let Some(reason) = parsed.reason.filter(|reason| !reason.is_empty()) {
        let start = reason.as_ptr().addr() - head.as_ptr().addr();
        response.reason = message::Span::new(start, start + reason.len());
    }
    let lines = Lines::read(parsed.headers, head, &mut response.fields)?;
    read_framing(&lines, method, response)
}

/// Which body follows (RFC 9112 §6.3).
fn read_framing(lines: &Lines, method: Method, response: &mut Response) -> Result<(), HeadError> {
    let modern = response.version == Version::Http11;
    if lines.chunked && !modern {
        return Err(HeadError::TransferEncodingVersion);
    }
    let framed = lines.body(Body::UntilClose)?;
    response.body = match response.status {
        // A length of nothing contradicts nothing.
        100..200 if lines.chunked || lines.length.is_some_and(|length| length > 0) => {
            return Err(HeadError::FramingConflict);
        }
        101 => Body::Tunnel,
        100..200 | 204 | 304 => Body::Empty,
        _ if method == Method::Head => Body::Empty,
        _ => framed,
    };
    let bodiless = response.status == 304 || method == Method::Head;
    response.announced_length = lines.length.filter(|_| bodiless);
    // What announces a body although it must not have one may well send it, behind the back of the next request (RFC 9110 §8.6).
    let may_send_more = response.status == 204 && framed != Body::Empty && framed != Body::UntilClose;
    let ends_by_itself = response.body != Body::UntilClose && !may_send_more;
    response.keep_alive = !lines.close && (modern || lines.keep_alive) && ends_by_itself;
    if response.status == 101 {
        let upgrade = lines.upgrade.filter(|upgrade| lines.upgrade_listed && !upgrade.is_empty());
        response.upgrade = upgrade.ok_or(HeadError::Status)?;
    }
    Ok(())
}
