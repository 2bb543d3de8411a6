//! What the pipeline asks of a protocol: pieces of bodies in, pieces out, heads at their start.
//!
//! The pipeline knows only `message`; each protocol, and the in-memory one of the tests, implements these traits.

use std::io;

use http1::{BodyError, HeadError};
use message::{Method, Piece, Request, Response};
use thiserror::Error;

use crate::refusal::Refusal;

/// Why no more of a body, or of a tunnel, comes.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The connection failed or was reset.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The sender broke the framing.
    #[error("the body is malformed")]
    Framing(#[from] BodyError),
    /// Nothing came in time.
    #[error("nothing came in time")]
    TimedOut,
    /// The adapter knows best; the token for the journal.
    #[error("{0}")]
    Failed(&'static str),
}

/// Why bytes could not be handed on.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The connection failed or was reset.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// Nothing was taken in time.
    #[error("nothing was taken in time")]
    TimedOut,
}

/// Why an upstream gave no response head.
#[derive(Debug, Error)]
pub enum NoResponse {
    /// It closed before any byte of an answer: a kept connection had gone stale, or the endpoint failed.
    #[error("the upstream closed without an answer")]
    Closed,
    /// It said that it has not looked at the request (RFC 9113 §8.7).
    #[error("the upstream did not look at the request")]
    Unprocessed,
    /// The connection failed in the middle of a head.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The head is not acceptable.
    #[error("the response head is malformed")]
    Malformed(#[from] HeadError),
    /// The body behind the head is broken from its first bytes on.
    #[error("the response body is malformed")]
    Misframed(#[from] BodyError),
    /// No head came in time.
    #[error("no response came in time")]
    TimedOut,
    /// The adapter knows best what the client is to be told.
    #[error("{}", .0.message)]
    Refused(Refusal),
}

impl From<SourceError> for NoResponse {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Framing(BodyError::Truncated) => Self::Io(io::ErrorKind::UnexpectedEof.into()),
            SourceError::Framing(error) => Self::Misframed(error),
            SourceError::Io(error) => Self::Io(error),
            SourceError::TimedOut => Self::TimedOut,
            SourceError::Failed(reason) => Self::Refused(Refusal::of_reason(reason)),
        }
    }
}

/// Where the bytes of a body come from.
pub trait Source {
    /// Waits for the next piece.
    ///
    /// # Cancel safety
    /// No byte is lost when the future is dropped before it is ready.
    fn next(&mut self) -> impl Future<Output = Result<Piece<'_>, SourceError>>;

    /// Whether bytes are here already, so that [`Source::next`] will not wait for long.
    fn has_buffered(&self) -> bool;

    /// Whether the last piece has been given.
    fn has_ended(&self) -> bool;
}

/// Where the bytes of a body go.
pub trait Sink {
    /// Hands on a piece, together with a head that has been started; returns once all of it has been taken.
    fn write(&mut self, piece: Piece<'_>) -> impl Future<Output = Result<(), SinkError>>;

    /// Hands on a head that has been started, without a byte of its body.
    fn flush(&mut self) -> impl Future<Output = Result<(), SinkError>>;
}

/// The way to the client.
pub trait ResponseSink: Sink {
    /// Starts the final response; it goes out with the next write or flush.
    fn start(&mut self, response: &Response);

    /// Sends an interim response (1xx other than 101), where the protocol has them.
    fn interim(&mut self, response: &Response) -> impl Future<Output = Result<(), SinkError>>;

    /// Says that no further request will be read.
    fn close_after(&mut self);
}

/// The way to an upstream.
pub trait RequestSink: Sink {
    /// Starts a request; it goes out with the next write or flush.
    fn start(&mut self, request: &Request);
}

/// The way back from an upstream.
pub trait ResponseSource: Source {
    /// Waits for a response head; the body that follows is then given by [`Source::next`].
    fn head(
        &mut self,
        method: Method,
        response: &mut Response,
    ) -> impl Future<Output = Result<(), NoResponse>>;
}

/// Whoever asked, seen from the pipeline.
pub trait Downstream {
    /// The request's body, or the client's side of a tunnel.
    type Body<'a>: Source
    where
        Self: 'a;
    /// The way to the client.
    type Sink<'a>: ResponseSink
    where
        Self: 'a;

    /// Both directions, to be used at the same time.
    fn split(&mut self) -> (Self::Body<'_>, Self::Sink<'_>);

    /// Makes what the client sends from here on a tunnel, after a 101.
    fn tunnel(&mut self);
}
