//! What of a request's body is here before its stream has begun: were it left lying, it would keep the window of its client's
//! connection from streams that could go on.

use std::rc::Rc;
use std::task::{Poll, ready};

use message::{Fields, Piece};

use crate::buffers::Output;
use crate::h2::link::{Gone, Link};
use crate::h2::stream::Stream;
use crate::limits::AHEAD_BYTES;

/// Bytes that wait for their stream.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    data: Output,
    /// How many of them have gone out.
    sent: usize,
    ends: bool,
    trailers: Option<Box<Fields>>,
}

impl Ahead {
    /// Takes a piece, unless it is too much; whether it has.
    pub(super) fn hold(&mut self, piece: Piece<'_>) -> bool {
        let fits = self.data.bytes.len() + piece.data.len() <= AHEAD_BYTES;
        if fits {
            self.data.bytes_mut().extend_from_slice(piece.data);
            self.ends = piece.end;
            let trailers = piece.trailers.filter(|trailers| piece.end && !trailers.is_empty());
            self.trailers = trailers.cloned().map(Box::new);
        }
        fits
    }

    /// Sends all of it, as far as there is room.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(super) fn poll_send(&mut self, link: &Link, stream: &Rc<Stream>) -> Poll<Result<(), Gone>> {
        let Self { data, sent, ends, trailers } = self;
        let ends_by_data = *ends && trailers.is_none();
        while *sent < data.bytes.len() {
            let rest = &data.bytes[*sent..];
            let room = ready!(link.poll_room(stream, rest.len()))?;
            link.send_data(stream, &rest[..room], ends_by_data && room == rest.len())?;
            *sent += room;
        }
        if !data.bytes.is_empty() {
            link.sent_piece();
        }
        if let Some(trailers) = trailers.take() {
            link.send_trailers(stream, &trailers)?;
        } else if ends_by_data && data.bytes.is_empty() {
            link.send_data(stream, &[], true)?;
        }
        Poll::Ready(Ok(()))
    }
}
