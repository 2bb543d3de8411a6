//! Moment 7 for upstreams: an endpoint is chosen and asked, and its answer goes to the client as it comes.

pub(crate) mod attempt;
mod body;
mod obtain;
pub(crate) mod shape;
mod tunnel;

use std::sync::Arc;

use message::{Body, Known, Request, Response};

use crate::adapter::{Downstream, NoResponse};
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::Admitted;
use crate::limits::GATEWAY_HOPS_MAX;
use crate::pipeline::Afterwards;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::upstream::{Unobtainable, Upstream};
use attempt::{Attempt, Terms};
use obtain::{Obtained, obtain};

/// Asks an upstream of the route. A refusal is only answered while nothing has gone to the client.
///
/// # Errors
/// Why there is no answer; nothing has gone to the client then.
pub async fn to_upstream<P: ProxyHttp, D: Downstream>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    request: &mut Request,
    response: &mut Response,
    downstream: &mut D,
) -> Result<Afterwards, Refusal> {
    refuse_loop(request)?;
    let upstream = choose_upstream(exchange, admitted.route(), request)?;
    shape::request(exchange, admitted, &upstream, request);
    let terms = Terms::new(admitted, &upstream).within_deadline(request);
    ask(exchange, &upstream, &terms, request, response, downstream).await
}

/// Asks an upstream with a request that looks as it is to be sent.
pub(crate) async fn ask<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    upstream: &Arc<Upstream>,
    terms: &Terms<'_>,
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Result<Afterwards, Refusal> {
    // A reused connection may turn out stale, an endpoint may not take connections or not look at a request: each is got over once.
    let mut may_be_stale = true;
    let mut may_be_unprocessed = request.body == Body::Empty;
    let mut avoid = None;
    loop {
        let client = terms.on_behalf.then(|| exchange.client.ends());
        let lease = match obtain(exchange, upstream, request, client, avoid.as_ref(), may_be_stale).await {
            Err((Unobtainable::Connect(_) | Unobtainable::NoUpgrade, Some(endpoint)))
                if avoid.is_none() && upstream.endpoints().len() > 1 =>
            {
                avoid = Some(endpoint);
                continue;
            }
            Err((unobtainable, _)) => return Err(unobtainable.into()),
            Ok(lease) => lease,
        };
        let (reused, endpoint) = (lease.reused(), lease.endpoint().clone());
        exchange.note_attempt(&endpoint);
        let attempt = match lease {
            Obtained::Connection(lease) => {
                attempt::run(exchange, terms, lease, request, response, downstream).await
            }
            // Boxed, so that the others do not carry the room.
            Obtained::Stream(lease) => {
                Box::pin(attempt::run_stream(exchange, terms, *lease, request, response, downstream)).await
            }
        };
        match attempt {
            Attempt::Answered { afterwards, lease } => {
                if let Some(lease) = lease {
                    exchange.worker.pools.give_back(upstream, lease, exchange.worker.timers.now());
                }
                return Ok(afterwards);
            }
            Attempt::Refused(refusal) => return Err(refusal),
            Attempt::NoResponse(NoResponse::Closed) if reused && may_be_stale && is_replayable(request) => {
                may_be_stale = false;
            }
            Attempt::NoResponse(NoResponse::Unprocessed) if may_be_unprocessed => may_be_unprocessed = false,
            Attempt::NoResponse(failure) => {
                if !reused && matches!(failure, NoResponse::Closed) {
                    endpoint.failed(upstream.config().rest);
                }
                return Err(failure.into());
            }
        }
    }
}

/// Refuses a request that has come through gateways like this one too often (RFC 9110 §7.6.3).
pub(crate) fn refuse_loop(request: &Request) -> Result<(), Refusal> {
    let hops = request.fields.values_of(Known::Via).flat_map(|via| via.split(|&byte| byte == b','));
    let ours = hops.filter(|hop| hop.trim_ascii().ends_with(b" lockgate")).count();
    if ours < GATEWAY_HOPS_MAX { Ok(()) } else { Err(Refusal::LOOP) }
}

/// The hook's choice, else the route's by weight.
pub(crate) fn choose_upstream<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    route: &Arc<Route>,
    request: &Request,
) -> Result<Arc<Upstream>, Refusal> {
    let hooks = &exchange.worker.hooks;
    if let Some(name) = hooks.upstream_peer(request, exchange.context.get_mut()) {
        return exchange.worker.plane.load().upstream(name).cloned().ok_or(Refusal::NO_ENDPOINT);
    }
    exchange.worker.weigh(route).ok_or(Refusal::NO_ENDPOINT)
}

/// Whether a request may be sent again although an upstream may have seen it (RFC 9110 §9.2.2).
fn is_replayable(request: &Request) -> bool {
    request.method.is_idempotent() && request.body == Body::Empty && request.upgrade.is_empty()
}

impl From<Unobtainable> for Refusal {
    fn from(unobtainable: Unobtainable) -> Self {
        match unobtainable {
            Unobtainable::NoEndpoint => Self::NO_ENDPOINT,
            Unobtainable::TooMany => Self::UPSTREAM_CONNECTIONS,
            Unobtainable::Prohibited => Self::ADDRESS_PROHIBITED,
            Unobtainable::Connect(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Self::CONNECT_TIMEOUT
            }
            Unobtainable::Connect(_) | Unobtainable::NoUpgrade => Self::CONNECT_FAILED,
        }
    }
}

impl From<NoResponse> for Refusal {
    fn from(failure: NoResponse) -> Self {
        match failure {
            NoResponse::Closed | NoResponse::Unprocessed => Self::UPSTREAM_CLOSED,
            NoResponse::Io(_) => Self::UPSTREAM_FAILED,
            NoResponse::Malformed(_) | NoResponse::Misframed(_) => Self::UPSTREAM_MALFORMED,
            NoResponse::TimedOut => Self::UPSTREAM_TIMEOUT,
            NoResponse::Refused(refusal) => refusal,
        }
    }
}
