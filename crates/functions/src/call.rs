//! One call of a function, from the request's head to the end of all the guest does.

use std::future::poll_fn;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body::Body as _;
use lockgate_event::EventId;
use tokio::sync::oneshot;
use wasmtime::Result;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::handler::Proxy;
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
    /// The exchange that it answers, for the log.
    pub id: EventId,
    /// The request, from [`bridge::request_to_guest`].
    pub request: Request<WasiBody>,
    /// Who sends the guest's own requests; `None`: it may make none.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Whether `http://upstream.internal/` is there: only for a function that stands before something.
    pub next: bool,
}

impl Function {
    /// Runs one call on the current thread to its very end, what the guest does after its answer included.
    ///
    /// The response goes through `answered` as soon as the guest gives its head; its body must be polled at the same time, since
    /// the guest waits for what it writes to be taken. The body fails when the guest does, so that no part of it is taken for
    /// the whole. Dropping the future ends the guest, and so does dropping an answer of which not all was taken. The permit's place is
    /// free when the future ends. It needs a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// The [`Failure`] that ended the call, be it before the answer, within it or after it; it is in the log already.
    pub async fn call(
        self: &Arc<Self>,
        permit: Permit,
        call: Call,
        answered: oneshot::Sender<Response<Answer>>,
    ) -> std::result::Result<(), Failure> {
        let meter = Arc::new(Meter::new(self.facts().clone(), Some(call.id)));
        let hooks = Hooks::new(meter.clone(), call.outbound, call.next);
        let answer = Answered {
            meter: meter.clone(),
            answers_head: call.request.method() == Method::HEAD,
            to: answered,
        };
        let Permit { kept, place, own: _own } = permit;
        let mut instance = match kept {
            Some(mut kept) => {
                kept.resume(hooks);
                kept
            }
            None => self.new_instance(hooks),
        };
        instance.place = instance.place.or(place);
        let ran = meter.watch(instance.serve(self, call.request, answer)).await;
        instance.store.data().log.end_call();
        let failure = meter.close(|| instance.ended(&ran, meter.is_answered()));
        let memory_bytes = instance.store.data().memory.bytes();
        self.facts().counters.ended(failure.as_ref(), meter.cpu_ns(), memory_bytes);
        match failure {
            None => {
                // One whose answer nobody wanted has not come to its end.
                if !meter.has_failed() {
                    self.keep(instance);
                }
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
        function: &Function,
        request: Request<WasiBody>,
        answer: Answered,
    ) -> Result<()> {
        self.start(function).await?;
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
    pub(crate) async fn start(&mut self, function: &Function) -> Result<()> {
        if self.proxy.is_none() {
            self.proxy = Some(function.pre().instantiate_async(&mut self.store).await?);
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
    let meter = answer.meter.clone();
    let brings_body = !request.body().is_end_stream();
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
    // A body that it was given may have become that of its answer, which then goes on without the guest. It is its call all the same.
    let asked = accessor.with(|mut store| store.data_mut().hooks.has_asked());
    if brings_body || asked {
        poll_fn(|cx| meter.poll_taken(cx)).await;
    }
    Ok(())
}

/// The way of a guest's answer to whom it is for.
struct Answered {
    meter: Arc<Meter>,
    answers_head: bool,
    to: oneshot::Sender<Response<Answer>>,
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
        let bytes_max = self.meter.facts.settings.response_bytes;
        let body = match framing.and_then(|framing| framing.length(bytes_max)) {
            Ok(Some(length)) => Answer::new(body, self.meter, length),
            Ok(None) => {
                self.meter.discard(body);
                Answer::none(self.meter)
            }
            Err(failure) => return self.meter.fail(failure),
        };
        // Whoever asked may be gone; then the answer is dropped here.
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
