//! Bodies on their way: one piece at a time, each handed on before the next is asked for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use message::{Piece, Request, Response};

use super::attempt::{Download, Terms};
use crate::adapter::{ResponseSink, Sink, SinkError, Source, SourceError};
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;

/// Why a request body did not reach the upstream whole.
#[derive(Debug)]
pub(super) enum BodyFailure {
    /// The client broke the framing, was too slow, or went away.
    Client(SourceError),
    /// It is larger than the route takes.
    TooLarge,
    /// The upstream did not take it; it may answer all the same.
    Upstream,
}

impl BodyFailure {
    /// Token for the journal, once an answer has begun.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Client(SourceError::Framing(http1::BodyError::Truncated) | SourceError::Io(_)) => {
                "client_gone"
            }
            Self::Client(SourceError::TimedOut) => "body_timeout",
            Self::Client(SourceError::Framing(_)) => "body_malformed",
            Self::Client(SourceError::Failed(reason)) => reason,
            Self::TooLarge => "body_too_large",
            Self::Upstream => "upstream_failed",
        }
    }
}

/// Sends the request's body up.
pub(super) async fn upload<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    request: &Request,
    body: &mut impl Source,
    sink: &mut impl Sink,
) -> Result<(), BodyFailure> {
    // A body that is not here yet may be waiting for an answer to the head (RFC 9110 §10.1.1).
    if !body.has_buffered() {
        sink.flush().await.map_err(|_| BodyFailure::Upstream)?;
    }
    loop {
        let piece = body.next().await.map_err(BodyFailure::Client)?;
        let received = exchange.traffic.received(piece.data.len());
        if terms.body_bytes_max > 0 && received > terms.body_bytes_max {
            return Err(BodyFailure::TooLarge);
        }
        sink.write(piece).await.map_err(|_| BodyFailure::Upstream)?;
        if piece.end {
            exchange.note_uploaded();
            // From here on only the answer is waited for: its head, or what follows it.
            exchange.timer.set(if exchange.has_head() { terms.idle } else { terms.response });
            return Ok(());
        }
        exchange.part_if_due(request);
    }
}

/// Hands the response to the client. While nothing of it has gone out, a bad body can still be answered with a refusal, so the head
/// is not begun before the bytes that came with it have been looked at.
pub(super) async fn relay_response<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    request: &Request,
    response: &Response,
    source: &mut impl Source,
    to_client: &mut impl ResponseSink,
) -> Download {
    loop {
        if !source.has_buffered() && !source.has_ended() {
            // What is there goes out before more is waited for: a head may be all that comes for a long time.
            begin(exchange, response, to_client);
            if let Err(error) = to_client.flush().await {
                return Download::ClientFailed(error);
            }
        }
        let piece = match source.next().await {
            Ok(piece) => piece,
            Err(error) if exchange.has_begun() => return Download::UpstreamFailed(error),
            Err(error) => return Download::NoResponse(error.into()),
        };
        begin(exchange, response, to_client);
        if piece.end {
            return relay_last(exchange, request, piece, to_client).await;
        }
        if let Err(error) = to_client.write(piece).await {
            return Download::ClientFailed(error);
        }
        exchange.traffic.sent(piece.data.len());
        exchange.part_if_due(request);
    }
}

/// Starts the answer, once.
fn begin<P: ProxyHttp>(exchange: &Exchange<'_, P>, response: &Response, to_client: &mut impl ResponseSink) {
    if !exchange.has_begun() {
        exchange.note_answer(response.status);
        to_client.start(response);
    }
}

/// Hands on the last piece. The record is made before the write that carries it.
async fn relay_last<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    request: &Request,
    piece: Piece<'_>,
    to_client: &mut impl Sink,
) -> Download {
    exchange.traffic.sent(piece.data.len());
    let recorded = exchange.done(request);
    match exchange.last_write(to_client.write(piece)).await {
        Ok(()) => {
            exchange.close(recorded);
            Download::Complete
        }
        Err(error) => {
            exchange.cut(recorded, piece.data.len(), request);
            Download::ClientFailed(error)
        }
    }
}

/// What both ways came to; `None`: it was given up because of the other.
pub(crate) struct Duplex {
    pub(super) upload: Option<Result<(), BodyFailure>>,
    pub(super) download: Option<Download>,
}

impl Duplex {
    /// The outcome of an exchange whose request has no body.
    pub(super) fn uploaded(download: Download) -> Self {
        Self { upload: Some(Ok(())), download: Some(download) }
    }
}

/// Runs both ways at once, until the way down is done or the client's body turns out to be bad. An upstream that stops reading may
/// still answer, so that alone ends nothing; and an answer that has been recorded is on its last write, which only the client ends.
pub(super) async fn duplex<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    up: impl Future<Output = Result<(), BodyFailure>>,
    down: impl Future<Output = Download>,
) -> Duplex {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let mut uploaded = None;
    poll_fn(|context| {
        if uploaded.is_none()
            && let Poll::Ready(outcome) = up.as_mut().poll(context)
        {
            let client_failed = matches!(outcome, Err(BodyFailure::Client(_) | BodyFailure::TooLarge));
            uploaded = Some(outcome);
            if client_failed && !exchange.is_recorded() {
                return Poll::Ready(Duplex { upload: uploaded.take(), download: None });
            }
        }
        down.as_mut()
            .poll(context)
            .map(|download| Duplex { upload: uploaded.take(), download: Some(download) })
    })
    .await
}

/// Moves one direction of a tunnel until it ends.
pub(super) async fn pump(
    source: &mut impl Source,
    sink: &mut impl Sink,
    mut moved: impl FnMut(usize),
) -> Result<(), PumpError> {
    loop {
        let piece = source.next().await.map_err(PumpError::Source)?;
        let (count, end) = (piece.data.len(), piece.end);
        // A tunnel has no trailers (RFC 9113 §8.5).
        sink.write(Piece { trailers: None, ..piece }).await.map_err(PumpError::Sink)?;
        moved(count);
        if end {
            return Ok(());
        }
    }
}

/// Why one direction of a tunnel stopped.
#[derive(Debug)]
pub(super) enum PumpError {
    Source(SourceError),
    Sink(SinkError),
}
