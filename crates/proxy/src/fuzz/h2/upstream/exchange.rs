//! One who asks on a connection to an upstream, as the pipeline does.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http1::HeadLimits;
use message::{Body, Fields, Method, Piece, Request, Response};

use super::{Ended, Outcome, Question, pattern};
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::fuzz::h2::gateway::Patterns;
use crate::fuzz::h2::wire::InMemory;
use crate::h1::wait;
use crate::h2::{Asking, Handle};
use crate::timers::{Ticks, Timer};
use crate::worker::Worker;

/// How long an answer, and each piece, is waited for.
const WAIT: Ticks = Ticks::from_ms(1_000);
/// Of a request for a WebSocket (RFC 6455 §1.3).
const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
const LIMITS: HeadLimits = HeadLimits { head_bytes: 32 << 10, fields: 100, target_bytes: 8 << 10 };

/// What an exchange needs.
pub(super) struct Exchange {
    /// Its number.
    pub(super) at: usize,
    pub(super) question: Question,
    pub(super) worker: Rc<Worker<Patterns>>,
    pub(super) wire: InMemory,
    /// Grows with what happens.
    pub(super) moved: Rc<Cell<u64>>,
    pub(super) outcomes: Rc<RefCell<Vec<Outcome>>>,
}

impl Exchange {
    pub(super) async fn run(self, handle: Handle) {
        let ended = self.converse(handle).await;
        let moment = self.wire.wire(|wire| wire.moment());
        self.note(|outcome| (outcome.ended, outcome.at) = (Some(ended), moment));
    }

    fn note(&self, note: impl FnOnce(&mut Outcome)) {
        self.moved.set(self.moved.get() + 1);
        note(&mut self.outcomes.borrow_mut()[self.at]);
    }

    async fn converse(&self, handle: Handle) -> Ended {
        let timer = Timer::of_this_task(self.worker.timers.clone()).await;
        let asking = Asking::new(handle);
        if self.question.is_tunnel {
            return self.converse_both_ways(&asking, &timer).await;
        }
        let (mut source, mut sink) = asking.split(&timer, WAIT, &LIMITS);
        let request = self.request();
        timer.set(WAIT);
        sink.start(&request);
        if self.question.is_head_only() {
            if sink.write(Piece::END).await.is_err() {
                return Ended::Closed;
            }
            timer.set(WAIT);
            return self.download(&mut source, request.method, &timer).await;
        }
        let (mut up, mut down) =
            (pin!(self.upload(&mut sink, &timer)), pin!(self.download(&mut source, request.method, &timer)));
        let mut is_up = false;
        poll_fn(|context| {
            is_up = is_up || up.as_mut().poll(context).is_ready();
            down.as_mut().poll(context)
        })
        .await
    }

    /// Asks for a tunnel, and has both directions go to their ends.
    async fn converse_both_ways(&self, asking: &Asking, timer: &Timer) -> Ended {
        timer.set(WAIT);
        match wait(timer, |_| asking.poll_takes_tunnels(timer).map(Ok)).await {
            Err(_) => return Ended::TimedOut,
            Ok(false) => return Ended::NoTunnel,
            Ok(true) => timer.set(WAIT),
        }
        let (mut source, mut sink) = asking.split(timer, WAIT, &LIMITS);
        let request = self.request();
        sink.start(&request);
        if sink.write(Piece::END).await.is_err() {
            return Ended::Closed;
        }
        timer.set(WAIT);
        match self.head(&mut source, request.method, timer).await {
            Err(ended) => return ended,
            Ok(101) => {}
            Ok(_) => return self.body(&mut source).await,
        }
        let (mut source, mut sink) = asking.tunnel(timer, WAIT, &LIMITS);
        let (mut up, mut down) = (pin!(self.upload(&mut sink, timer)), pin!(self.body(&mut source)));
        let (mut up_ended, mut down_ended) = (false, None);
        poll_fn(|context| {
            if !up_ended && let Poll::Ready(outcome) = up.as_mut().poll(context) {
                match outcome {
                    Ok(()) => up_ended = true,
                    Err(SinkError::TimedOut) => return Poll::Ready(Ended::TimedOut),
                    Err(_) => return Poll::Ready(Ended::Reset),
                }
            }
            if down_ended.is_none()
                && let Poll::Ready(ended) = down.as_mut().poll(context)
            {
                down_ended = Some(ended);
            }
            match down_ended {
                Some(ended) if up_ended || ended != Ended::Whole => Poll::Ready(ended),
                _ => Poll::Pending,
            }
        })
        .await
    }

    fn request(&self) -> Request {
        let Question { method, is_tunnel, count, says_length, .. } = self.question;
        let mut request = Request::default();
        request.method = Method::of(method.as_bytes());
        request.method_text = request.fields.store(method.as_bytes());
        request.path = request.fields.store(format!("/{}", self.at).as_bytes());
        request.set_authority("shop.example");
        if is_tunnel {
            request.upgrade = request.fields.store(b"websocket");
            request.fields.append("sec-websocket-key", KEY);
            request.fields.append("sec-websocket-version", b"13");
        }
        request.body = match says_length {
            _ if is_tunnel || self.question.is_head_only() => Body::Empty,
            true => Body::Length(count as u64),
            false => Body::Streamed,
        };
        request
    }

    async fn pause(&self) {
        if self.question.is_slow {
            self.worker.hooks.tick().await;
            self.moved.set(self.moved.get() + 1);
        }
    }

    async fn upload(&self, sink: &mut impl Sink, timer: &Timer) -> Result<(), SinkError> {
        let Question { count, piece, ends_apart, has_trailers, is_slow, .. } = self.question;
        if is_slow {
            sink.flush().await?;
        }
        let mut trailers = Fields::default();
        trailers.append("x-trailer", b"1");
        let trailers = has_trailers.then_some(&trailers);
        let body: Vec<u8> = (self.at..self.at + count).map(pattern).collect();
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            self.pause().await;
            let (data, later) = rest.split_at(rest.len().min(piece.max(1)));
            let end = later.is_empty() && !ends_apart;
            sink.write(Piece { data, end, trailers: trailers.filter(|_| end) }).await?;
            rest = later;
        }
        if body.is_empty() || ends_apart {
            self.pause().await;
            sink.write(Piece { trailers, ..Piece::END }).await?;
        }
        timer.set(WAIT);
        Ok(())
    }

    async fn download(&self, source: &mut impl ResponseSource, method: Method, timer: &Timer) -> Ended {
        match self.head(source, method, timer).await {
            Err(ended) => ended,
            Ok(_) => self.body(source).await,
        }
    }

    /// Waits for the final head; its status.
    async fn head(
        &self,
        source: &mut impl ResponseSource,
        method: Method,
        timer: &Timer,
    ) -> Result<u16, Ended> {
        let mut response = Response::default();
        loop {
            source.head(method, &mut response).await.map_err(|error| no_response(&error))?;
            if response.status >= 200 || response.status == 101 {
                break;
            }
            self.note(|outcome| outcome.interim += 1);
            timer.set(WAIT);
        }
        self.note(|outcome| {
            outcome.status = Some(response.status);
            outcome.mark = response.fields.get("x-mark").map(<[u8]>::to_vec);
        });
        Ok(response.status)
    }

    async fn body(&self, source: &mut impl Source) -> Ended {
        let mut count = 0;
        loop {
            if self.question.gives_up_at.is_some_and(|at| count >= at) {
                return Ended::GaveUp;
            }
            self.pause().await;
            let piece = match source.next().await {
                Ok(piece) => piece,
                Err(SourceError::TimedOut) => return Ended::TimedOut,
                Err(SourceError::Framing(_)) => return Ended::Malformed,
                Err(_) => return Ended::Reset,
            };
            count += piece.data.len();
            self.note(|outcome| {
                outcome.body.extend_from_slice(piece.data);
                let trailer = piece.trailers.and_then(|trailers| trailers.get("x-trailer"));
                outcome.trailer = trailer.map(<[u8]>::to_vec);
            });
            if piece.end {
                return Ended::Whole;
            }
        }
    }
}

fn no_response(error: &NoResponse) -> Ended {
    match error {
        NoResponse::TimedOut => Ended::TimedOut,
        NoResponse::Closed => Ended::Closed,
        NoResponse::Unprocessed => Ended::Unprocessed,
        NoResponse::Malformed(_) | NoResponse::Misframed(_) => Ended::Malformed,
        NoResponse::Io(_) | NoResponse::Refused(_) => Ended::Reset,
    }
}
