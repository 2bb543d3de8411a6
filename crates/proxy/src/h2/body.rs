//! Bodies on a stream: what comes, as it is here, and what goes, as far as the other side has room.

use std::io;
use std::rc::Rc;
use std::task::Poll;

use message::{Fields, Piece};

use super::link::{Gone, Link};
use super::stream::Stream;
use crate::adapter::SinkError;
use crate::buffers::Output;
use crate::h1::wait;
use crate::timers::{Ticks, Timer};

/// What comes behind a head.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    link: &'a Link,
    stream: &'a Stream,
    /// The piece given last.
    lent: Output,
    trailers: Option<Box<Fields>>,
    /// Whether the last piece has been given.
    pub(super) ended: bool,
}

impl<'a> Incoming<'a> {
    /// A tunnel's is not a body, and begins when the tunnel does.
    pub(super) fn new(link: &'a Link, stream: &'a Stream, is_body: bool) -> Self {
        let ended = !is_body || stream.has_received.get() && stream.received.borrow().bytes.is_empty();
        let ended = ended && stream.trailers.borrow().is_none();
        Self { link, stream, lent: Output::default(), trailers: None, ended }
    }

    /// Takes the next bytes, or the trailers when there are no more; answers how many bytes there are.
    ///
    /// # Errors
    /// When the stream is gone, and not all has come.
    pub(super) fn poll_more(&mut self) -> Poll<Result<usize, Gone>> {
        let Self { stream, .. } = self;
        if !stream.is_withheld() {
            self.lent = std::mem::take(&mut *stream.received.borrow_mut());
        }
        if stream.has_received.get() {
            self.trailers = stream.trailers.take();
            self.ended = true;
        } else if self.lent.bytes.is_empty() {
            if stream.is_gone.get() {
                return Poll::Ready(Err(Gone));
            }
            stream.is_reading.set(true);
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.lent.bytes.len()))
    }

    /// What has been taken last.
    pub(super) fn piece(&self) -> Piece<'_> {
        let trailers = self.trailers.as_deref().filter(|_| self.ended);
        Piece { data: &self.lent.bytes, end: self.ended, trailers }
    }

    /// Whether [`Incoming::poll_more`] has an answer, or waits for nothing but the end.
    pub(super) fn is_ready(&self) -> bool {
        let Self { stream, .. } = self;
        let is_over = stream.has_received.get() || stream.is_gone.get();
        is_over || stream.is_withheld() || !stream.received.borrow().bytes.is_empty()
    }

    /// Has the other side send more in place of the piece given last.
    pub(super) fn release(&mut self) {
        let lent = std::mem::take(&mut self.lent);
        if !lent.bytes.is_empty() {
            self.link.credit_stream(self.stream, lent.bytes.len());
        }
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Sends a piece behind a head that has gone out, as the other side takes it: no byte within `idle` is too slow.
pub(super) async fn send(
    link: &Link,
    stream: &Rc<Stream>,
    piece: Piece<'_>,
    timer: &Timer,
    idle: Ticks,
) -> Result<(), SinkError> {
    let trailers = piece.trailers.filter(|trailers| piece.end && !trailers.is_empty());
    let ends_by_data = piece.end && trailers.is_none();
    let mut rest = piece.data;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(room(link, stream, rest.len(), timer, idle).await?);
        link.send_data(stream, now, ends_by_data && later.is_empty())?;
        rest = later;
    }
    if !piece.data.is_empty() {
        link.sent_piece();
    }
    if piece.is_nothing() {
        link.send_data(stream, &[], true)?;
    }
    if let Some(trailers) = trailers {
        link.send_trailers(stream, trailers)?;
    }
    Ok(())
}

/// Waits until the other side takes some of `count` bytes; how many.
async fn room(
    link: &Link,
    stream: &Rc<Stream>,
    count: usize,
    timer: &Timer,
    idle: Ticks,
) -> Result<usize, SinkError> {
    if let Poll::Ready(room) = link.poll_room(stream, count) {
        return Ok(room?);
    }
    timer.set(idle);
    let room = wait(timer, |_| link.poll_room(stream, count).map_err(io::Error::from));
    match room.await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
        room => Ok(room?),
    }
}

impl From<Gone> for SinkError {
    fn from(gone: Gone) -> Self {
        Self::Io(gone.into())
    }
}
