//! The body of a guest's answer: its announced length is kept, its end is believed only while the guest lives.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::meter::Meter;
use crate::{Failure, HttpError, WasiBody};

/// Most bytes that are taken of a body behind the failure of its call: what was under way.
const LATE_BYTES_MAX: usize = 64 << 10;

/// How much body follows a head that lets one follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Exactly this many bytes more.
    Exactly(u64),
    /// At most this many bytes more.
    AtMost(u64),
}

/// The body of a guest's answer. Dropped before its end, it ends the guest: nobody wants it any more.
pub struct Answer {
    /// `None`: it has none.
    guest: Option<WasiBody>,
    meter: Arc<Meter>,
    length: Length,
    ended: bool,
    /// What is wrong with the body itself.
    failure: Option<Failure>,
    /// What has come since the call failed.
    late_bytes: usize,
}

impl Answer {
    pub(crate) fn new(guest: WasiBody, meter: Arc<Meter>, length: Length) -> Self {
        let ended = length == Length::Exactly(0);
        if !ended {
            meter.begin_body();
        }
        Self { guest: Some(guest), meter, length, ended, failure: None, late_bytes: 0 }
    }

    /// Of an answer that has no body.
    pub(crate) fn none(meter: Arc<Meter>) -> Self {
        Self { guest: None, meter, length: Length::Exactly(0), ended: true, failure: None, late_bytes: 0 }
    }

    /// Why the body failed, as soon as that is known: a moment after the guest has ended. `None`: it did not, or was given up.
    pub async fn failure(&self) -> Option<Failure> {
        match &self.failure {
            Some(failure) => Some(failure.clone()),
            None => poll_fn(|cx| self.meter.poll_cause(cx)).await,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let Some(guest) = self.guest.as_mut().filter(|_| !self.ended) else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(guest).poll_frame(cx);
        if polled.is_pending() {
            self.meter.wake_at_failure(cx);
        }
        // A body that was handed on goes on without its guest, whose own ends with it.
        if self.meter.has_failed() && (polled.is_pending() || self.late_bytes > LATE_BYTES_MAX) {
            self.ended = true;
            return Poll::Ready(Some(Err(HttpError::HttpResponseIncomplete)));
        }
        let given = match ready!(polled) {
            None => return Poll::Ready(self.end()),
            Some(Err(error)) => {
                tracing::debug!(target: "function", "the guest's body failed: {error}");
                return Poll::Ready(Some(Err(self.malformed("its body was given up"))));
            }
            Some(Ok(frame)) => frame,
        };
        Poll::Ready(match given.into_data() {
            Ok(bytes) => {
                self.late_bytes += if self.meter.has_failed() { bytes.len() } else { 0 };
                Some(self.data(bytes))
            }
            Err(trailers) if matches!(self.length, Length::AtMost(_)) && !self.meter.has_failed() => {
                self.ended = true;
                Some(Ok(trailers))
            }
            Err(_) => self.end(),
        })
    }

    fn data(&mut self, mut bytes: Bytes) -> Result<Frame<Bytes>, HttpError> {
        match &mut self.length {
            Length::Exactly(left) => {
                // What is too much is cut off; the head has promised no more.
                bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= bytes.len() as u64;
                self.ended = *left == 0;
            }
            Length::AtMost(left) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => *left = rest,
                None => return Err(self.fail(Failure::TooLarge)),
            },
        }
        Ok(Frame::data(bytes))
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, HttpError>> {
        self.ended = true;
        match self.length {
            // The guest's own failure is reported by the call.
            _ if self.meter.has_failed() => Some(Err(HttpError::HttpResponseIncomplete)),
            Length::Exactly(_) => Some(Err(self.malformed("its body is shorter than its `content-length`"))),
            Length::AtMost(_) => None,
        }
    }

    fn malformed(&mut self, what: &'static str) -> HttpError {
        self.fail(Failure::Malformed { what })
    }

    fn fail(&mut self, failure: Failure) -> HttpError {
        self.ended = true;
        self.failure = Some(failure.clone());
        self.meter.fail(failure);
        HttpError::HttpResponseBodySize(None)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.ended {
            self.meter.give_up();
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("length", &self.length)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        let was_ended = this.ended;
        let polled = this.poll(cx);
        if this.ended && !was_ended {
            this.meter.end_body();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::Exactly(left) => SizeHint::with_exact(left),
            Length::AtMost(_) => SizeHint::default(),
        }
    }
}
