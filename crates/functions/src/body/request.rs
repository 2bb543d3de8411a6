//! The body of a guest's outgoing request: its announced length is kept, its end is believed only while the guest lives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::meter::Meter;
use crate::{HttpError, WasiBody};

/// A guest's body on its way out.
pub(crate) struct Sent {
    guest: WasiBody,
    meter: Arc<Meter>,
    /// What was looked at already.
    first: Option<Result<Frame<Bytes>, HttpError>>,
    /// Bytes that are still to come, where that was announced.
    left: Option<u64>,
    ended: bool,
}

impl Sent {
    /// A body of the announced length, or of an unknown one. Of the latter, the start is looked at once, since most requests that
    /// announce nothing have no body at all, and to say so is better than to frame nothing.
    pub(crate) async fn new(mut guest: WasiBody, meter: Arc<Meter>, announced: Option<u64>) -> Self {
        let mut first = None;
        let mut ended = announced == Some(0) || guest.is_end_stream();
        if announced.is_none() && !ended {
            // The guest goes on in between.
            tokio::task::yield_now().await;
            match guest.frame().now_or_never() {
                Some(None) => ended = true,
                Some(given) => first = given,
                None => {}
            }
        }
        Self { guest, meter, first, left: announced, ended }
    }

    fn data(&mut self, bytes: Bytes) -> Result<Frame<Bytes>, HttpError> {
        if let Some(left) = &mut self.left {
            match left.checked_sub(bytes.len() as u64) {
                Some(rest) => *left = rest,
                None => {
                    self.ended = true;
                    return Err(HttpError::HttpRequestBodySize(None));
                }
            }
            self.ended = *left == 0;
        }
        Ok(Frame::data(bytes))
    }
}

impl Body for Sent {
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
        let given = match this.first.take() {
            Some(first) => Some(first),
            None => ready!(Pin::new(&mut this.guest).poll_frame(cx)),
        };
        let Some(given) = given else {
            this.ended = true;
            let is_part = this.left.is_some_and(|left| left > 0) || this.meter.has_failed();
            return Poll::Ready(is_part.then_some(Err(HttpError::HttpRequestBodySize(None))));
        };
        Poll::Ready(Some(match given.map(Frame::into_data) {
            Ok(Ok(bytes)) => this.data(bytes),
            Ok(Err(trailers)) if this.left.is_none() => {
                this.ended = true;
                Ok(trailers)
            }
            Ok(Err(_)) => {
                this.ended = true;
                Err(HttpError::HttpRequestBodySize(None))
            }
            Err(error) => {
                this.ended = true;
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None if self.ended => SizeHint::with_exact(0),
            None => SizeHint::default(),
        }
    }
}
