//! One call of a function, as it crosses to the thread that runs it.

use std::sync::Arc;

use functions::{Failure, Function, WasiBody, body, bridge};
use message::{Body, Known, Request};
use tokio::sync::oneshot;

use super::conversation::Conversation;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::Admitted;
use crate::limits::GUEST_PIECES;
use crate::refusal::Refusal;
use lockgate_event::EventId;

/// What the thread that runs a function needs for one call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) function: Arc<Function>,
    pub(super) request: http::Request<WasiBody>,
    pub(super) context: Arc<Context>,
    /// Where the answer goes, as soon as its head is there.
    pub(super) answered: oneshot::Sender<http::Response<WasiBody>>,
    /// Where it is told how the call ended, unless it ended well.
    pub(super) failed: oneshot::Sender<Failure>,
    /// Told when the answer has been taken whole; closed without that when nobody wants it any more, which ends the guest.
    pub(super) leash: oneshot::Receiver<()>,
}

/// What the outgoing requests of a call inherit from the exchange it answers.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) admitted: Admitted,
    /// Which of the route's functions this is.
    pub(super) step: usize,
    pub(super) client: Client,
    pub(super) parent: EventId,
    /// Host and port that were asked for; to the guest what it stands before is `upstream.internal`.
    pub(super) authority: Box<str>,
    /// Fields that a guest neither takes away nor makes up.
    pub(super) kept: Vec<(Known, String, Vec<u8>)>,
}

impl Context {
    /// Whether `http://upstream.internal/` leads on.
    pub(super) fn goes_on(&self) -> bool {
        self.admitted.route().goes_on_after(self.step)
    }
}

/// Puts a call on the least busy thread.
pub(super) fn start<P: ProxyHttp>(
    exchange: &Exchange<'_, P>,
    admitted: &Admitted,
    step: usize,
    function: &Arc<Function>,
    request: &Request,
) -> Result<Conversation, Refusal> {
    let (to_guest, upload) = match request.body {
        Body::Empty => (None, body::empty()),
        _ => {
            let (sender, upload) = body::channel(GUEST_PIECES);
            (Some(sender), upload)
        }
    };
    let parts =
        bridge::request_to_guest(request, http::uri::Scheme::HTTP).map_err(|_| Refusal::FUNCTION_REQUEST)?;
    let (answered, head) = oneshot::channel();
    let (failed, failure) = oneshot::channel();
    let (leash, held) = oneshot::channel();
    let context = Context {
        admitted: admitted.on_behalf(),
        step,
        client: exchange.client,
        parent: exchange.id(),
        authority: request.authority().into(),
        kept: kept(request),
    };
    let call = Call {
        function: function.clone(),
        request: http::Request::from_parts(parts, upload),
        context: Arc::new(context),
        answered,
        failed,
        leash: held,
    };
    exchange.worker.plane.function_threads().hand_over(call)?;
    Ok(Conversation::new(to_guest, head, failure, leash))
}

/// The fields that say where a request came from.
fn kept(request: &Request) -> Vec<(Known, String, Vec<u8>)> {
    let mut kept = Vec::with_capacity(6);
    for known in [
        Known::Via,
        Known::Forwarded,
        Known::XForwardedFor,
        Known::XForwardedHost,
        Known::XForwardedPort,
        Known::XForwardedProto,
        Known::XRequestId,
    ] {
        for value in request.fields.values_of(known) {
            kept.push((known, name_of(known).to_owned(), value.to_vec()));
        }
    }
    kept
}

fn name_of(known: Known) -> &'static str {
    match known {
        Known::Via => "via",
        Known::Forwarded => "forwarded",
        Known::XForwardedFor => "x-forwarded-for",
        Known::XForwardedHost => "x-forwarded-host",
        Known::XForwardedPort => "x-forwarded-port",
        Known::XForwardedProto => "x-forwarded-proto",
        _ => "x-request-id",
    }
}
