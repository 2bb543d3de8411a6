//! Moment 7 for functions: a guest is called on a thread of its own, and its answer goes to the client as it comes.
//!
//! The client's connection, its record and its limits stay with the connection's worker. What crosses to the function's thread is a
//! [`Call`]; what comes back is a response whose body is read here, piece by piece. The outgoing requests of a guest are exchanges of
//! their own on the function's thread ([`outgoing`]), recorded as children.

mod call;
mod conversation;
mod guest;
mod outbox;
mod outgoing;
mod threads;
mod wanted;

use message::{Body, Request, Response};

use crate::adapter::{Downstream, ResponseSink};
use crate::exchange::Exchange;
use crate::forward::attempt::{End, Terms, converse, end};
use crate::forward::{refuse_loop, shape};
use crate::hooks::ProxyHttp;
use crate::identify::Admitted;
use crate::pipeline::Afterwards;
use crate::refusal::Refusal;
use call::start;
pub(crate) use outbox::Letterbox;
pub use threads::{FunctionThread, FunctionThreads, spawn_function_thread};

/// Calls a function of the route: those that stand before its target in their order, then the one that is its target. A refusal is
/// only answered while nothing has gone to the client.
///
/// # Errors
/// Why there is no answer; nothing has gone to the client then.
pub(crate) async fn answer<P: ProxyHttp, D: Downstream>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    step: usize,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) -> Result<Afterwards, Refusal> {
    refuse_loop(request)?;
    shape::for_function(exchange, admitted, step, request);
    call(exchange, admitted, step, request, response, downstream).await
}

/// Calls a function with a request that looks as the guest is to see it.
pub(crate) async fn call<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    admitted: &Admitted,
    at: usize,
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Result<Afterwards, Refusal> {
    let step = admitted.route().steps.get(at).ok_or(Refusal::NO_ENDPOINT)?;
    exchange.note_function(&step.label);
    let terms = Terms::of_function(admitted, step);
    if matches!(request.body, Body::Length(length) if terms.body_bytes_max > 0 && length > terms.body_bytes_max)
    {
        return Err(Refusal::BODY_TOO_LARGE);
    }
    if request.expects_continue && request.body != Body::Empty {
        // A guest cannot say 100 itself, and may read the body at any time.
        response.start(100, Body::Empty);
        let told = downstream.split().1.interim(response).await;
        told.map_err(|_| Refusal::CLIENT_GONE)?;
    }
    let mut conversation = start(exchange, admitted, at, &step.function, request)?;
    exchange.timer.set(terms.response);
    let way = conversation.split(exchange.timer, terms.idle);
    let outcome = converse(exchange, &terms, way, request, response, downstream).await;
    match end(exchange, request, outcome) {
        End::Complete { .. } => Ok(Afterwards::Keep),
        End::Broken => Ok(Afterwards::Cut),
        End::Refused(refusal) => Err(refusal),
        End::NoResponse(failure) => Err(failure.into()),
    }
}
