//! One call of a function, from the request's head to the end of all the guest does.

use std::future::poll_fn;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use tokio::sync::oneshot;
use wasmtime::Result;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::handler::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiHttpView, p2, p3};

use crate::body::{Answer, Length};
use crate::guest::{Guest, Instance};
use crate::log::Printable;
use crate::meter::{Meter, Ran};
use crate::outbound::Hooks;
use crate::{Failure, Function, Outbound, Permit, WasiBody, bridge};

/// What a function is called with.
pub struct Call {
    /// Id of the exchange, for the log.
    pub id: Arc<str>,
    /// The request, from [`bridge::request_to_guest`].
    pub request: Request<WasiBody>,
    /// Who sends the guest's own requests.
    pub outbound: Arc<dyn Outbound>,
    /// Whether `http://upstream.internal/` is there: only for a function that stands before something.
    pub next: bool,
}

impl Function {
    /// Runs one call on the current thread to its very end, what the guest does after its answer included.
    ///
    /// The response goes through `answered` as soon as the guest gives its head; its body must be polled at the same time, since
    /// the guest waits for what it writes to be taken. The body fails when the guest does, so that no part of it is taken for
    /// the whole. Dropping the future ends the guest. It needs a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// The [`Failure`] that ended the call, be it before the answer, within it or after it; it is in the log already.
    pub async fn call(
        self: &Arc<Self>,
        _permit: &Permit,
        call: Call,
        answered: oneshot::Sender<Response<WasiBody>>,
    ) -> std::result::Result<(), Failure> {
        let settings = self.facts();
        let meter = Arc::new(Meter::new(settings.clone(), call.id.clone(), self.counters().clone()));
        let hooks = Hooks::of(&call, settings, &meter);
        let answer = Answered {
            meter: meter.clone(),
            answers_head: call.request.method() == Method::HEAD,
            bytes_max: settings.response_bytes,
            to: answered,
        };
        let mut instance = self.instance(hooks);
        let ran = meter.watch(instance.serve(self.pre(), call.request, answer)).await;
        instance.store.data().log.end_call();
        let failure = meter.close().or_else(|| instance.ended(&ran, meter.is_answered()));
        self.counters().ended(failure.as_ref(), meter.cpu_ns(), instance.store.data().memory.bytes());
        match failure {
            None => {
                self.keep(instance);
                Ok(())
            }
            Some(failure) => {
                meter.log(&failure, ran.ok().and_then(Result::err).as_ref());
                Err(failure)
            }
        }
    }
}

impl Instance {
    /// Starts the guest where it has not been, and calls it.
    async fn serve(
        &mut self,
        pre: &ProxyPre<Guest>,
        request: Request<WasiBody>,
        answer: Answered,
    ) -> Result<()> {
        self.start(pre).await?;
        match &self.proxy {
            Some(Proxy::P2(guest)) => {
                let mut view = self.store.data_mut().http();
                let scheme = if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
                    Scheme::Https
                } else {
                    Scheme::Http
                };
                let request = view.new_incoming_request(scheme, request)?;
                let out = view.new_response_outparam_from_callback(|given| answer.give_p2(given))?;
                guest.wasi_http_incoming_handler().call_handle(&mut self.store, request, out).await
            }
            Some(Proxy::P3(guest)) => {
                self.store
                    .run_concurrent(async |accessor| serve_p3(accessor, guest, request, answer).await)
                    .await?
            }
            None => Ok(()),
        }
    }

    /// Why a call that ended so did not end well.
    fn ended(&self, ran: &Ran, is_answered: bool) -> Option<Failure> {
        match ran {
            Ok(Ok(())) if is_answered => None,
            Ok(Ok(())) if self.store.data().memory.has_refused() => Some(Failure::Memory),
            Ok(Ok(())) => Some(Failure::NoResponse),
            Ok(Err(error)) => Some(self.failure(error)),
            Err(failure) => Some(failure.clone()),
        }
    }

    /// Makes the guest's side of the instance.
    pub(crate) async fn start(&mut self, pre: &ProxyPre<Guest>) -> Result<()> {
        if self.proxy.is_none() {
            self.proxy = Some(pre.instantiate_async(&mut self.store).await?);
        }
        Ok(())
    }
}

async fn serve_p3(
    accessor: &Accessor<Guest>,
    guest: &p3::bindings::Service,
    request: Request<WasiBody>,
    answer: Answered,
) -> Result<()> {
    let (request, sent) = accessor.with(|mut store| {
        let view = store.data_mut().http();
        let (request, sent) = p3::Request::from_http(view.hooks, request);
        // Boxed, since its type takes the view's lifetime for its own.
        let sent: BoxFuture<'static, _> = Box::pin(sent);
        wasmtime::error::Ok((view.table.push(request)?, sent))
    })?;
    match guest.wasi_http_handler().call_handle(accessor, request).await? {
        Ok(response) => {
            let response = accessor.with(|mut store| {
                let response = store.data_mut().http().table.delete(response)?;
                response.into_http_with_getter(&mut store, sent, Guest::http)
            })?;
            answer.give(response);
        }
        Err(code) => answer.fail(&format!("{code:?}")),
    }
    // What the guest writes to its body, and whatever else it does after having answered.
    poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
    Ok(())
}

/// The way of a guest's answer to whom it is for.
struct Answered {
    meter: Arc<Meter>,
    answers_head: bool,
    bytes_max: u64,
    to: oneshot::Sender<Response<WasiBody>>,
}

impl Answered {
    fn give_p2(self, given: std::result::Result<Response<WasiBody>, p2::bindings::http::types::ErrorCode>) {
        match given {
            Ok(response) => self.give(response),
            Err(code) => self.fail(&format!("{code:?}")),
        }
    }

    fn fail(self, code: &str) {
        self.meter.set_answered();
        let code: String = code.chars().take(200).collect();
        self.meter.fail(Failure::ErrorCode(Printable(&code).to_string()));
    }

    /// Hands the answer on if it can be sent, and keeps its body to what the head says.
    fn give(self, response: Response<WasiBody>) {
        self.meter.set_answered();
        let (head, body) = response.into_parts();
        let framing = bridge::framing(&head, self.answers_head).map_err(|what| Failure::Malformed { what });
        let body = match framing.and_then(|framing| framing.length(self.bytes_max)) {
            Ok(Some(length)) => WasiBody::new(Answer::new(body, self.meter, length)),
            Ok(None) => {
                self.meter.discard(body);
                crate::body::empty()
            }
            Err(failure) => return self.meter.fail(failure),
        };
        // Whoever asked may be gone; then the body is, too, which the guest is told when it writes to it.
        let _ = self.to.send(Response::from_parts(head, body));
    }
}

impl bridge::Framing {
    /// How long a body may be that follows; `None`: there is none.
    fn length(self, bytes_max: u64) -> std::result::Result<Option<Length>, Failure> {
        let bytes_max = if bytes_max == 0 { u64::MAX } else { bytes_max };
        match self {
            Self::None { .. } => Ok(None),
            Self::Length(bytes) if bytes > bytes_max => Err(Failure::TooLarge),
            Self::Length(bytes) => Ok(Some(Length::Exactly(bytes))),
            Self::Streamed => Ok(Some(Length::AtMost(bytes_max))),
        }
    }
}
