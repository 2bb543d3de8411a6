//! A guest's outgoing requests: counted, allowed by name only, handed to whoever sends them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{self, HeaderName};
use http::uri::Scheme;
use wasmtime_wasi_http::{RequestOptions, WasiHttpHooks};

use crate::body::Sent;
use crate::log::Printable;
use crate::meter::Meter;
use crate::{HttpError, Settings, WasiBody, bridge};

/// The authority that stands for the rest of the pipeline, for a function that stands before something.
pub const UPSTREAM: &str = "upstream.internal";

/// Most of a request's target that is logged, characters.
const LOGGED_CHARACTERS_MAX: usize = 200;

/// Refused requests of one call that are logged one by one.
const REFUSALS_LOGGED_MAX: u32 = 8;

/// Most a guest may write to a body in one go, bytes.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Sends guests' requests. Implemented by whoever has connections.
pub trait Outbound: Send + Sync + 'static {
    /// Sends a request to where the function may send it, and gives the response as soon as its head is there.
    ///
    /// The request's scheme and authority are those of the destination; head and trailers are still to be taken through
    /// [`bridge`]. Its body keeps the length that it announces, and fails when the guest does.
    fn send(&self, to: Destination, request: http::Request<WasiBody>, timeouts: Timeouts) -> SentResponse;
}

/// What [`Outbound::send`] gives.
pub type SentResponse = BoxFuture<'static, Result<http::Response<WasiBody>, HttpError>>;

/// Where an outgoing request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The rest of the pipeline, which the function stands before.
    Next,
    /// The place of that index in [`Settings::outbound`].
    Listed(usize),
}

/// What the guest wants to wait, never longer than is left of its own time; `None`: as long as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For the response's head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the response's body.
    pub between_bytes: Option<Duration>,
}

impl Timeouts {
    fn of(options: Option<RequestOptions>, left: Duration) -> Self {
        let options = options.unwrap_or_default();
        let clamped = |asked: Option<Duration>| asked.map(|asked| asked.min(left));
        Self {
            connect: clamped(options.connect_timeout),
            first_byte: clamped(options.first_byte_timeout),
            between_bytes: clamped(options.between_bytes_timeout),
        }
    }
}

/// What `wasi:http` asks of the host during one call.
pub(crate) struct Hooks {
    pub(crate) outbound: Option<Arc<dyn Outbound>>,
    pub(crate) next: bool,
    pub(crate) calls_left: u32,
    refusals_logged: u32,
    pub(crate) meter: Arc<Meter>,
}

impl Hooks {
    /// Of a call that asks `outbound`.
    pub(crate) fn new(meter: Arc<Meter>, outbound: Option<Arc<dyn Outbound>>, next: bool) -> Self {
        Self { outbound, next, calls_left: meter.facts.settings.calls, refusals_logged: 0, meter }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.meter.facts.settings
    }

    /// Whether the guest has asked anybody.
    pub(crate) fn has_asked(&self) -> bool {
        self.calls_left < self.settings().calls
    }

    /// Counts a request and says where it goes.
    fn destination(&mut self, uri: &http::Uri) -> Result<Destination, &'static str> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or("the call has used up its `calls`")?;
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let without = |port| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
        let origin = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => without(":80"),
            Some(scheme) if *scheme == Scheme::HTTPS => format!("https://{}", without(":443")),
            _ => return Err("only `http://` and `https://` can be asked"),
        };
        if origin == UPSTREAM {
            return if self.next { Ok(Destination::Next) } else { Err("the function stands before nothing") };
        }
        let place = self.settings().outbound.iter().position(|listed| *listed == origin);
        place.map(Destination::Listed).ok_or("it is not in the function's `outbound`")
    }

    fn log_refusal(&mut self, uri: &http::Uri, why: &str) {
        if self.refusals_logged == REFUSALS_LOGGED_MAX {
            return;
        }
        self.refusals_logged += 1;
        let rest =
            if self.refusals_logged == REFUSALS_LOGGED_MAX { "; the call's others are not told" } else { "" };
        let asked: String = uri.to_string().chars().take(LOGGED_CHARACTERS_MAX).collect();
        let function = &*self.settings().name;
        let request = self.meter.request;
        tracing::warn!(target: "function", function, %request, asked = %Printable(&asked), "outgoing request refused: {why}{rest}");
    }
}

type Response = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), HttpError>> + Send>);

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> wasmtime_wasi_http::ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(Scheme::HTTP)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Result<Response, HttpError>> + Send> {
        let destination = self.destination(request.uri()).and_then(|to| match &self.outbound {
            Some(outbound) => Ok((to, outbound.clone())),
            None => Err("the function asks nobody"),
        });
        let (to, outbound) = match destination {
            Ok(destination) => destination,
            Err(why) => {
                self.log_refusal(request.uri(), why);
                return Box::new(std::future::ready(Err(HttpError::HttpRequestDenied)));
            }
        };
        let timeouts = Timeouts::of(options, self.meter.left());
        let meter = self.meter.clone();
        Box::new(async move {
            let (head, body) = request.into_parts();
            let announced =
                bridge::announced_length(&head.headers).map_err(|_| HttpError::HttpRequestBodySize(None))?;
            let body = Sent::new(body, meter, announced).await;
            let request = http::Request::from_parts(head, WasiBody::new(body));
            let response = outbound.send(to, request, timeouts).await?;
            let done: Box<dyn Future<Output = Result<(), HttpError>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }
}

/// Fields that speak of a connection, which a guest neither sees nor sets.
fn is_forbidden(name: &HeaderName) -> bool {
    match *name {
        header::CONNECTION
        | header::HOST
        | header::PROXY_AUTHENTICATE
        | header::PROXY_AUTHORIZATION
        | header::TRANSFER_ENCODING
        | header::UPGRADE => true,
        _ => matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_than_the_call_may_take() {
        let second = Duration::from_secs(1);
        let options = RequestOptions {
            connect_timeout: Some(second * 600),
            first_byte_timeout: Some(second),
            between_bytes_timeout: None,
        };
        let expected = Timeouts { connect: Some(second * 2), first_byte: Some(second), between_bytes: None };
        assert_eq!(Timeouts::of(Some(options), second * 2), expected);
        assert_eq!(Timeouts::of(None, second), Timeouts::default());
    }

    #[test]
    fn what_speaks_of_a_connection_is_forbidden() {
        for name in wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS {
            assert!(is_forbidden(&name), "{name}");
        }
        assert!(!is_forbidden(&header::CONTENT_LENGTH));
    }
}
