//! The body of a guest's answer: its announced length is kept, its end is believed only while the guest lives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::meter::Meter;
use crate::{Failure, HttpError, WasiBody};

/// How much body follows a head that lets one follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Exactly this many bytes more.
    Exactly(u64),
    /// At most this many bytes more.
    AtMost(u64),
}

/// A guest's body, as it may be sent.
pub(crate) struct Answer {
    guest: WasiBody,
    meter: Arc<Meter>,
    length: Length,
    ended: bool,
}

impl Answer {
    pub(crate) fn new(guest: WasiBody, meter: Arc<Meter>, length: Length) -> Self {
        Self { guest, meter, length, ended: length == Length::Exactly(0) }
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
        self.meter.fail(failure);
        HttpError::HttpResponseBodySize(None)
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
        if this.ended {
            return Poll::Ready(None);
        }
        let given = match ready!(Pin::new(&mut this.guest).poll_frame(cx)) {
            None => return Poll::Ready(this.end()),
            Some(Err(error)) => {
                tracing::debug!(target: "function", "the guest's body failed: {error}");
                return Poll::Ready(Some(Err(this.malformed("its body was given up"))));
            }
            Some(Ok(frame)) => frame,
        };
        Poll::Ready(match given.into_data() {
            Ok(bytes) => Some(this.data(bytes)),
            Err(trailers) if matches!(this.length, Length::AtMost(_)) && !this.meter.has_failed() => {
                this.ended = true;
                Some(Ok(trailers))
            }
            Err(_) => this.end(),
        })
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
