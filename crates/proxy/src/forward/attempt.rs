//! One request on one connection: the head and body go up while the answer may already come down.

use std::io;

use http1::HeadLimits;
use message::{Body, Method, Piece, Request, Response};

use super::body::{BodyFailure, Duplex, duplex, relay_response, upload};
use super::tunnel;
use crate::adapter::{
    Downstream, NoResponse, RequestSink, ResponseSink, ResponseSource, SinkError, SourceError,
};
use crate::answer::dress;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::Admitted;
#[cfg(feature = "functions")]
use crate::limits::CALL_GRACE;
use crate::limits::INTERIM_RESPONSES;
use crate::pipeline::Afterwards;
use crate::refusal::Refusal;
#[cfg(feature = "functions")]
use crate::route::Step;
use crate::timers::Ticks;
use crate::upstream::{Lease, StreamLease, Upstream};

/// The limits an attempt runs under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) admitted: &'a Admitted,
    pub(crate) head: &'a HeadLimits,
    pub(crate) response: Ticks,
    pub(crate) idle: Ticks,
    /// Largest request body, bytes; 0: no limit.
    pub(crate) body_bytes_max: u64,
    /// Whether it is the client's request that goes on, and not one that a function makes for itself.
    pub(crate) on_behalf: bool,
}

impl<'a> Terms<'a> {
    pub(crate) fn new(admitted: &'a Admitted, upstream: &Upstream) -> Self {
        let route = admitted.route();
        Self {
            admitted,
            head: &route.response_limits,
            response: route.response_timeout.unwrap_or(upstream.timeouts.response),
            idle: route.idle_timeout.unwrap_or(upstream.timeouts.idle),
            body_bytes_max: route.config.body_bytes,
            on_behalf: true,
        }
    }
}

impl Terms<'_> {
    /// No longer than a client of gRPC waits.
    pub(crate) fn within_deadline(self, request: &Request) -> Self {
        let deadline = request.fields.get("grpc-timeout").and_then(grpc_timeout);
        Self { response: deadline.map_or(self.response, |deadline| self.response.min(deadline)), ..self }
    }
}

/// `TimeoutValue TimeoutUnit`: at most eight digits and a letter (gRPC over HTTP/2, "Requests").
fn grpc_timeout(value: &[u8]) -> Option<Ticks> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let ms = match unit {
        b'H' => amount * 3_600_000,
        b'M' => amount * 60_000,
        b'S' => amount * 1_000,
        b'm' => amount,
        b'u' => amount.div_ceil(1_000),
        b'n' => amount.div_ceil(1_000_000),
        _ => return None,
    };
    Some(Ticks::from_ms(ms))
}

#[cfg(feature = "functions")]
impl<'a> Terms<'a> {
    /// The terms of a call. The function's own limits come first; these hold should its thread not get to it.
    pub(crate) fn of_function(admitted: &'a Admitted, step: &Step) -> Self {
        let route = admitted.route();
        let settings = step.function.settings();
        let time = Ticks::from(settings.time + settings.queue_time + CALL_GRACE);
        let body_bytes_max = [route.config.body_bytes, step.request_bytes];
        Self {
            admitted,
            head: &route.response_limits,
            response: route.response_timeout.unwrap_or(time),
            idle: route.idle_timeout.unwrap_or(time),
            body_bytes_max: body_bytes_max.into_iter().filter(|bytes| *bytes > 0).min().unwrap_or(0),
            on_behalf: true,
        }
    }

    /// The terms of a guest's request to an upstream that is not the route's target.
    pub(crate) fn listed(admitted: &'a Admitted, upstream: &Upstream) -> Self {
        Self {
            admitted,
            head: &admitted.route().response_limits,
            response: upstream.timeouts.response,
            idle: upstream.timeouts.idle,
            body_bytes_max: 0,
            on_behalf: false,
        }
    }

    /// No longer than a guest waits.
    pub(crate) fn within(self, timeouts: &functions::Timeouts) -> Self {
        Self {
            response: timeouts.first_byte.map_or(self.response, |asked| self.response.min(asked.into())),
            idle: timeouts.between_bytes.map_or(self.idle, |asked| self.idle.min(asked.into())),
            ..self
        }
    }
}

/// How an attempt ended.
#[allow(clippy::large_enum_variant, reason = "the large variant is the usual one")]
pub(super) enum Attempt {
    /// An answer went to the client, whole or not; the connection comes back when it can be used again.
    Answered {
        /// What becomes of the client's connection.
        afterwards: Afterwards,
        /// The upstream's connection.
        lease: Option<Lease>,
    },
    /// Nothing went to the client, and the fault is not the upstream's.
    Refused(Refusal),
    /// Nothing went to the client, because no answer came.
    NoResponse(NoResponse),
}

/// How the way down ended.
pub(super) enum Download {
    /// The whole answer went to the client.
    Complete,
    /// The upstream switched protocols; nothing of that has gone to the client.
    Switched,
    /// There was no answer.
    NoResponse(NoResponse),
    /// The upstream failed in the middle of its answer.
    UpstreamFailed(SourceError),
    /// The client did not take the answer.
    ClientFailed(SinkError),
}

pub(super) async fn run<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    mut lease: Lease,
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Attempt {
    let way = lease.connection.split(exchange.timer, terms.idle, terms.head);
    let outcome = converse(exchange, terms, way, request, response, downstream).await;
    if let Some(Download::Switched) = outcome.download {
        let (source, mut sink) = lease.connection.split(exchange.timer, terms.idle, terms.head);
        sink.tunnel();
        let (endpoint, way) = (&lease.endpoint, (source, sink));
        return Box::pin(tunnel::run(exchange, terms, endpoint, way, request, response, downstream)).await;
    }
    conclude(exchange, lease, request, response, outcome)
}

/// The same on a stream, whose connection goes on whatever becomes of it.
pub(super) async fn run_stream<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    lease: StreamLease,
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Attempt {
    let way = lease.asking.split(exchange.timer, terms.idle, terms.head);
    let outcome = converse(exchange, terms, way, request, response, downstream).await;
    if let Some(Download::Switched) = outcome.download {
        let way = lease.asking.tunnel(exchange.timer, terms.idle, terms.head);
        answer_key(request, response);
        let endpoint = &lease.endpoint;
        return Box::pin(tunnel::run(exchange, terms, endpoint, way, request, response, downstream)).await;
    }
    match end(exchange, request, outcome) {
        End::Complete { .. } => {
            lease.endpoint.answered();
            Attempt::Answered { afterwards: Afterwards::Keep, lease: None }
        }
        End::Broken => Attempt::Answered { afterwards: Afterwards::Cut, lease: None },
        End::Refused(refusal) => Attempt::Refused(refusal),
        End::NoResponse(failure) => Attempt::NoResponse(failure),
    }
}

/// Says that the key of a WebSocket's handshake was understood, which HTTP/2 does without (RFC 8441 §5).
fn answer_key(request: &Request, response: &mut Response) {
    let key = request.fields.get("sec-websocket-key").unwrap_or_default();
    response.fields.set("sec-websocket-accept", http1::websocket_accept(key).as_bytes());
}

/// Sends the request and relays the answer, at the same time where there is a body to send.
pub(crate) async fn converse<P: ProxyHttp, D: Downstream>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    (mut source, mut sink): (impl ResponseSource, impl RequestSink),
    request: &Request,
    response: &mut Response,
    downstream: &mut D,
) -> Duplex {
    let (mut body, mut to_client) = downstream.split();
    sink.start(request);
    exchange.note_sent();
    if request.body == Body::Empty {
        if sink.write(Piece::END).await.is_err() {
            return Duplex::uploaded(Download::NoResponse(NoResponse::Closed));
        }
        exchange.timer.set(terms.response);
        return Duplex::uploaded(
            relay(exchange, terms, request, response, &mut source, &mut to_client).await,
        );
    }
    let up = upload(exchange, terms, request, &mut body, &mut sink);
    let down = relay(exchange, terms, request, response, &mut source, &mut to_client);
    // Boxed, as is the tunnel, so that the many exchanges without a request body do not carry the room.
    Box::pin(duplex(exchange, up, down)).await
}

/// Reads the answer and hands it on as it comes (8 respond).
async fn relay<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    terms: &Terms<'_>,
    request: &Request,
    response: &mut Response,
    source: &mut impl ResponseSource,
    to_client: &mut impl ResponseSink,
) -> Download {
    let mut interim = 0;
    loop {
        match source.head(request.method, response).await {
            Ok(()) => {}
            // Something has been answered, so that this is no stale connection and nothing to be tried again.
            Err(NoResponse::Closed | NoResponse::Unprocessed) if interim > 0 => {
                return Download::NoResponse(NoResponse::Io(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(failure) => return Download::NoResponse(failure),
        }
        if response.status >= 200 || response.status == 101 {
            break;
        }
        interim += 1;
        if interim > INTERIM_RESPONSES {
            return Download::NoResponse(NoResponse::Malformed(http1::HeadError::Status));
        }
        if let Err(error) = to_client.interim(response).await {
            return Download::ClientFailed(error);
        }
        if request.body == Body::Empty || exchange.is_uploaded() {
            exchange.timer.set(terms.response);
        }
    }
    exchange.note_head(response);
    if response.status == 101 {
        let asked = request.asked_for(response.fields.bytes(response.upgrade));
        let unasked = Download::NoResponse(NoResponse::Malformed(http1::HeadError::Status));
        return if asked { Download::Switched } else { unasked };
    }
    if exchange.arrival.takes_for_tunnel(response.status) {
        return Download::NoResponse(NoResponse::Refused(Refusal::NOT_SWITCHED));
    }
    if request.body != Body::Empty && !exchange.is_uploaded() {
        // What the client sends next is the rest of a body that nobody wants, or after an Expect perhaps another request
        // (RFC 9110 §10.1.1, RFC 9112 §9.6).
        to_client.close_after();
    }
    if !exchange.is_child() {
        dress(exchange, request, response);
        exchange.worker.hooks.response_filter(response, &mut exchange.context.borrow_mut());
    }
    relay_response(exchange, request, response, source, to_client).await
}

/// Draws the conclusions for both connections.
fn conclude<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    mut lease: Lease,
    request: &Request,
    response: &Response,
    outcome: Duplex,
) -> Attempt {
    match end(exchange, request, outcome) {
        End::Complete { uploaded } => {
            lease.endpoint.answered();
            // An answer to HEAD may be followed by a body all the same, from an upstream that does not know better.
            lease.look_again |= request.method == Method::Head;
            let reusable = uploaded && response.keep_alive && lease.connection.is_clean();
            Attempt::Answered { afterwards: Afterwards::Keep, lease: reusable.then_some(lease) }
        }
        End::Broken => Attempt::Answered { afterwards: Afterwards::Cut, lease: None },
        End::Refused(refusal) => Attempt::Refused(refusal),
        End::NoResponse(failure) => Attempt::NoResponse(failure),
    }
}

/// How both ways of an exchange ended.
pub(crate) enum End {
    /// The whole answer went to the client.
    Complete {
        /// Whether the whole request went the other way.
        uploaded: bool,
    },
    /// A part of the answer went to the client; that is recorded.
    Broken,
    /// Nothing went to the client, for a reason that lies with it.
    Refused(Refusal),
    /// Nothing went to the client, because no answer came.
    NoResponse(NoResponse),
}

/// Tells how both ways ended, and records it where an answer had begun.
pub(crate) fn end<P: ProxyHttp>(exchange: &Exchange<'_, P>, request: &Request, outcome: Duplex) -> End {
    let begun = exchange.has_begun();
    let broken = |reason| {
        exchange.abandon(reason, request);
        End::Broken
    };
    match (outcome.download, outcome.upload) {
        (Some(Download::NoResponse(_)) | None, Some(Err(BodyFailure::Client(error)))) if !begun => {
            End::Refused(body_refusal(&error))
        }
        (Some(Download::NoResponse(_)) | None, Some(Err(BodyFailure::TooLarge))) if !begun => {
            End::Refused(Refusal::BODY_TOO_LARGE)
        }
        (None, Some(Err(failure))) => broken(failure.reason()),
        (None, _) => broken("client_gone"),
        (Some(Download::NoResponse(failure)), _) => End::NoResponse(failure),
        (Some(Download::UpstreamFailed(error)), _) => broken(upstream_reason(&error)),
        (Some(Download::ClientFailed(error)), _) => broken(client_reason(&error)),
        (Some(Download::Complete | Download::Switched), upload) => {
            End::Complete { uploaded: matches!(upload, Some(Ok(()))) }
        }
    }
}

fn body_refusal(error: &SourceError) -> Refusal {
    match error {
        SourceError::Framing(http1::BodyError::Truncated) | SourceError::Io(_) => Refusal::CLIENT_GONE,
        SourceError::Framing(_) => Refusal::BODY_MALFORMED,
        SourceError::TimedOut => Refusal::BODY_TIMEOUT,
        SourceError::Failed(_) => Refusal::CLIENT_GONE,
    }
}

fn upstream_reason(error: &SourceError) -> &'static str {
    match error {
        SourceError::TimedOut => "upstream_timeout",
        SourceError::Framing(http1::BodyError::Truncated) | SourceError::Io(_) => "upstream_failed",
        SourceError::Framing(_) => "upstream_malformed",
        SourceError::Failed(reason) => reason,
    }
}

fn client_reason(error: &SinkError) -> &'static str {
    match error {
        SinkError::TimedOut => "client_timeout",
        SinkError::Io(_) => "client_gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_of_grpc_have_eight_digits_and_a_unit() {
        for (value, ms) in [
            ("1H", Some(3_600_000)),
            ("2M", Some(120_000)),
            ("3S", Some(3_000)),
            ("99999999m", Some(99_999_999)),
            ("1500u", Some(2)),
            ("1n", Some(1)),
            ("0S", Some(0)),
            ("100000000m", None),
            ("S", None),
            ("1", None),
            ("-1S", None),
            ("1s", None),
            ("", None),
        ] {
            assert_eq!(grpc_timeout(value.as_bytes()), ms.map(Ticks::from_ms), "{value}");
        }
    }
}
