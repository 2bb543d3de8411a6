//! One stream, as the pipeline wants it.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response as Head;
use message::{Fields, Piece, Response, may_be_trailer};

use super::response;
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};
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
            if wait(self.timer, |context| self.incoming.poll_more(context)).await.is_err() {
                return;
            }
            read += self.incoming.lent.len() as u64;
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

/// What comes behind a request's head.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: RecvStream,
    /// Bytes that have been here before they were asked for.
    ahead: Option<Bytes>,
    /// The piece given last.
    lent: Bytes,
    trailers: Option<Fields>,
    /// Whether the last piece has been given.
    ended: bool,
}

impl Incoming {
    /// A tunnel's is not a body, and begins when the tunnel does.
    pub(super) fn new(stream: RecvStream, is_body: bool) -> Self {
        Self {
            ended: !is_body || stream.is_end_stream(),
            stream,
            ahead: None,
            lent: Bytes::new(),
            trailers: None,
        }
    }

    /// Takes what is here already, so that a small body goes to the upstream together with its head.
    fn look_ahead(&mut self) {
        if !self.ended && self.ahead.is_none() {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(Ok(data))) = self.stream.poll_data(&mut context) {
                self.ahead = Some(data);
            }
        }
    }

    /// Takes the next bytes, or the trailers when there are no more.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let data = match self.ahead.take() {
            Some(data) => Some(Ok(data)),
            None => ready!(self.stream.poll_data(context)),
        };
        match data {
            Some(data) => self.lent = data.map_err(failed)?,
            None => {
                self.trailers =
                    ready!(self.stream.poll_trailers(context)).map_err(failed)?.map(|map| trailers(&map));
                self.ended = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Has the client send more in place of the piece given last.
    fn release(&mut self) {
        let lent = std::mem::take(&mut self.lent);
        if !lent.is_empty() {
            // A stream that is gone needs no window.
            let _ = self.stream.flow_control().release_capacity(lent.len());
        }
    }
}

/// The client's side of a stream.
#[derive(Debug)]
pub(super) struct StreamSource<'a> {
    incoming: &'a mut Incoming,
    timer: &'a Timer,
    idle: Ticks,
}

impl Source for StreamSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let incoming = &mut *self.incoming;
        incoming.release();
        while !incoming.ended && incoming.lent.is_empty() {
            self.timer.set(self.idle);
            match wait(self.timer, |context| incoming.poll_more(context)).await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(SourceError::TimedOut),
                polled => polled?,
            }
            incoming.ended |= incoming.ahead.is_none() && incoming.stream.is_end_stream();
        }
        let trailers = incoming.trailers.as_ref().filter(|_| incoming.ended);
        Ok(Piece { data: &incoming.lent, end: incoming.ended, trailers })
    }

    fn has_buffered(&self) -> bool {
        self.incoming.ahead.is_some()
    }

    fn has_ended(&self) -> bool {
        self.incoming.ended
    }
}

/// How far the answer has come.
#[derive(Debug)]
pub(super) enum Way {
    /// No head has gone out.
    Unanswered(SendResponse<Bytes>),
    /// A head has, and not the end.
    Answering(SendStream<Bytes>),
    /// Nothing more can be sent.
    Closed,
}

impl Way {
    /// Waits for the client to take its request back (RFC 9113 §5.4.2), or to be gone.
    pub(super) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let reset = match self {
            Self::Unanswered(way) => way.poll_reset(context),
            Self::Answering(way) => way.poll_reset(context),
            Self::Closed => return Poll::Pending,
        };
        reset.map(|_| ())
    }

    /// Ends the stream so that nobody can take the answer for a whole one.
    pub(super) fn reset(&mut self, reason: Reason) {
        match std::mem::replace(self, Self::Closed) {
            Self::Unanswered(mut way) => way.send_reset(reason),
            Self::Answering(mut way) => way.send_reset(reason),
            Self::Closed => {}
        }
    }

    fn start(&mut self, head: Head<()>, is_whole: bool) -> Result<(), SinkError> {
        let Self::Unanswered(way) = self else { return Err(gone()) };
        let sending = way.send_response(head, is_whole).map_err(|error| SinkError::Io(failed(error)))?;
        *self = if is_whole { Self::Closed } else { Self::Answering(sending) };
        Ok(())
    }

    fn sending(&mut self) -> Result<&mut SendStream<Bytes>, SinkError> {
        match self {
            Self::Answering(sending) => Ok(sending),
            Self::Unanswered(_) | Self::Closed => Err(gone()),
        }
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
            Some(head) => self.way.borrow_mut().start(head, is_whole),
            None => Ok(()),
        }
    }

    /// Waits until the client has room for some of `count` bytes; as much as it has.
    async fn room(&self, count: usize) -> Result<usize, SinkError> {
        {
            let mut way = self.way.borrow_mut();
            let sending = way.sending()?;
            sending.reserve_capacity(count);
            if sending.capacity() > 0 {
                return Ok(sending.capacity().min(count));
            }
        }
        self.timer.set(self.idle);
        let room = wait(self.timer, |context| {
            let mut way = self.way.borrow_mut();
            let sending = way.sending().map_err(|_| io::ErrorKind::ConnectionReset)?;
            loop {
                match ready!(sending.poll_capacity(context)) {
                    None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                    Some(Ok(0)) => {}
                    Some(capacity) => return Poll::Ready(capacity.map_err(failed)),
                }
            }
        });
        match room.await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
            room => Ok(room?.min(count)),
        }
    }

    fn send(&self, data: Bytes, end: bool) -> Result<(), SinkError> {
        let mut way = self.way.borrow_mut();
        way.sending()?.send_data(data, end).map_err(|error| SinkError::Io(failed(error)))?;
        if end {
            *way = Way::Closed;
        }
        Ok(())
    }
}

impl Sink for StreamSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        let trailers = piece.trailers.filter(|trailers| piece.end && !trailers.is_empty());
        let ends_by_data = piece.end && trailers.is_none();
        let ends_by_head = ends_by_data && piece.data.is_empty() && self.started.is_some();
        self.send_head(ends_by_head)?;
        if ends_by_head {
            return Ok(());
        }
        let mut rest = piece.data;
        while !rest.is_empty() {
            let room = self.room(rest.len()).await?;
            let (now, later) = rest.split_at(room);
            self.send(Bytes::copy_from_slice(now), ends_by_data && later.is_empty())?;
            rest = later;
        }
        if ends_by_data && piece.data.is_empty() {
            self.send(Bytes::new(), true)?;
        }
        if let Some(trailers) = trailers {
            let mut way = self.way.borrow_mut();
            let sent = way.sending()?.send_trailers(response::fields(trailers));
            sent.map_err(|error| SinkError::Io(failed(error)))?;
            *way = Way::Closed;
        }
        Ok(())
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
            Way::Unanswered(way) => {
                way.send_informational(response::head(response)).map_err(|error| SinkError::Io(failed(error)))
            }
            Way::Answering(_) | Way::Closed => Err(gone()),
        }
    }

    /// The other streams of the connection go on.
    fn close_after(&mut self) {}
}

/// Trailers of a client: those that mean something there (RFC 9110 §6.5.1).
fn trailers(map: &http::HeaderMap) -> Fields {
    let mut trailers = Fields::default();
    for (name, value) in map {
        if may_be_trailer(name.as_str()) {
            trailers.append(name.as_str(), value.as_bytes().trim_ascii());
        }
    }
    trailers
}

/// A stream that was reset, or whose connection is gone.
fn failed(error: h2::Error) -> io::Error {
    if error.is_io() {
        error.into_io().unwrap_or(io::ErrorKind::ConnectionReset.into())
    } else {
        io::ErrorKind::ConnectionReset.into()
    }
}

fn gone() -> SinkError {
    SinkError::Io(io::ErrorKind::ConnectionReset.into())
}
