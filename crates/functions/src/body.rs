//! Bodies on their way to guests and from them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tokio::sync::mpsc;

use crate::{HttpError, WasiBody};

pub use answer::Answer;
pub(crate) use answer::Length;
pub(crate) use request::Sent;

mod answer;
mod request;

/// A body without a byte.
pub fn empty() -> WasiBody {
    Empty::new().map_err(never).boxed_unsync()
}

/// A body that is there already.
pub fn full(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(never).boxed_unsync()
}

fn never(never: Infallible) -> HttpError {
    match never {}
}

/// A body that another thread gives piece by piece, with room for `capacity` pieces on the way; at least one.
pub fn channel(capacity: usize) -> (BodySender, WasiBody) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (BodySender { sender }, Received { receiver, ended: false }.boxed_unsync())
}

/// The giving end of [`channel`]. Dropped before [`BodySender::end`], it makes the body fail: no part is taken for the whole.
#[derive(Debug)]
pub struct BodySender {
    sender: mpsc::Sender<Part>,
}

#[derive(Debug)]
enum Part {
    Data(Bytes),
    End(Option<HeaderMap>),
    Failed(HttpError),
}

/// Nobody takes the body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes the body any more")]
pub struct Closed;

impl BodySender {
    /// Waits for room and gives a piece.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the body has been dropped.
    pub async fn data(&self, bytes: Bytes) -> Result<(), Closed> {
        self.sender.send(Part::Data(bytes)).await.map_err(|_| Closed)
    }

    /// Waits for room and ends the body, perhaps with trailers.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the body has been dropped.
    pub async fn end(self, trailers: Option<HeaderMap>) -> Result<(), Closed> {
        self.sender.send(Part::End(trailers)).await.map_err(|_| Closed)
    }

    /// Waits for room and makes the body fail.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the body has been dropped.
    pub async fn fail(self, error: HttpError) -> Result<(), Closed> {
        self.sender.send(Part::Failed(error)).await.map_err(|_| Closed)
    }

    /// Waits until nobody takes the body any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }
}

struct Received {
    receiver: mpsc::Receiver<Part>,
    ended: bool,
}

impl Body for Received {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let part =
            ready!(self.receiver.poll_recv(cx)).unwrap_or(Part::Failed(HttpError::ConnectionTerminated));
        Poll::Ready(match part {
            Part::Data(bytes) => Some(Ok(Frame::data(bytes))),
            Part::End(trailers) => {
                self.ended = true;
                trailers.map(|trailers| Ok(Frame::trailers(trailers)))
            }
            Part::Failed(error) => {
                self.ended = true;
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests;
