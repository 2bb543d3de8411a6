//! After a 101: bytes both ways until each side has closed (RFC 9110 §7.8).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use message::{Request, Response};

use super::attempt::{Attempt, Terms};
use super::body::{PumpError, pump};
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};
use crate::answer::dress;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::Watch;
use crate::pipeline::Afterwards;
use crate::upstream::Endpoint;

/// Passes the 101 on and moves bytes both ways; the upstream's side is a tunnel's already. Bytes the client sent early go up only now.
pub(super) async fn run<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    endpoint: &Endpoint,
    (mut from_upstream, mut to_upstream): (impl Source, impl Sink),
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Attempt {
    endpoint.answered();
    exchange.note_answer(101);
    dress(exchange, request, response);
    downstream.tunnel();
    let (mut from_client, mut to_client) = downstream.split();
    to_client.start(response);
    let reason = match to_client.flush().await {
        Err(_) => Some("client_gone"),
        Ok(()) => {
            let _tunnel = exchange.worker.gauges.tunnel();
            let up = pump(&mut from_client, &mut to_upstream, |count| {
                exchange.traffic.received(count);
                exchange.part_if_due(request);
            });
            let down = pump(&mut from_upstream, &mut to_client, |count| {
                exchange.traffic.sent(count);
                exchange.part_if_due(request);
            });
            let watch = exchange.worker.watched.watch(terms.admitted, exchange.timer);
            both(exchange, watch.as_deref(), up, down).await.err()
        }
    };
    if let Some(reason) = reason {
        exchange.note_failure(reason);
    }
    exchange.finish(request);
    Attempt::Answered { afterwards: Afterwards::Close, lease: None }
}

/// Runs both directions to their ends; the first failure ends both, as does the deadline of a drain or of a removed listener, and a
/// key that does not do any more. An error is the token for the journal.
async fn both<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    watch: Option<&Watch>,
    up: impl Future<Output = Result<(), PumpError>>,
    down: impl Future<Output = Result<(), PumpError>>,
) -> Result<(), &'static str> {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (mut up_ended, mut down_ended) = (false, false);
    poll_fn(|context| {
        for (ended, direction) in [
            (&mut up_ended, up.as_mut() as std::pin::Pin<&mut dyn Future<Output = _>>),
            (&mut down_ended, down.as_mut()),
        ] {
            if !*ended && let Poll::Ready(outcome) = direction.poll(context) {
                outcome.as_ref().map_err(reason)?;
                *ended = true;
            }
        }
        if let Some(end) = watch.and_then(Watch::end) {
            return Poll::Ready(Err(end));
        }
        if up_ended && down_ended || exchange.timer.is_cut() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

fn reason(error: &PumpError) -> &'static str {
    match error {
        PumpError::Source(SourceError::TimedOut) | PumpError::Sink(SinkError::TimedOut) => "tunnel_idle",
        PumpError::Source(_) | PumpError::Sink(_) => "tunnel_reset",
    }
}
