//! A response's head.

use crate::{Body, Fields, Span, Version};

/// A response's head.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// End-to-end fields, and the arena of the reason phrase.
    pub fields: Fields,
    /// Status code, 100 to 599.
    pub status: u16,
    /// Reason phrase as sent; empty: the usual one.
    pub reason: Span,
    /// Version the sender speaks.
    pub version: Version,
    /// What follows the head.
    pub body: Body,
    /// `Content-Length` of a response that has no body by rule (HEAD, 304).
    pub announced_length: Option<u64>,
    /// Whether it answers a HEAD, so that no body follows whatever it says.
    pub answers_head: bool,
    /// Whether the sender keeps the connection.
    pub keep_alive: bool,
    /// The protocol switched to by a 101; empty otherwise.
    pub upgrade: Span,
}

impl Response {
    /// Makes it ready for the next head and keeps its memory.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self { fields, ..Self::default() };
    }

    /// Starts a response the gateway makes itself.
    pub fn start(&mut self, status: u16, body: Body) {
        self.clear();
        self.status = status;
        self.body = body;
    }

    /// Whether nothing may follow the head: 1xx, 204 and 304 end with it, as does an answer to HEAD (RFC 9110 §6.4.1).
    pub const fn has_no_body_by_rule(&self) -> bool {
        self.status < 200 || matches!(self.status, 204 | 304) || self.answers_head
    }

    /// The `Content-Length` to say, if one is to be said: an answer to HEAD may announce one (RFC 9110 §8.6).
    pub const fn length(&self) -> Option<u64> {
        match (self.body, self.announced_length) {
            (Body::Length(length), _) | (Body::Empty, Some(length)) => Some(length),
            (Body::Empty, None) if !self.has_no_body_by_rule() => Some(0),
            _ => None,
        }
    }

    /// Reason phrase to send.
    pub fn reason(&self) -> &[u8] {
        match self.fields.bytes(self.reason) {
            b"" => reason_phrase(self.status).as_bytes(),
            sent => sent,
        }
    }
}

/// The registered reason phrase of a status code (RFC 9110 §15), or an empty one.
pub const fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "",
    }
}
