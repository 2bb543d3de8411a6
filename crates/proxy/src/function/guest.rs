//! A guest that asks, seen from the pipeline: a client in the same process.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use functions::body::{self, BodySender};
use functions::{HttpError as Error, WasiBody, bridge};
use http_body::Body as _;
use message::{Body, Fields, Piece, Response, trailers_of};
use tokio::sync::oneshot;

use super::conversation::give;
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};
use crate::h1::wait;
use crate::limits::GUEST_PIECES;
use crate::timers::{Ticks, Timer};

/// A guest's request and the way back to it.
#[derive(Debug)]
pub(super) struct Guest<'a> {
    upload: Upload,
    reply: Reply,
    timer: &'a Timer,
    idle: Ticks,
}

/// The body of its request.
#[derive(Debug)]
struct Upload {
    body: WasiBody,
    lent: Bytes,
    trailers: Option<Fields>,
    ended: bool,
}

/// What it is told.
#[derive(Debug)]
struct Reply {
    head: Option<oneshot::Sender<Result<http::Response<WasiBody>, Error>>>,
    /// A response that has been started and not told.
    started: Option<http::Response<WasiBody>>,
    body: Option<BodySender>,
}

impl<'a> Guest<'a> {
    pub(super) fn new(
        body: WasiBody,
        reply: oneshot::Sender<Result<http::Response<WasiBody>, Error>>,
        timer: &'a Timer,
        idle: Ticks,
    ) -> Self {
        Self {
            upload: Upload { ended: body.is_end_stream(), body, lent: Bytes::new(), trailers: None },
            reply: Reply { head: Some(reply), started: None, body: None },
            timer,
            idle,
        }
    }

    /// Tells it that there is no answer.
    pub(super) fn refuse(&mut self, error: Error) {
        if let Some(head) = self.reply.head.take() {
            // A guest that has ended does not want to know.
            let _ = head.send(Err(error));
        }
    }
}

impl Downstream for Guest<'_> {
    type Body<'b>
        = GuestSource<'b>
    where
        Self: 'b;
    type Sink<'b>
        = GuestSink<'b>
    where
        Self: 'b;

    fn split(&mut self) -> (Self::Body<'_>, Self::Sink<'_>) {
        let Self { upload, reply, timer, idle } = self;
        (GuestSource { upload, timer, idle: *idle }, GuestSink { reply, timer, idle: *idle })
    }

    /// A guest cannot ask for another protocol, so that no 101 comes.
    fn tunnel(&mut self) {}
}

/// The body that a guest sends.
#[derive(Debug)]
pub(super) struct GuestSource<'a> {
    upload: &'a mut Upload,
    timer: &'a Timer,
    idle: Ticks,
}

impl Source for GuestSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        let upload = &mut *self.upload;
        upload.lent = Bytes::new();
        while !upload.ended && upload.lent.is_empty() {
            self.timer.set(self.idle);
            let body = &mut upload.body;
            let polled = wait(self.timer, |context| Pin::new(&mut *body).poll_frame(context).map(Ok)).await;
            match polled.map_err(|_| SourceError::TimedOut)? {
                None => upload.ended = true,
                Some(Err(_)) => return Err(SourceError::Failed("function_failed")),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => upload.lent = data,
                    Err(frame) => {
                        upload.trailers = frame.into_trailers().ok().map(|map| trailers_of(&map));
                        upload.ended = true;
                    }
                },
            }
        }
        upload.ended |= upload.trailers.is_none() && upload.body.is_end_stream();
        let trailers = upload.trailers.as_ref().filter(|_| upload.ended);
        Ok(Piece { data: &upload.lent, end: upload.ended, trailers })
    }

    fn has_buffered(&self) -> bool {
        false
    }

    fn has_ended(&self) -> bool {
        self.upload.ended
    }
}

/// The way back to a guest.
#[derive(Debug)]
pub(super) struct GuestSink<'a> {
    reply: &'a mut Reply,
    timer: &'a Timer,
    idle: Ticks,
}

impl GuestSink<'_> {
    fn tell_head(&mut self) -> Result<(), SinkError> {
        let Some(response) = self.reply.started.take() else { return Ok(()) };
        let told = self.reply.head.take().is_some_and(|head| head.send(Ok(response)).is_ok());
        if told { Ok(()) } else { Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) }
    }
}

impl Sink for GuestSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        self.tell_head()?;
        give(&mut self.reply.body, piece, self.timer, self.idle).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.tell_head()
    }
}

impl ResponseSink for GuestSink<'_> {
    fn start(&mut self, response: &Response) {
        let (sender, body) = match response.body {
            Body::Empty => (None, body::empty()),
            _ => {
                let (sender, body) = body::channel(GUEST_PIECES);
                (Some(sender), body)
            }
        };
        self.reply.body = sender;
        let parts = bridge::response_to_guest(response);
        self.reply.started = Some(http::Response::from_parts(parts, body));
    }

    async fn interim(&mut self, _response: &Response) -> Result<(), SinkError> {
        // `wasi:http` has no interim responses.
        Ok(())
    }

    fn close_after(&mut self) {}
}
