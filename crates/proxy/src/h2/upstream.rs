//! One request and its answer on a stream to an upstream.

mod body;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::header::{CONTENT_LENGTH, HeaderValue, TE};
use http::response::Parts;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request as Head, Response as Answer};
use http1::{HeadError, HeadLimits};
use message::{Body, Known, Method, Piece, Request, Response, Version, to_header_map};

use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::h1::wait;
use crate::timers::{Ticks, Timer};
use body::{Incoming, Way, gone, sink_failed};

/// A stream to an endpoint while an exchange uses it.
#[derive(Debug)]
pub(crate) struct Asking {
    send: RefCell<SendRequest<Bytes>>,
    way: RefCell<Way>,
    /// The answer, once the head of the request has gone out.
    answer: RefCell<Option<ResponseFuture>>,
    scheme: Scheme,
}

impl Asking {
    /// On a connection that takes another stream.
    pub(crate) fn new(send: SendRequest<Bytes>, is_secure: bool) -> Self {
        Self {
            send: RefCell::new(send),
            way: RefCell::new(Way::Closed),
            answer: RefCell::new(None),
            scheme: if is_secure { Scheme::HTTPS } else { Scheme::HTTP },
        }
    }

    /// Both directions, to be used at the same time.
    pub(crate) fn split<'a>(
        &'a self,
        timer: &'a Timer,
        idle: Ticks,
        limits: &'a HeadLimits,
    ) -> (AnswerSource<'a>, AskingSink<'a>) {
        let source = AnswerSource { asking: self, incoming: None, timer, idle, limits };
        (source, AskingSink { asking: self, started: None, timer, idle })
    }

    /// Waits for a head, be it an interim one.
    fn poll_head(&self, context: &mut Context<'_>) -> Poll<Result<Answer<Option<RecvStream>>, h2::Error>> {
        let mut answer = self.answer.borrow_mut();
        // The sink is polled by the same task, and before the source.
        let Some(future) = answer.as_mut() else { return Poll::Pending };
        if let Poll::Ready(Some(interim)) = future.poll_informational(context) {
            return Poll::Ready(interim.map(|head| head.map(|()| None)));
        }
        Pin::new(future).poll(context).map_ok(|head| head.map(Some))
    }
}

/// The way to an endpoint.
#[derive(Debug)]
pub(crate) struct AskingSink<'a> {
    asking: &'a Asking,
    /// A head that has not gone out; `None` inside: it cannot be said.
    started: Option<Option<Head<()>>>,
    timer: &'a Timer,
    idle: Ticks,
}

impl AskingSink<'_> {
    fn send_head(&mut self, is_whole: bool) -> Result<(), SinkError> {
        let Some(head) = self.started.take() else { return Ok(()) };
        let head = head.ok_or_else(gone)?;
        let sent = self.asking.send.borrow_mut().send_request(head, is_whole);
        let (answer, sending) = sent.map_err(sink_failed)?;
        *self.asking.answer.borrow_mut() = Some(answer);
        *self.asking.way.borrow_mut() = if is_whole { Way::Closed } else { Way::Open(sending) };
        Ok(())
    }
}

impl Sink for AskingSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        if self.started.is_some() && piece.is_nothing() {
            return self.send_head(true);
        }
        self.send_head(false)?;
        body::send(&self.asking.way, piece, self.timer, self.idle).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.send_head(false)
    }
}

impl RequestSink for AskingSink<'_> {
    fn start(&mut self, request: &Request) {
        self.started = Some(head(request, self.asking.scheme.clone()));
    }
}

/// A request's head as `h2` takes it. Another protocol is not asked for: the answer is one of HTTP.
fn head(request: &Request, scheme: Scheme) -> Option<Head<()>> {
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(scheme);
    uri.authority = Some(Authority::try_from(request.authority()).ok()?);
    uri.path_and_query = Some(if request.asterisk {
        PathAndQuery::from_static("*")
    } else {
        PathAndQuery::try_from(request.uri_target().into_owned()).ok()?
    });
    let mut head = Head::new(());
    *head.method_mut() = http::Method::from_bytes(request.method_text().as_bytes()).ok()?;
    *head.uri_mut() = Uri::from_parts(uri).ok()?;
    *head.headers_mut() = to_header_map(&request.fields, request.body.length());
    if request.takes_trailers {
        head.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    }
    Some(head)
}

/// The way back from an endpoint.
#[derive(Debug)]
pub(crate) struct AnswerSource<'a> {
    asking: &'a Asking,
    incoming: Option<Incoming>,
    timer: &'a Timer,
    idle: Ticks,
    limits: &'a HeadLimits,
}

impl Source for AnswerSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        match &mut self.incoming {
            Some(incoming) => incoming.next(self.timer, self.idle).await,
            None => Ok(Piece::END),
        }
    }

    fn has_buffered(&self) -> bool {
        self.incoming.as_ref().is_some_and(Incoming::has_buffered)
    }

    fn has_ended(&self) -> bool {
        self.incoming.as_ref().is_none_or(|incoming| incoming.ended)
    }
}

impl ResponseSource for AnswerSource<'_> {
    async fn head(&mut self, method: Method, response: &mut Response) -> Result<(), NoResponse> {
        let head = wait(self.timer, |context| self.asking.poll_head(context).map(Ok)).await;
        let (head, stream) = match head {
            Ok(Ok(head)) => head.into_parts(),
            Ok(Err(error)) => return Err(no_response(&error)),
            Err(_) => return Err(NoResponse::TimedOut),
        };
        let is_whole = stream.as_ref().is_none_or(RecvStream::is_end_stream);
        read(&head, is_whole, self.limits, method, response)?;
        self.incoming = stream.map(|stream| {
            let mut incoming = Incoming::new(stream, true);
            incoming.look_ahead();
            incoming
        });
        Ok(())
    }
}

/// Reads a response's head. `h2` has seen to its form (RFC 9113 §8.2, §8.3).
///
/// # Errors
/// Any deviation that another client might read differently.
pub(crate) fn read(
    parts: &Parts,
    is_whole: bool,
    limits: &HeadLimits,
    method: Method,
    response: &mut Response,
) -> Result<(), HeadError> {
    response.clear();
    response.status = parts.status.as_u16();
    response.version = Version::Http2;
    response.keep_alive = true;
    response.answers_head = method == Method::Head;
    // RFC 9110 §15, RFC 9113 §8.6
    if !(100..600).contains(&response.status) || response.status == 101 {
        return Err(HeadError::Status);
    }
    if parts.headers.len() > limits.fields {
        return Err(HeadError::TooManyFields);
    }
    let mut bytes = 0;
    for (name, value) in &parts.headers {
        bytes += name.as_str().len() + value.len() + 4;
        if bytes > limits.head_bytes {
            return Err(HeadError::TooLarge);
        }
        let known = Known::of(name.as_str().as_bytes());
        if known == Known::FramingLookalike {
            return Err(HeadError::FieldName);
        }
        if !known.is_connection_level() && known != Known::Host {
            response.fields.append_known(known, name.as_str(), value.as_bytes().trim_ascii());
        }
    }
    // `h2` reads the same of several, and refuses others.
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| http1::parse_length(length.as_bytes()));
    if response.has_no_body_by_rule() {
        response.announced_length = length.filter(|_| response.status >= 200 && response.status != 204);
    } else {
        response.body = match length {
            _ if is_whole => Body::Empty,
            Some(length) => Body::Length(length),
            None => Body::Streamed,
        };
    }
    Ok(())
}

/// What it means that no head came. A stream that was refused has not been looked at (RFC 9113 §8.7).
fn no_response(error: &h2::Error) -> NoResponse {
    let is_unprocessed = error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM);
    if error.is_remote() && is_unprocessed {
        NoResponse::Unprocessed
    } else if error.is_io() || error.is_go_away() {
        NoResponse::Closed
    } else if error.is_reset() && error.is_remote() {
        NoResponse::Io(io::ErrorKind::ConnectionReset.into())
    } else {
        NoResponse::Malformed(HeadError::StatusLine)
    }
}
