//! A client's stream, as the pipeline wants it.

use std::io;
use std::rc::Rc;
use std::task::Poll;

use message::{Fields, Piece, Response};

use super::link::{Gone, Link};
use super::stream::Stream;
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};
use crate::buffers::Output;
use crate::h1::wait;
use crate::limits::{LINGER_BYTES, LINGER_MS};
use crate::timers::{Ticks, Timer};

/// A stream while it is being served.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) link: &'a Link,
    pub(super) stream: &'a Rc<Stream>,
    pub(super) incoming: Incoming<'a>,
    /// A head that has been started and has not gone out.
    pub(super) started: Option<Output>,
    pub(super) timer: &'a Timer,
    /// Longest time without a byte of a body.
    pub(super) idle: Ticks,
}

impl Conversation<'_> {
    /// Reads away for a moment what is left of a request that has been answered: the reset that comes then, although it speaks of no
    /// error (RFC 9113 §8.1), makes some clients forget the answer.
    pub(super) async fn linger(&mut self) {
        if self.incoming.ended {
            return;
        }
        self.timer.set(Ticks::from_ms(LINGER_MS));
        let mut read = 0;
        while !self.incoming.ended && read < LINGER_BYTES {
            self.incoming.release();
            let more = wait(self.timer, |_| {
                if self.stream.is_gone.get() {
                    return Poll::Ready(Err(Gone.into()));
                }
                self.incoming.poll_more().map(Ok)
            });
            match more.await {
                Ok(count) => read += count as u64,
                Err(_) => return,
            }
        }
    }
}

impl<'a> Downstream for Conversation<'a> {
    type Body<'b>
        = StreamSource<'b, 'a>
    where
        Self: 'b;
    type Sink<'b>
        = StreamSink<'b>
    where
        Self: 'b;

    fn split(&mut self) -> (StreamSource<'_, 'a>, StreamSink<'_>) {
        let Self { link, stream, incoming, started, timer, idle } = self;
        (
            StreamSource { incoming: &mut *incoming, timer, idle: *idle },
            StreamSink { link, stream, started, timer, idle: *idle },
        )
    }

    fn tunnel(&mut self) {
        self.incoming.ended = false;
    }
}

/// What comes behind a request's head.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    link: &'a Link,
    stream: &'a Stream,
    /// The piece given last.
    lent: Output,
    trailers: Option<Box<Fields>>,
    /// Whether the last piece has been given.
    ended: bool,
}

impl<'a> Incoming<'a> {
    /// A tunnel's is not a body, and begins when the tunnel does.
    pub(super) fn new(link: &'a Link, stream: &'a Stream, is_body: bool) -> Self {
        let ended = !is_body || stream.has_received.get() && stream.received.borrow().bytes.is_empty();
        let ended = ended && stream.trailers.borrow().is_none();
        Self { link, stream, lent: Output::default(), trailers: None, ended }
    }

    /// Takes the next bytes, or the trailers when there are no more; answers how many bytes there are.
    fn poll_more(&mut self) -> Poll<usize> {
        let Self { stream, .. } = self;
        if stream.is_gone.get() {
            // Whoever serves it knows, and ends it.
            return Poll::Pending;
        }
        self.lent = std::mem::take(&mut *stream.received.borrow_mut());
        if stream.has_received.get() {
            self.trailers = stream.trailers.take();
            self.ended = true;
        } else if self.lent.bytes.is_empty() {
            stream.is_reading.set(true);
            return Poll::Pending;
        }
        Poll::Ready(self.lent.bytes.len())
    }

    /// Has the client send more in place of the piece given last.
    fn release(&mut self) {
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

/// A client's side of a stream.
#[derive(Debug)]
pub(super) struct StreamSource<'b, 'a> {
    incoming: &'b mut Incoming<'a>,
    timer: &'b Timer,
    idle: Ticks,
}

impl Source for StreamSource<'_, '_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let Self { incoming, timer, idle } = self;
        incoming.release();
        if !incoming.ended {
            timer.set(*idle);
            let more = wait(timer, |_| incoming.poll_more().map(Ok)).await;
            // Nothing else can go wrong.
            more.map_err(|_| SourceError::TimedOut)?;
        }
        let trailers = incoming.trailers.as_deref().filter(|_| incoming.ended);
        Ok(Piece { data: &incoming.lent.bytes, end: incoming.ended, trailers })
    }

    fn has_buffered(&self) -> bool {
        !self.incoming.stream.received.borrow().bytes.is_empty()
    }

    fn has_ended(&self) -> bool {
        self.incoming.ended
    }
}

/// The way to a client on its stream.
#[derive(Debug)]
pub(super) struct StreamSink<'b> {
    link: &'b Link,
    stream: &'b Rc<Stream>,
    started: &'b mut Option<Output>,
    timer: &'b Timer,
    idle: Ticks,
}

impl StreamSink<'_> {
    fn send_head(&mut self, ends: bool) -> Result<(), SinkError> {
        let Some(head) = self.started.take() else { return Ok(()) };
        Ok(self.link.send_head(self.stream, head, ends)?)
    }

    /// Waits until the client takes some of `count` bytes; how many.
    async fn room(&self, count: usize) -> Result<usize, SinkError> {
        if let Poll::Ready(room) = self.link.poll_room(self.stream, count) {
            return Ok(room?);
        }
        self.timer.set(self.idle);
        let room = wait(self.timer, |_| self.link.poll_room(self.stream, count).map_err(io::Error::from));
        match room.await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
            room => Ok(room?),
        }
    }
}

impl Sink for StreamSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        let is_nothing = piece.is_nothing();
        if self.started.is_some() && is_nothing {
            return self.send_head(true);
        }
        self.send_head(false)?;
        let trailers = piece.trailers.filter(|trailers| piece.end && !trailers.is_empty());
        let ends_by_data = piece.end && trailers.is_none();
        let mut rest = piece.data;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.room(rest.len()).await?);
            self.link.send_data(self.stream, now, ends_by_data && later.is_empty())?;
            rest = later;
        }
        if !piece.data.is_empty() {
            self.link.sent_piece();
        }
        if is_nothing {
            self.link.send_data(self.stream, &[], true)?;
        }
        if let Some(trailers) = trailers {
            self.link.send_trailers(self.stream, trailers)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.send_head(false)
    }
}

impl ResponseSink for StreamSink<'_> {
    fn start(&mut self, response: &Response) {
        *self.started = Some(self.link.prepare_head(self.stream, response));
    }

    async fn interim(&mut self, response: &Response) -> Result<(), SinkError> {
        let head = self.link.prepare_head(self.stream, response);
        Ok(self.link.send_head(self.stream, head, false)?)
    }

    /// The other streams of the connection go on.
    fn close_after(&mut self) {}
}

impl From<Gone> for SinkError {
    fn from(gone: Gone) -> Self {
        Self::Io(gone.into())
    }
}
