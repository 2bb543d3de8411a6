//! Responses, from guests and to them.

use http::StatusCode;
use http::response::Parts;
use message::{Body, Response, to_header_map};

use crate::Failure;

use super::fields::{announced_length, append_end_to_end};

/// What a guest's head lets follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body, by rule; perhaps the length of the one that would have been.
    None { announced: Option<u64> },
    /// A body of that many bytes.
    Length(u64),
    /// A body of unknown length.
    Streamed,
}

/// Says what may follow a guest's head (RFC 9110 §6.4.1).
///
/// # Errors
///
/// What makes the head one that cannot be sent.
pub(crate) fn framing(head: &Parts, answers_head: bool) -> Result<Framing, &'static str> {
    let status = head.status.as_u16();
    if !(200..=599).contains(&status) {
        return Err("its status is not one from 200 to 599");
    }
    let announced = announced_length(&head.headers)?;
    Ok(match announced {
        // It says nothing about a body there never is (RFC 9110 §8.6).
        _ if status == 204 => Framing::None { announced: None },
        _ if answers_head || status == 304 => Framing::None { announced },
        // A 205 has none either, but must say so (RFC 9110 §15.3.6).
        _ if status == 205 => Framing::Length(0),
        Some(bytes) => Framing::Length(bytes),
        None => Framing::Streamed,
    })
}

/// A guest's head as a message, with the framing that its body keeps. `response` is cleared first.
///
/// # Errors
///
/// [`Failure::Malformed`].
pub fn response_from_guest(head: &Parts, answers_head: bool, response: &mut Response) -> Result<(), Failure> {
    let framing = framing(head, answers_head).map_err(|what| Failure::Malformed { what })?;
    let (body, announced_length) = match framing {
        Framing::None { announced } => (Body::Empty, announced),
        Framing::Length(bytes) => (Body::Length(bytes), None),
        Framing::Streamed => (Body::Streamed, None),
    };
    response.start(head.status.as_u16(), body);
    response.announced_length = announced_length;
    response.answers_head = answers_head;
    response.keep_alive = true;
    append_end_to_end(&head.headers, &mut response.fields);
    Ok(())
}

/// A response's head for a guest that asked for it.
pub fn response_to_guest(response: &Response) -> Parts {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    parts.headers = to_header_map(&response.fields, response.body.length().or(response.announced_length));
    parts
}
