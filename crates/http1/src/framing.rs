//! Where a body ends, whatever its framing.

use message::{Body, Fields};

use crate::{BodyError, Chunked, Decoded};

/// Takes the framing off a body.
#[derive(Debug)]
pub enum BodyDecoder {
    /// This many bytes are still to come.
    Length(u64),
    /// Chunked.
    Chunked(Chunked),
    /// Everything until the connection ends belongs to it.
    UntilClose,
}

impl BodyDecoder {
    /// The decoder for what a head announces.
    pub fn new(body: Body) -> Self {
        match body {
            Body::Empty => Self::Length(0),
            Body::Length(length) => Self::Length(length),
            Body::Streamed => Self::Chunked(Chunked::new()),
            Body::UntilClose | Body::Tunnel => Self::UntilClose,
        }
    }

    /// Decodes the front of `buffer`, moving the body's bytes to its front.
    ///
    /// # Errors
    /// Broken chunked framing.
    pub fn decode(&mut self, buffer: &mut [u8]) -> Result<Decoded, BodyError> {
        match self {
            Self::Length(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                *left -= take as u64;
                Ok(Decoded { consumed: take, data: take, end: *left == 0 })
            }
            Self::Chunked(chunked) => chunked.decode(buffer),
            Self::UntilClose => Ok(Decoded { consumed: buffer.len(), data: buffer.len(), end: false }),
        }
    }

    /// What the end of the connection means for this body.
    ///
    /// # Errors
    /// [`BodyError::Truncated`] unless the close is the body's end.
    pub fn close(&self) -> Result<(), BodyError> {
        match self {
            Self::UntilClose => Ok(()),
            _ => Err(BodyError::Truncated),
        }
    }

    /// How many bytes are known to come still.
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            _ => None,
        }
    }

    /// Trailer fields of a body that has ended.
    pub fn trailers(&self) -> Option<&Fields> {
        match self {
            Self::Chunked(chunked) => chunked.trailers(),
            _ => None,
        }
    }
}
