//! One check of one endpoint: a connection of its own, one request, and what its answer means.

use std::rc::Rc;

use config::{HealthCheck, HealthQuestion};
use http1::HeadLimits;
use message::{Body, Known, Method, Piece, Request, Response};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout, timeout_at};

use super::grpc;
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Source, SourceError};
use crate::h1::Connection;
use crate::h2::{self, Asking};
use crate::limits::{CHECK_BODY_BYTES, CHECK_BODY_WITHIN, CHECK_GOODBYE, INTERIM_RESPONSES};
use crate::timers::{Ticks, Timer, Timers};
use crate::upstream::{Address, Endpoint, Finding, Purpose, Stream, Upstream, connect};

/// Who asks, so that an origin can tell checks from traffic.
const USER_AGENT: &str = concat!("lockgate-health/", env!("CARGO_PKG_VERSION"));

/// Heads of answers to checks: the largest that are taken from upstreams by default.
const HEAD_LIMITS: HeadLimits =
    HeadLimits { head_bytes: 64 << 10, fields: HeadLimits::FIELDS_MAX, target_bytes: 0 };

/// Checks an endpoint once, within the time that its upstream has for it.
pub(super) async fn check(upstream: &Upstream, endpoint: &Endpoint, terms: &HealthCheck) -> Finding {
    let deadline = Instant::now() + terms.timeout;
    // Nothing ticks here, so that this timer never expires: the deadline of the whole is what holds.
    let timer = Timer::of_this_task(Rc::<Timers>::default()).await;
    let connecting = connect(upstream, endpoint, Purpose::Requests, None, &timer);
    let mut stream = match timeout_at(deadline, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Finding::failed(format!("no connection: {error}")),
        Err(_) => return Finding::failed("no connection in time"),
    };
    let is_http2 = upstream.speaks_http2_on(&stream);
    if !is_http2 && matches!(terms.question, HealthQuestion::Grpc { .. }) {
        stream.farewell();
        return Finding::failed("no HTTP/2, which gRPC needs: HTTP/1.1 was agreed on");
    }
    let question = Question { terms, request: request(upstream, endpoint, terms, is_http2), timer };
    let asked = async {
        match is_http2 {
            false => question.by_http1(stream).await,
            true => question.by_http2(stream, upstream.config().tls.is_some(), deadline).await,
        }
    };
    timeout_at(deadline, asked).await.unwrap_or_else(|_| Finding::failed("no answer in time"))
}

fn request(upstream: &Upstream, endpoint: &Endpoint, terms: &HealthCheck, is_http2: bool) -> Request {
    let mut request = Request::default();
    let (method, target) = match &terms.question {
        HealthQuestion::Path { target, .. } => ("GET", target.as_str()),
        HealthQuestion::Grpc { .. } => ("POST", grpc::PATH),
    };
    request.method = Method::of(method.as_bytes());
    request.method_text = request.fields.store(method.as_bytes());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    request.path = request.fields.store(path.as_bytes());
    request.query = request.fields.store(query.as_bytes());
    request.has_query = target.contains('?');
    let own = || match (endpoint.origin(), endpoint.address()) {
        (Some(origin), _) => origin.to_owned(),
        (None, Address::Ip(address)) => address.to_string(),
        (None, Address::Unix(_)) => "localhost".to_owned(),
    };
    let host = terms.host.clone().or_else(|| upstream.config().host.clone());
    request.set_authority(&host.unwrap_or_else(own));
    request.fields.append("user-agent", USER_AGENT.as_bytes());
    if let HealthQuestion::Grpc { .. } = &terms.question {
        request.fields.append("content-type", b"application/grpc");
        request.takes_trailers = true;
        request.body = Body::Streamed;
    } else if !is_http2 {
        request.fields.append_known(Known::Connection, "connection", b"close");
    }
    request
}

/// What is asked on a connection.
struct Question<'a> {
    terms: &'a HealthCheck,
    request: Request,
    timer: Timer,
}

impl Question<'_> {
    async fn by_http1(&self, stream: Stream) -> Finding {
        let mut connection = Connection::new(stream, false);
        let finding = self.ask(connection.split(&self.timer, Ticks::NEVER, &HEAD_LIMITS)).await;
        connection.stream.farewell();
        finding
    }

    async fn by_http2(&self, stream: Stream, is_secure: bool, deadline: Instant) -> Finding {
        let (handle, driving) = h2::begin(stream, self.timer.timers().clone(), is_secure);
        // Ends by itself once the check has, which takes a moment: the endpoint is told.
        spawn_local(timeout_at(deadline + CHECK_GOODBYE, driving));
        let asking = Asking::new(handle);
        self.ask(asking.split(&self.timer, Ticks::NEVER, &HEAD_LIMITS)).await
    }

    async fn ask(&self, (mut source, mut sink): (impl ResponseSource, impl RequestSink)) -> Finding {
        sink.start(&self.request);
        let message = match &self.terms.question {
            HealthQuestion::Path { .. } => Vec::new(),
            HealthQuestion::Grpc { service } => grpc::request(service),
        };
        if let Err(error) = sink.write(Piece { data: &message, end: true, trailers: None }).await {
            return Finding::failed(error.to_string());
        }
        let response = match self.head(&mut source).await {
            Ok(response) => response,
            Err(error) => return Finding::failed(said(&error)),
        };
        match &self.terms.question {
            HealthQuestion::Path { statuses, .. } => {
                // Whatever comes of it: the status has decided.
                let _ = timeout(CHECK_BODY_WITHIN, read(&mut source)).await;
                by_status(response.status, statuses)
            }
            HealthQuestion::Grpc { .. } => by_grpc(&response, &mut source).await,
        }
    }

    async fn head(&self, source: &mut impl ResponseSource) -> Result<Response, NoResponse> {
        let mut response = Response::default();
        for _ in 0..=INTERIM_RESPONSES {
            source.head(self.request.method, &mut response).await?;
            if response.status >= 200 || response.status == 101 {
                return Ok(response);
            }
        }
        Err(NoResponse::Malformed(http1::HeadError::Status))
    }
}

fn by_status(status: u16, statuses: &[u16]) -> Finding {
    let reason = format!("status {status}");
    let is_healthy =
        if statuses.is_empty() { (200..300).contains(&status) } else { statuses.contains(&status) };
    if is_healthy { Finding::passed(reason) } else { Finding::failed(reason) }
}

async fn by_grpc(response: &Response, source: &mut impl Source) -> Finding {
    if response.status != 200 {
        return Finding::failed(format!("status {} of HTTP", response.status));
    }
    let is_grpc = |kind: &[u8]| kind.starts_with(b"application/grpc");
    if !response.fields.get_known(Known::ContentType).is_some_and(is_grpc) {
        return Finding::failed("an answer that is not of gRPC");
    }
    // An answer without a message says its status at once.
    let at_once = response.fields.get("grpc-status").map(<[u8]>::to_vec);
    match read(source).await {
        Ok((body, at_last)) => grpc::judge(at_once.or(at_last).as_deref(), &body),
        Err(error) => Finding::failed(error.to_string()),
    }
}

/// Reads a body, up to the limit, and the `grpc-status` in its trailers.
async fn read(source: &mut impl Source) -> Result<(Vec<u8>, Option<Vec<u8>>), SourceError> {
    let mut body = Vec::new();
    loop {
        let piece = source.next().await?;
        body.extend_from_slice(piece.data);
        if body.len() > CHECK_BODY_BYTES {
            return Err(SourceError::Failed("the body is too long"));
        }
        if piece.end {
            let status = piece.trailers.and_then(|trailers| trailers.get("grpc-status"));
            return Ok((body, status.map(<[u8]>::to_vec)));
        }
    }
}

/// An error and why, in one line.
fn said(error: &NoResponse) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
