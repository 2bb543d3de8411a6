//! A client's stream, as the pipeline wants it.

use std::cell::RefCell;

use http::Response as Head;
use message::{Piece, Response};

use super::body::{self, Incoming, StreamSource, Way, gone, sink_failed};
use super::response;
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError};
use crate::h1::wait;
use crate::limits::{LINGER_BYTES, LINGER_MS};
use crate::timers::{Ticks, Timer};

/// A stream while it is being served.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) incoming: Incoming,
    /// Shared with whoever looks whether the client has taken its request back.
    pub(super) way: &'a RefCell<Way>,
    /// A head that has been started and has not gone out.
    pub(super) started: Option<Head<()>>,
    pub(super) timer: &'a Timer,
    /// Longest time without a byte of a body.
    pub(super) idle: Ticks,
}

impl Conversation<'_> {
    /// Reads away for a moment what is left of a request that has been answered: the reset that comes then, although it speaks of no
    /// error (RFC 9113 §8.1), makes some clients forget the answer.
    pub(super) async fn linger(&mut self) {
        self.timer.set(Ticks::from_ms(LINGER_MS));
        let mut read = 0;
        while !self.incoming.ended && read < LINGER_BYTES {
            self.incoming.release();
            match wait(self.timer, |context| self.incoming.poll_more(context)).await {
                Ok(count) => read += count as u64,
                Err(_) => return,
            }
        }
    }
}

impl Downstream for Conversation<'_> {
    type Body<'b>
        = StreamSource<'b>
    where
        Self: 'b;
    type Sink<'b>
        = StreamSink<'b>
    where
        Self: 'b;

    fn split(&mut self) -> (StreamSource<'_>, StreamSink<'_>) {
        let Self { incoming, way, started, timer, idle } = self;
        incoming.look_ahead();
        (StreamSource { incoming, timer, idle: *idle }, StreamSink { way, started, timer, idle: *idle })
    }

    fn tunnel(&mut self) {
        self.incoming.ended = false;
    }
}

/// The way to a client on its stream.
#[derive(Debug)]
pub(super) struct StreamSink<'a> {
    way: &'a RefCell<Way>,
    started: &'a mut Option<Head<()>>,
    timer: &'a Timer,
    idle: Ticks,
}

impl StreamSink<'_> {
    fn send_head(&mut self, is_whole: bool) -> Result<(), SinkError> {
        match self.started.take() {
            Some(head) => self.way.borrow_mut().answer(head, is_whole),
            None => Ok(()),
        }
    }
}

impl Sink for StreamSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        if self.started.is_some() && body::is_nothing(piece) {
            return self.send_head(true);
        }
        self.send_head(false)?;
        body::send(self.way, piece, self.timer, self.idle).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.send_head(false)
    }
}

impl ResponseSink for StreamSink<'_> {
    fn start(&mut self, response: &Response) {
        *self.started = Some(response::head(response));
    }

    async fn interim(&mut self, response: &Response) -> Result<(), SinkError> {
        match &mut *self.way.borrow_mut() {
            Way::Unanswered(way) => way.send_informational(response::head(response)).map_err(sink_failed),
            Way::Open(_) | Way::Closed => Err(gone()),
        }
    }

    /// The other streams of the connection go on.
    fn close_after(&mut self) {}
}
