//! A client's stream, as the pipeline wants it.

use std::io;
use std::rc::Rc;
use std::task::Poll;

use message::{Piece, Response};

use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};
use crate::buffers::Output;
use crate::h1::wait;
use crate::h2::body::{self, Incoming};
use crate::h2::link::{Gone, Link};
use crate::h2::stream::Stream;
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
    /// Whether it has become a tunnel.
    pub(super) is_tunnel: bool,
    pub(super) timer: &'a Timer,
    /// Longest time without a byte of a body.
    pub(super) idle: Ticks,
}

impl Conversation<'_> {
    /// Reads away for a moment what is left of a request that has been answered: the reset that comes then, although it speaks of no
    /// error (RFC 9113 §8.1), makes some clients forget the answer. A tunnel that has failed is not one.
    pub(super) async fn linger(&mut self) {
        if self.is_tunnel || self.incoming.ended {
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
                self.incoming.poll_more().map_err(io::Error::from)
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
        let Self { link, stream, incoming, started, timer, idle, .. } = self;
        (
            StreamSource { incoming: &mut *incoming, stream, timer, idle: *idle },
            StreamSink { link, stream, started, timer, idle: *idle },
        )
    }

    fn tunnel(&mut self) {
        self.is_tunnel = true;
        self.incoming.ended = false;
    }
}

/// A client's side of a stream.
#[derive(Debug)]
pub(super) struct StreamSource<'b, 'a> {
    incoming: &'b mut Incoming<'a>,
    stream: &'b Stream,
    timer: &'b Timer,
    idle: Ticks,
}

impl Source for StreamSource<'_, '_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let Self { incoming, stream, timer, idle } = self;
        incoming.release();
        if !incoming.ended {
            timer.set(*idle);
            let more = wait(timer, |_| match stream.is_gone.get() {
                // Whoever serves it knows, and ends it.
                true => Poll::Pending,
                false => incoming.poll_more().map_err(io::Error::from),
            });
            // Nothing else can go wrong.
            more.await.map_err(|_| SourceError::TimedOut)?;
        }
        Ok(incoming.piece())
    }

    fn has_buffered(&self) -> bool {
        !self.incoming.ended && self.incoming.is_ready()
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
}

impl Sink for StreamSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        if self.started.is_some() && piece.is_nothing() {
            return self.send_head(true);
        }
        self.send_head(false)?;
        body::send(self.link, self.stream, piece, self.timer, self.idle).await
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::timers::Timers;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_tunnel_that_has_failed_is_not_lingered_on() {
        let timers = Rc::new(Timers::default());
        let Poll::Ready(timer) = poll(Timer::of_this_task(timers.clone())) else {
            panic!("it is there at once")
        };
        let link = Link::new(timers, 1 << 16, 1 << 16);
        let stream = link.open_stream(1, false, None);
        let incoming = Incoming::new(&link, &stream, true);
        let (started, is_tunnel, idle) = (None, false, Ticks::NEVER);
        let mut conversation =
            Conversation { link: &link, stream: &stream, incoming, started, is_tunnel, timer: &timer, idle };
        assert!(poll(conversation.linger()).is_pending(), "the rest of a request is read away");
        conversation.tunnel();
        assert!(poll(conversation.linger()).is_ready());
    }
}
