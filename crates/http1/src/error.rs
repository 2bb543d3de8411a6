//! Why a message is refused, and what the sender may be told.

use thiserror::Error;

/// A head that is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message says it")]
pub enum HeadError {
    #[error("the request line is malformed")]
    RequestLine,
    #[error("the status line is malformed")]
    StatusLine,
    #[error("the version is not supported")]
    Version,
    #[error("the target is malformed")]
    Target,
    #[error("the target is too long")]
    TargetTooLong,
    #[error("a line does not end in CR LF")]
    LineEnd,
    #[error("a field name is malformed")]
    FieldName,
    #[error("a field value is malformed")]
    FieldValue,
    #[error("there are too many fields")]
    TooManyFields,
    #[error("the head is too large")]
    TooLarge,
    #[error("there is no Host")]
    HostMissing,
    #[error("there are several Hosts")]
    HostRepeated,
    #[error("the Host is malformed")]
    HostMalformed,
    #[error("the Content-Length is malformed")]
    ContentLength,
    #[error("there are several Content-Lengths")]
    ContentLengthRepeated,
    #[error("Transfer-Encoding and Content-Length stand together")]
    FramingConflict,
    #[error("the Transfer-Encoding is not one final `chunked`")]
    TransferEncoding,
    #[error("Transfer-Encoding needs HTTP/1.1")]
    TransferEncodingVersion,
    #[error("CONNECT is not offered")]
    Connect,
    #[error("the status is not acceptable here")]
    Status,
}

impl HeadError {
    /// Status for a client whose head this was (RFC 9112 §3, §6.3; RFC 9110 §15.5, §15.6).
    pub const fn status(self) -> u16 {
        match self {
            Self::TargetTooLong => 414,
            Self::TooManyFields | Self::TooLarge => 431,
            Self::Version => 505,
            Self::Connect => 501,
            _ => 400,
        }
    }

    /// Token for the journal and the error body.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TargetTooLong => "target_too_long",
            Self::TooManyFields => "too_many_headers",
            Self::TooLarge => "head_too_large",
            Self::Version => "version_not_supported",
            Self::Connect => "connect_refused",
            _ => "bad_request",
        }
    }
}

/// A body whose framing is broken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message says it")]
pub enum BodyError {
    #[error("a chunk size is malformed")]
    ChunkSize,
    #[error("a chunk extension is malformed or too long")]
    ChunkExtension,
    #[error("a chunk does not end in CR LF")]
    ChunkEnd,
    #[error("the trailers are malformed")]
    Trailers,
    #[error("the trailers are too large")]
    TrailersTooLarge,
    #[error("the connection ended before the body did")]
    Truncated,
    #[error("a frame of the body is not one that may come")]
    Frame,
}
