//! A function seen from the connection's worker: the same two ways that an upstream's connection has.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use functions::body::{Answer, BodySender, Closed};
use functions::bridge;
use http_body::{Body as _, Frame};
use message::{Body, Fields, Method, Piece, Request, Response, to_header_map, trailers_of};
use tokio::sync::oneshot;

use super::call::Answered;
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::h1::wait;
use crate::refusal::Refusal;
use crate::timers::{Ticks, Timer};

type Arrived = Option<Result<Frame<Bytes>, functions::HttpError>>;

/// A call under way.
#[derive(Debug)]
pub(super) struct Conversation {
    upload: Option<BodySender>,
    /// Dropped before the answer, it ends the guest; later, a body does whose end has not come.
    answered: oneshot::Receiver<Answered>,
    body: Option<Answer>,
    /// What has come and not been given yet.
    arrived: Option<Arrived>,
    lent: Bytes,
    trailers: Option<Fields>,
    ended: bool,
}

impl Conversation {
    pub(super) fn new(upload: Option<BodySender>, answered: oneshot::Receiver<Answered>) -> Self {
        Self { upload, answered, body: None, arrived: None, lent: Bytes::new(), trailers: None, ended: false }
    }

    /// Both directions, to be used at the same time.
    pub(super) fn split<'a>(
        &'a mut self,
        timer: &'a Timer,
        idle: Ticks,
    ) -> (FunctionSource<'a>, FunctionSink<'a>) {
        let Self { upload, answered, body, arrived, lent, trailers, ended } = self;
        let source =
            FunctionSource { answered, body, arrived, lent, trailers, ended, announced: None, timer, idle };
        (source, FunctionSink { upload, timer, idle })
    }
}

/// The way back from a function.
#[derive(Debug)]
pub(super) struct FunctionSource<'a> {
    answered: &'a mut oneshot::Receiver<Answered>,
    body: &'a mut Option<Answer>,
    arrived: &'a mut Option<Arrived>,
    lent: &'a mut Bytes,
    trailers: &'a mut Option<Fields>,
    ended: &'a mut bool,
    /// Bytes of the body that are still to come, where its length was announced.
    announced: Option<u64>,
    timer: &'a Timer,
    idle: Ticks,
}

impl FunctionSource<'_> {
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Arrived> {
        match self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    /// Looks whether more has come already, so that it goes out together with what is about to.
    async fn look(&mut self) {
        if self.arrived.is_none() && !*self.ended {
            let polled = std::future::poll_fn(|context| Poll::Ready(self.poll_body(context))).await;
            if let Poll::Ready(arrived) = polled {
                *self.arrived = Some(arrived);
            }
        }
    }

    /// Why there is no more of the answer.
    async fn why(&mut self) -> &'static str {
        let Some(body) = &self.body else { return "function_failed" };
        let mut failure = pin!(body.failure());
        let failure = wait(self.timer, |context| failure.as_mut().poll(context).map(Ok)).await;
        failure.ok().flatten().map_or("function_malformed", |failure| failure.reason())
    }

    /// Takes what has come; answers whether there is something to give.
    fn take(&mut self, arrived: Bytes) -> bool {
        if let Some(left) = &mut self.announced {
            *left = left.saturating_sub(arrived.len() as u64);
            *self.ended = *left == 0;
        }
        *self.lent = arrived;
        *self.ended || !self.lent.is_empty()
    }
}

impl Source for FunctionSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        *self.lent = Bytes::new();
        while !*self.ended {
            self.timer.set(self.idle);
            let arrived = match self.arrived.take() {
                Some(arrived) => arrived,
                None => {
                    let timer = self.timer;
                    let polled = wait(timer, |context| self.poll_body(context).map(Ok)).await;
                    polled.map_err(|_| SourceError::TimedOut)?
                }
            };
            match arrived {
                None => *self.ended = true,
                Some(Err(_)) => return Err(SourceError::Failed(self.why().await)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if self.take(data) {
                            break;
                        }
                    }
                    Err(frame) => {
                        *self.trailers = frame.into_trailers().ok().map(|map| trailers_of(&map));
                        *self.ended = true;
                    }
                },
            }
        }
        if !*self.ended {
            self.look().await;
            match self.arrived {
                Some(None) => *self.ended = true,
                Some(Some(Ok(frame))) if frame.is_trailers() => {
                    if let Some(Some(Ok(frame))) = self.arrived.take() {
                        *self.trailers = frame.into_trailers().ok().map(|map| trailers_of(&map));
                    }
                    *self.ended = true;
                }
                _ => {}
            }
        }
        Ok(Piece {
            data: self.lent,
            end: *self.ended,
            trailers: self.trailers.as_ref().filter(|_| *self.ended),
        })
    }

    fn has_buffered(&self) -> bool {
        self.arrived.is_some()
    }

    fn has_ended(&self) -> bool {
        *self.ended
    }
}

impl ResponseSource for FunctionSource<'_> {
    async fn head(&mut self, method: Method, response: &mut Response) -> Result<(), NoResponse> {
        let answered = &mut *self.answered;
        let answered = wait(self.timer, |context| Pin::new(&mut *answered).poll(context).map(Ok)).await;
        let answer = match answered {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(failure))) => {
                return Err(NoResponse::Refused(Refusal::of_reason(failure.reason())));
            }
            // The function's thread has ended.
            Ok(Err(_)) => return Err(NoResponse::Refused(Refusal::FUNCTION_FAILED)),
            Err(_) => return Err(NoResponse::Refused(Refusal::FUNCTION_TIMEOUT)),
        };
        let (parts, body) = answer.into_parts();
        bridge::response_from_guest(&parts, method == Method::Head, response)
            .map_err(|_| NoResponse::Refused(Refusal::FUNCTION_MALFORMED))?;
        *self.ended = response.body == Body::Empty;
        if let Body::Length(length) = response.body {
            self.announced = Some(length);
        }
        *self.body = Some(body);
        self.look().await;
        Ok(())
    }
}

/// The way to a function. The head has gone with the call.
#[derive(Debug)]
pub(super) struct FunctionSink<'a> {
    upload: &'a mut Option<BodySender>,
    timer: &'a Timer,
    idle: Ticks,
}

impl Sink for FunctionSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        give(self.upload, piece, self.timer, self.idle).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl RequestSink for FunctionSink<'_> {
    fn start(&mut self, _request: &Request) {}
}

/// Gives a piece to whoever takes it on the other side; without a sender there is no body and nothing to give.
pub(super) async fn give(
    to: &mut Option<BodySender>,
    piece: Piece<'_>,
    timer: &Timer,
    idle: Ticks,
) -> Result<(), SinkError> {
    let Some(sender) = to else { return Ok(()) };
    timer.set(idle);
    if !piece.data.is_empty() {
        let data = sender.data(Bytes::copy_from_slice(piece.data));
        within(timer, data).await?;
    }
    match to.take_if(|_| piece.end) {
        Some(sender) => {
            within(timer, sender.end(piece.trailers.map(|trailers| to_header_map(trailers, None)))).await
        }
        None => Ok(()),
    }
}

async fn within(timer: &Timer, given: impl Future<Output = Result<(), Closed>>) -> Result<(), SinkError> {
    let mut given = std::pin::pin!(given);
    let taken = wait(timer, |context| given.as_mut().poll(context).map(Ok)).await;
    let taken = taken.map_err(|_| SinkError::TimedOut)?;
    Ok(taken.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?)
}
