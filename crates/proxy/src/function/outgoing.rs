//! The outgoing requests of a guest: exchanges of their own, through the gateway's pools, time-outs and limits, recorded as children.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use functions::{Destination, HttpError as Error, Outbound, SentResponse, Timeouts, WasiBody, bridge};
use futures_util::FutureExt;
use message::{Request, Response};
use tokio::sync::{mpsc, oneshot};

use super::call::Context;
use super::guest::Guest;
use super::wanted::{Wanted, wish};
use crate::exchange::Exchange;
use crate::forward::attempt::Terms;
use crate::forward::{ask, choose_upstream, refuse_loop, shape};
use crate::hooks::ProxyHttp;
use crate::limits::{GUEST_IDLE, GUEST_REQUESTS};
use crate::pipeline::Afterwards;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::timers::{Ticks, Timer};
use crate::worker::Worker;

/// A guest's request on its way from the sandbox to the worker of its thread.
#[derive(Debug)]
pub(super) struct Asked {
    destination: Destination,
    request: http::Request<WasiBody>,
    timeouts: Timeouts,
    reply: oneshot::Sender<Result<http::Response<WasiBody>, Error>>,
    wanted: Wanted,
}

/// Where a guest's requests go.
#[derive(Debug)]
struct GuestOutbound(mpsc::Sender<Box<Asked>>);

/// A way for a guest's requests. They are boxed, since a channel sets room for many aside, and most guests ask nothing.
pub(super) fn way_out() -> (Arc<dyn Outbound>, mpsc::Receiver<Box<Asked>>) {
    let (sender, receiver) = mpsc::channel(GUEST_REQUESTS);
    (Arc::new(GuestOutbound(sender)), receiver)
}

impl Outbound for GuestOutbound {
    fn send(
        &self,
        destination: Destination,
        request: http::Request<WasiBody>,
        timeouts: Timeouts,
    ) -> SentResponse {
        let (reply, answered) = oneshot::channel();
        let (wish, wanted) = wish();
        let sender = self.0.clone();
        async move {
            let asked = Asked { destination, request, timeouts, reply, wanted };
            sender.send(Box::new(asked)).await.map_err(|_| Error::ConnectionTerminated)?;
            let response = answered.await.map_err(|_| Error::ConnectionTerminated)??;
            Ok(response.map(|body| wish.within(body)))
        }
        .boxed()
    }
}

/// Serves one request of a guest, up to its record, or until the guest does not want its answer any more.
pub(super) async fn serve<P: ProxyHttp>(worker: Rc<Worker<P>>, context: Arc<Context>, asked: Box<Asked>) {
    let started = Instant::now();
    let _open = worker.gauges.connection();
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    let Asked { destination, request, timeouts, reply, wanted } = *asked;
    let (parts, body) = request.into_parts();
    let mut state = worker.take_state();
    let (request, response) = (&mut state.request, &mut state.response);
    let understood = bridge::request_from_guest(&parts, &body, request);
    let idle = Ticks::from(timeouts.between_bytes.unwrap_or(GUEST_IDLE));
    let mut guest = Guest::new(body, reply, &timer, idle);
    match understood {
        Err(error) => guest.refuse(error),
        Ok(()) => {
            let record = RefCell::default();
            let mut exchange =
                Exchange::open(&worker, started, context.client.into(), &timer, request, &record);
            exchange.descend_from(context.parent);
            let ended = {
                let answering =
                    answer(&mut exchange, &context, destination, &timeouts, request, response, &mut guest);
                watch(answering, &record, wanted, timeouts.connect, &timer).await
            };
            match ended {
                Ended::Answered => {}
                Ended::Refused(refusal) => {
                    exchange.note(refusal.status, Some(refusal.reason));
                    exchange.finish(request);
                    guest.refuse(error_of(&refusal));
                }
                Ended::Cut(why) => exchange.abandon(why, request),
            }
        }
    }
    worker.put_state(state);
}

/// How a request ended.
enum Ended {
    /// It is recorded.
    Answered,
    /// Nothing has gone to the guest.
    Refused(Refusal),
    /// In its middle, for a reason that lies outside of it.
    Cut(&'static str),
}

/// Lets a request be answered, unless nobody wants it, it has no connection within the time that the guest gives it, or all have to end.
async fn watch(
    answering: impl Future<Output = Result<Afterwards, Refusal>>,
    record: &RefCell<Option<Record>>,
    mut wanted: Wanted,
    connect: Option<Duration>,
    timer: &Timer,
) -> Ended {
    let mut answering = pin!(answering);
    let mut connect = pin!(connect.map(tokio::time::sleep));
    poll_fn(|task| {
        if let Poll::Ready(answered) = answering.as_mut().poll(task) {
            return Poll::Ready(answered.map_or_else(Ended::Refused, |_| Ended::Answered));
        }
        let record = record.borrow();
        // One that has been recorded is on its last write, which ends by itself.
        let Some(record) = record.as_ref() else { return Poll::Pending };
        if wanted.poll_called_off(task).is_ready() {
            return Poll::Ready(Ended::Cut("client_gone"));
        }
        if record.is_connecting()
            && let Some(connect) = connect.as_mut().as_pin_mut()
            && connect.poll(task).is_ready()
        {
            return Poll::Ready(Ended::Refused(Refusal::CONNECT_TIMEOUT));
        }
        timer.cut_reason().map_or(Poll::Pending, |why| Poll::Ready(Ended::Cut(why)))
    })
    .await
}

/// Sends the request where it is to go.
async fn answer<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    context: &Context,
    destination: Destination,
    timeouts: &Timeouts,
    request: &mut Request,
    response: &mut Response,
    guest: &mut Guest<'_>,
) -> Result<Afterwards, Refusal> {
    let admitted = &context.admitted;
    let route = admitted.route();
    exchange.routed(route);
    exchange.reserve(route, request)?;
    refuse_loop(request)?;
    match destination {
        Destination::Next => {
            let next = context.step + 1;
            request.set_authority(&context.authority);
            shape::goes_on(exchange, admitted, next, &context.kept, request);
            if route.steps.get(next).is_some() {
                return super::call(exchange, admitted, next, request, response, guest).await;
            }
            let upstream = choose_upstream(exchange, route, request)?;
            shape::for_upstream(exchange, admitted, &upstream, request);
            let terms = Terms::new(admitted, &upstream).within(timeouts);
            ask(exchange, &upstream, &terms, request, response, guest).await
        }
        Destination::Listed(at) => {
            let upstream = route
                .steps
                .get(context.step)
                .and_then(|step| step.outbound.get(at))
                .ok_or(Refusal::NO_ENDPOINT)?;
            shape::by_guest(upstream, &context.kept, request);
            let terms = Terms::listed(admitted, upstream).within(timeouts);
            ask(exchange, upstream, &terms, request, response, guest).await
        }
    }
}

/// What a guest is told when its request got no answer.
fn error_of(refusal: &Refusal) -> Error {
    match refusal.reason {
        "no_endpoint" => Error::DestinationUnavailable,
        "upstream_connections" | "function_busy" => Error::ConnectionLimitReached,
        "connect_failed" => Error::ConnectionRefused,
        "connect_timeout" => Error::ConnectionTimeout,
        "upstream_closed" | "upstream_failed" => Error::ConnectionTerminated,
        "upstream_malformed" => Error::HttpProtocolError,
        "upstream_timeout" | "function_timeout" => Error::HttpResponseTimeout,
        "address_prohibited" => Error::DestinationIpProhibited,
        "loop" => Error::LoopDetected,
        "body_too_large" => Error::HttpRequestBodySize(None),
        reason => Error::InternalError(Some(reason.to_owned())),
    }
}
