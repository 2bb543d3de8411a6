//! Whether a guest still wants what it has asked for. What nobody wants is not fetched: the guest may be gone, or have let go of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use functions::{HttpError, WasiBody};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// Held by a guest that waits for an answer, and then by the answer's body. Dropped before its end, it calls the request off.
#[derive(Debug)]
pub(super) struct Wish(Option<oneshot::Sender<()>>);

/// Held by whoever fetches it.
#[derive(Debug)]
pub(super) struct Wanted(Option<oneshot::Receiver<()>>);

/// A wish and who looks at it.
pub(super) fn wish() -> (Wish, Wanted) {
    let (sender, receiver) = oneshot::channel();
    (Wish(Some(sender)), Wanted(Some(receiver)))
}

impl Wish {
    /// A body that has the wish until its end.
    pub(super) fn within(mut self, body: WasiBody) -> WasiBody {
        if body.is_end_stream() {
            self.come_true();
            return body;
        }
        WasiBody::new(Wished { body, wish: self })
    }

    /// Notes that nothing more is to come.
    fn come_true(&mut self) {
        if let Some(sender) = self.0.take() {
            // Whoever has fetched it need not be there any more.
            let _ = sender.send(());
        }
    }
}

impl Wanted {
    /// Waits until the request is called off.
    pub(super) fn poll_called_off(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(receiver) = &mut self.0 else { return Poll::Pending };
        match Pin::new(receiver).poll(context) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) => {
                self.0 = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A body that somebody waits for.
struct Wished {
    body: WasiBody,
    wish: Wish,
}

impl Body for Wished {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.wish.come_true();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use functions::body;

    use super::*;

    fn is_called_off(wanted: &mut Wanted) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        wanted.poll_called_off(&mut context).is_ready()
    }

    #[tokio::test]
    async fn an_answer_is_wanted_until_its_end() {
        let (wish, mut wanted) = wish();
        assert!(!is_called_off(&mut wanted));
        let (sender, body) = body::channel(2);
        let mut body = wish.within(body);
        sender.data(Bytes::from_static(b"a")).await.unwrap();
        poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.unwrap().unwrap();
        assert!(!is_called_off(&mut wanted));
        sender.end(None).await.unwrap();
        assert!(poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.is_none());
        drop(body);
        assert!(!is_called_off(&mut wanted));
    }

    #[test]
    fn what_is_let_go_of_is_called_off() {
        let (before, mut wanted) = wish();
        drop(before);
        assert!(is_called_off(&mut wanted));
        let (within, mut wanted) = wish();
        let (_sender, body) = body::channel(1);
        drop(within.within(body));
        assert!(is_called_off(&mut wanted));
    }

    #[test]
    fn what_has_no_body_has_come_with_its_head() {
        let (wish, mut wanted) = wish();
        drop(wish.within(body::empty()));
        assert!(!is_called_off(&mut wanted));
    }
}
