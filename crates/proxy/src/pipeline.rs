//! The way of one request, on one screen. It knows only `message` and the traits of `adapter`.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use message::{Piece, Request, Response, drop_claims};

use crate::adapter::{Downstream, ResponseSink, Sink};
use crate::answer::{self, OwnAnswer};
use crate::client::Arrival;
use crate::exchange::Exchange;
use crate::forward;
#[cfg(feature = "functions")]
use crate::function;
use crate::hooks::{ProxyHttp, Verdict};
use crate::identify::{self, Admitted};
use crate::limiter::Stage;
use crate::refusal::Refusal;
use crate::route;
use crate::timers::Timer;
use crate::worker::Worker;

/// What becomes of the client's connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It may serve another request, if the protocol and the client agree.
    Keep,
    /// It is closed, in good order.
    Close,
    /// It is cut, so that the client cannot take a broken answer for a whole one.
    Cut,
}

/// Serves one request that has been decoded (moments 1 and 2), up to its record (9).
pub(crate) async fn serve<P: ProxyHttp, D: Downstream>(
    worker: &Worker<P>,
    started: Instant,
    arrival: Arrival<'_>,
    timer: &Timer,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) -> Afterwards {
    let record = RefCell::default();
    let mut exchange = Exchange::open(worker, started, arrival, timer, request, &record);
    let answered = {
        let mut answering = pin!(answer(&mut exchange, request, response, downstream));
        poll_fn(|context| match answering.as_mut().poll(context) {
            // One that has been recorded is on its last write, which sees that for itself.
            Poll::Pending if record.borrow().is_some() => {
                timer.cut_reason().map_or(Poll::Pending, |reason| Poll::Ready(Err(reason)))
            }
            polled => polled.map(Ok),
        })
        .await
    };
    answered.unwrap_or_else(|reason| {
        exchange.abandon(reason, request);
        Afterwards::Cut
    })
}

async fn answer<P: ProxyHttp, D: Downstream>(
    exchange: &mut Exchange<'_, P>,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) -> Afterwards {
    let refusal = match decide(exchange, request).await {
        Ok(Decision::Own(answer)) if exchange.arrival.takes_for_tunnel(answer.status()) => {
            Refusal::NOT_SWITCHED
        }
        Ok(Decision::Own(answer)) => return answer.send(exchange, request, response, downstream).await,
        Ok(Decision::Forward(admitted)) => {
            match to_target(exchange, &admitted, request, response, downstream).await {
                Ok(afterwards) => return afterwards,
                Err(refusal) => refusal,
            }
        }
        Err(refusal) => refusal,
    };
    refuse(exchange, &refusal, request, response, downstream).await
}

/// What answers a request.
enum Decision {
    /// The gateway itself.
    Own(OwnAnswer),
    /// A function or an upstream of the route that the request was admitted to.
    Forward(Admitted),
}

async fn decide<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    request: &mut Request,
) -> Result<Decision, Refusal> {
    // 1 listen
    if exchange.arrival.is_misdirected {
        return Err(Refusal::MISDIRECTED);
    }
    if let Some(port) = exchange.arrival.redirect_https {
        return Err(Refusal::https_required(port, request));
    }
    drop_claims(request, exchange.client.peer_is_trusted);
    // 3 route
    let route = route::find(&exchange.worker.plane.load(), request)?;
    exchange.routed(&route);
    exchange.reserve(&route, request)?;
    // 4 identify, with what needs nobody to be known before it
    answer::admit_address(&route, exchange.client.address)?;
    exchange.limit(Stage::Early, &route, None, request)?;
    let identified = identify::identify(exchange, route, request)?;
    // 5 limit
    answer::admit_body(identified.route(), request)?;
    exchange.limit(Stage::Late, identified.route(), identified.identity(), request)?;
    // 7 answer
    if let Some(answer) = answer::at_last_hop(request)? {
        return Ok(Decision::Own(answer));
    }
    if let Verdict::Answer { status, content_type, body } =
        exchange.worker.hooks.request_filter(request, exchange.context.get_mut()).await
    {
        return Ok(Decision::Own(OwnAnswer::made(status, content_type, body)));
    }
    match OwnAnswer::of(identified.route(), request) {
        Some(answer) => Ok(Decision::Own(answer)),
        None => identified.admitted().map(Decision::Forward),
    }
}

/// 7 answer, by whatever the route names: its functions come before its upstreams.
async fn to_target<P: ProxyHttp, D: Downstream>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) -> Result<Afterwards, Refusal> {
    #[cfg(feature = "functions")]
    if !admitted.route().steps.is_empty() {
        // Boxed, so that the many exchanges without a function do not carry the room.
        return Box::pin(function::answer(exchange, admitted, 0, request, response, downstream)).await;
    }
    forward::to_upstream(exchange, admitted, request, response, downstream).await
}

/// Answers with a refusal and records it.
pub(crate) async fn refuse<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    refusal: &Refusal,
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Afterwards {
    let id = exchange.id().to_string();
    let body = match exchange.arrival.is_connect {
        true => refusal.write_status(request, &id, response),
        false => refusal.write(request, &id, response),
    };
    exchange.note(refusal.status, Some(refusal.reason));
    answer::dress(exchange, request, response);
    if refusal.close {
        downstream.split().1.close_after();
    }
    match send(exchange, request, response, &body, downstream).await {
        Afterwards::Keep if refusal.close => Afterwards::Close,
        afterwards => afterwards,
    }
}

/// Sends a response that is wholly here (8 respond), having recorded it (9 record).
pub(crate) async fn send<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    request: &Request,
    response: &Response,
    body: &[u8],
    downstream: &mut D,
) -> Afterwards {
    let (_, mut sink) = downstream.split();
    if request.expects_continue {
        // The client was not told to go on: what it sends next may be the body or another request (RFC 9110 §10.1.1).
        sink.close_after();
    }
    sink.start(response);
    exchange.traffic.sent(body.len());
    let recorded = exchange.done(request);
    let last = sink.write(Piece { data: body, end: true, trailers: None });
    let written = exchange.last_write(last).await;
    match (written, recorded) {
        (Ok(()), recorded) => {
            exchange.close(recorded);
            Afterwards::Keep
        }
        (Err(_), recorded) => {
            exchange.cut(recorded, body.len(), request);
            Afterwards::Cut
        }
    }
}

#[cfg(test)]
mod tests;
