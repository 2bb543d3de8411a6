//! One connection of the admin API, and whether it is being answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::server::Timing;
use super::write_deadline::WriteDeadline;
use crate::limits::{HEAD_BYTES, HEADER_COUNT};

/// Counts the requests a connection has sent and not yet seen answered to the end.
#[derive(Clone, Default)]
pub(super) struct Answering(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// Answers that are being made.
    open: AtomicUsize,
    /// Whether something of an answer that has been made may wait to be written.
    unsent: AtomicBool,
}

impl Answering {
    /// Whether the connection only waits for the rest of a request, or for one at all.
    pub(super) fn is_idle(&self) -> bool {
        self.0.open.load(Ordering::Acquire) == 0 && !self.0.unsent.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self) -> Answer {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Answer(Self::clone(self))
    }

    /// Everything there was to write has been written.
    pub(super) fn is_sent(&self) {
        self.0.unsent.store(false, Ordering::Release);
    }
}

/// Lives from a request's head to the end of its response's body, of which a part may still have to be written.
pub(super) struct Answer(Answering);

impl Drop for Answer {
    fn drop(&mut self) {
        // In this order: at no moment does the connection look idle.
        self.0.0.unsent.store(true, Ordering::Relaxed);
        self.0.0.open.fetch_sub(1, Ordering::Release);
    }
}

/// Serves one connection to its end; once `draining` says so, only what is being answered ends.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    answering: Answering,
    mut draining: watch::Receiver<bool>,
    timing: Timing,
) {
    // Small answers must not wait for the peer's delayed acknowledgement; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(WriteDeadline::new(stream, timing.write, answering.clone()));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| answered(router.call(request), answering.begin()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timing.head)
        .max_headers(HEADER_COUNT)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(2 * HEAD_BYTES)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let drained = async move {
        // An error means that the server itself is gone.
        let _ = draining.wait_for(|draining| *draining).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drained => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "admin connection ended early");
    }
}

async fn answered(
    response: impl Future<Output = Result<Response<Body>, Infallible>>,
    answer: Answer,
) -> Result<Response<AnsweredBody>, Infallible> {
    Ok(response.await?.map(|body| AnsweredBody { body, _answer: answer }))
}

/// A response body that ends its answer when it is dropped.
struct AnsweredBody {
    body: Body,
    _answer: Answer,
}

impl HttpBody for AnsweredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
