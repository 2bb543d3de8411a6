//! What the fuzz targets judge that the crate does not show.

pub mod h2;

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use policy::proxy_protocol::Said;
use tokio::io::{AsyncRead, ReadBuf};

use crate::connection::{Peek, read_proxy_header};

/// Reads a PROXY header of a connection whose bytes arrive so many at a time; answers with what it says, or `None`, and how many bytes
/// have been taken off the connection.
///
/// # Panics
/// When `piece` is 0, or the reader waits although bytes are there.
pub fn proxy_header(bytes: &[u8], piece: usize) -> (Option<Said>, usize) {
    assert!(piece > 0, "bytes arrive");
    let mut arriving = Arriving { bytes, piece, arrived: 0, taken: 0 };
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(said) = pin!(read_proxy_header(&mut arriving)).poll(&mut context) else {
        panic!("it waits although bytes are there");
    };
    (said.unwrap_or_default(), arriving.taken)
}

/// A connection on which more has arrived each time one looks, and which ends with the last byte.
struct Arriving<'a> {
    bytes: &'a [u8],
    piece: usize,
    arrived: usize,
    taken: usize,
}

impl Arriving<'_> {
    fn look(&mut self, into: &mut ReadBuf<'_>) -> usize {
        if self.arrived == self.taken {
            self.arrived = self.bytes.len().min(self.arrived + self.piece);
        }
        let there = &self.bytes[self.taken..self.arrived];
        let count = there.len().min(into.remaining());
        into.put_slice(&there[..count]);
        count
    }
}

impl AsyncRead for Arriving<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.taken += self.look(into);
        Poll::Ready(Ok(()))
    }
}

impl Peek for Arriving<'_> {
    fn poll_peek(&mut self, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.look(into)))
    }
}
