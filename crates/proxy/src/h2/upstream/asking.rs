//! One request and its answer on a stream to an endpoint.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Poll, ready};

use http1::HeadLimits;
use http2::Code;
use message::{Body, Method, Piece, Request, Response};

use super::Handle;
use super::ahead::Ahead;
use super::answer::{Answer, put_head};
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::buffers::Output;
use crate::h1::wait;
use crate::h2::body::{self, Incoming};
use crate::h2::link::Gone;
use crate::h2::stream::Stream;
use crate::timers::{Slot, Ticks, Timer};

/// A stream to an endpoint while an exchange uses it.
#[derive(Debug)]
pub(crate) struct Asking {
    handle: Handle,
    /// A head that has been started and has not gone out.
    started: RefCell<Option<Started>>,
    /// The stream, once the head has gone out.
    stream: OnceCell<Rc<Stream>>,
    /// What came of the body before.
    ahead: RefCell<Option<Ahead>>,
    /// The task that waits for one.
    waiting: Cell<Option<Slot>>,
    /// Whether it asks for a tunnel, and is not one yet: nothing follows its head, which does not end the stream.
    awaits_tunnel: Cell<bool>,
}

/// A head that has not gone out.
#[derive(Debug)]
struct Started {
    /// Its frames, which have no number yet.
    head: Output,
    answer: Answer,
    /// Whether it may go out.
    is_released: bool,
    /// Whether nothing follows it.
    is_whole: bool,
}

impl Asking {
    /// On a connection that takes another stream.
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            handle,
            started: RefCell::new(None),
            stream: OnceCell::new(),
            ahead: RefCell::new(None),
            waiting: Cell::new(None),
            awaits_tunnel: Cell::new(false),
        }
    }

    /// Waits until the endpoint has said what it takes, or never will; whether it takes tunnels.
    pub(crate) fn poll_takes_tunnels(&self, timer: &Timer) -> Poll<bool> {
        self.handle.poll_settled(timer).map(|()| self.handle.takes_tunnels())
    }

    /// Both directions, to be used at the same time.
    pub(crate) fn split<'a>(
        &'a self,
        timer: &'a Timer,
        idle: Ticks,
        limits: &'a HeadLimits,
    ) -> (AnswerSource<'a>, AskingSink<'a>) {
        (
            AnswerSource { asking: self, incoming: None, timer, idle },
            AskingSink { asking: self, timer, idle, limits },
        )
    }

    /// Both directions of the tunnel that it has become.
    pub(crate) fn tunnel<'a>(
        &'a self,
        timer: &'a Timer,
        idle: Ticks,
        limits: &'a HeadLimits,
    ) -> (AnswerSource<'a>, AskingSink<'a>) {
        self.awaits_tunnel.set(false);
        let (source, sink) = self.split(timer, idle, limits);
        (AnswerSource { incoming: self.incoming(), ..source }, sink)
    }

    /// What follows the head that has come.
    fn incoming(&self) -> Option<Incoming<'_>> {
        self.stream.get().map(|stream| Incoming::new(&self.handle.0.link, stream, true))
    }

    /// Waits until the head has gone out; before it is released, there is nothing to wait for.
    fn poll_stream(&self, slot: Slot) -> Poll<Result<&Rc<Stream>, Gone>> {
        if let Some(stream) = self.stream.get() {
            return Poll::Ready(Ok(stream));
        }
        let connection = &self.handle.0;
        let mut started = self.started.borrow_mut();
        if started.as_ref().is_some_and(|started| !started.is_released) {
            return Poll::Pending;
        }
        let turn = connection.poll_turn(slot);
        self.waiting.set(turn.is_pending().then_some(slot));
        ready!(turn)?;
        let Started { head, answer, is_whole, .. } = started.take().ok_or(Gone)?;
        let begun = connection.begin(head, is_whole, answer, slot);
        Poll::Ready(Ok(self.stream.get_or_init(|| begun)))
    }

    /// Waits until all has gone out that has been taken.
    fn poll_sent(&self, slot: Slot) -> Poll<Result<&Rc<Stream>, Gone>> {
        let stream = ready!(self.poll_stream(slot))?;
        let mut ahead = self.ahead.borrow_mut();
        if let Some(held) = ahead.as_mut() {
            ready!(held.poll_send(&self.handle.0.link, stream))?;
            *ahead = None;
        }
        Poll::Ready(Ok(stream))
    }

    /// Takes a piece of a body whose stream has not begun, unless it is too much; whether it has.
    fn hold(&self, piece: Piece<'_>) -> bool {
        self.ahead.borrow_mut().get_or_insert_default().hold(piece)
    }

    /// Waits for a head, be it an interim one.
    fn poll_head(&self, slot: Slot) -> Poll<Result<Box<Response>, NoResponse>> {
        // Without a stream, nobody has looked at the request.
        let stream = ready!(self.poll_stream(slot)).map_err(|_| NoResponse::Unprocessed)?;
        // Whatever comes of that: the answer says it.
        let _ = self.poll_sent(slot);
        let answer = stream.answer.as_ref().ok_or(NoResponse::Closed)?;
        if let Some(head) = answer.pop() {
            return Poll::Ready(Ok(head));
        }
        if stream.is_gone.get() {
            return Poll::Ready(Err(answer.no_response()));
        }
        stream.is_reading.set(true);
        Poll::Pending
    }

    /// Takes note that time is up for what was waited for since bytes had come so often. If none have come since, the endpoint may have
    /// gone without a word: nobody else is to ask on the connection.
    fn time_is_up(&self, heard: u32) {
        let connection = &self.handle.0;
        // One that has not begun has waited for others, unless nothing goes out any more.
        let may_tell = self.stream.get().is_some() || connection.is_clogged();
        if may_tell && connection.link.heard() == heard {
            connection.leave();
        }
    }

    /// Whether what has come is worth something.
    fn check(&self) -> Result<(), SourceError> {
        let answer = self.stream.get().and_then(|stream| stream.answer.as_ref());
        answer.and_then(|answer| answer.misframed()).map_or(Ok(()), Err)
    }
}

/// What has not come to its end is given up.
impl Drop for Asking {
    fn drop(&mut self) {
        let connection = &self.handle.0;
        if let Some(slot) = self.waiting.get() {
            connection.give_up_turn(slot);
        }
        if let Some(stream) = self.stream.get() {
            if self.awaits_tunnel.get() && stream.has_received.get() {
                // It was not to become one, and nothing else was to follow.
                let _ = connection.link.send_data(stream, &[], true);
            }
            connection.link.give_up(stream, Code::CANCEL);
        }
        connection.call_waiting();
    }
}

/// The way to an endpoint.
#[derive(Debug)]
pub(crate) struct AskingSink<'a> {
    asking: &'a Asking,
    timer: &'a Timer,
    idle: Ticks,
    limits: &'a HeadLimits,
}

impl<'a> AskingSink<'a> {
    /// Has a head that has been started go out as soon as there is a stream for it; whether there still is one.
    fn release(&self, is_whole: bool) -> bool {
        let mut started = self.asking.started.borrow_mut();
        let Some(started) = started.as_mut() else { return false };
        started.is_released = true;
        started.is_whole = is_whole;
        true
    }

    /// Waits until all has gone out that has been taken.
    async fn sent(&self) -> Result<&'a Rc<Stream>, SinkError> {
        let Self { asking, timer, idle, .. } = *self;
        if let Poll::Ready(stream) = asking.poll_sent(timer.slot()) {
            return Ok(stream?);
        }
        timer.set(idle);
        match wait(timer, |_| asking.poll_sent(timer.slot()).map_err(io::Error::from)).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
            stream => Ok(stream?),
        }
    }
}

impl Sink for AskingSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        if self.asking.awaits_tunnel.get() {
            return self.flush().await;
        }
        let is_whole = piece.is_nothing() && self.asking.ahead.borrow().is_none();
        if self.release(is_whole) && is_whole {
            // Whoever waits for the answer waits for the stream, too.
            let _ = self.asking.poll_stream(self.timer.slot());
            return Ok(());
        }
        if self.asking.poll_stream(self.timer.slot()).is_pending() && self.asking.hold(piece) {
            return Ok(());
        }
        let stream = self.sent().await?;
        body::send(&self.asking.handle.0.link, stream, piece, self.timer, self.idle).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        if self.release(false) {
            let _ = self.asking.poll_stream(self.timer.slot());
        }
        Ok(())
    }
}

impl RequestSink for AskingSink<'_> {
    fn start(&mut self, request: &Request) {
        let connection = &self.asking.handle.0;
        let is_tunnel = is_websocket(request) && self.asking.handle.takes_tunnels();
        self.asking.awaits_tunnel.set(is_tunnel);
        let (method, head) = match is_tunnel {
            true => (Method::Connect, connection.link.prepare_websocket(request, connection.scheme)),
            false => (request.method, connection.link.prepare_request(request, connection.scheme)),
        };
        let answer = Answer::new(method, *self.limits);
        *self.asking.started.borrow_mut() =
            Some(Started { head, answer, is_released: false, is_whole: false });
    }
}

/// The way back from an endpoint.
#[derive(Debug)]
pub(crate) struct AnswerSource<'a> {
    asking: &'a Asking,
    incoming: Option<Incoming<'a>>,
    timer: &'a Timer,
    idle: Ticks,
}

impl Source for AnswerSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let Self { asking, incoming, timer, idle } = self;
        asking.check()?;
        let Some(incoming) = incoming else { return Ok(Piece::END) };
        incoming.release();
        if !incoming.ended {
            timer.set(*idle);
            let heard = asking.handle.0.link.heard();
            let more = wait(timer, |_| {
                let _ = asking.poll_sent(timer.slot());
                incoming.poll_more().map_err(io::Error::from)
            });
            match more.await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    asking.time_is_up(heard);
                    return Err(SourceError::TimedOut);
                }
                Err(error) => return Err(asking.check().err().unwrap_or(error.into())),
                Ok(_) => {}
            }
        }
        Ok(incoming.piece())
    }

    fn has_buffered(&self) -> bool {
        self.incoming.as_ref().is_some_and(|incoming| !incoming.ended && incoming.is_ready())
    }

    fn has_ended(&self) -> bool {
        self.incoming.as_ref().is_none_or(|incoming| incoming.ended)
    }
}

impl ResponseSource for AnswerSource<'_> {
    async fn head(&mut self, _: Method, response: &mut Response) -> Result<(), NoResponse> {
        let Self { asking, timer, .. } = *self;
        let heard = asking.handle.0.link.heard();
        let Ok(head) = wait(timer, |_| asking.poll_head(timer.slot()).map(Ok)).await else {
            asking.time_is_up(heard);
            return Err(NoResponse::TimedOut);
        };
        let mut head = head?;
        std::mem::swap(response, &mut *head);
        put_head(head);
        if response.status >= 200 {
            self.incoming = asking.incoming();
        }
        Ok(())
    }
}

/// Whether a request asks for a WebSocket, in a way that can be answered (RFC 6455 §4.2.1).
pub(crate) fn is_websocket(request: &Request) -> bool {
    let is_one = request.method == Method::Get
        && request.body == Body::Empty
        && request.upgrade().eq_ignore_ascii_case("websocket");
    is_one && {
        let mut keys = request.fields.values("sec-websocket-key");
        keys.next().is_some_and(http1::is_websocket_key) && keys.next().is_none()
    }
}
