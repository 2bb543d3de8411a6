//! One call of a function, as it crosses to the thread that runs it.

use std::sync::Arc;

use functions::{Failure, Function, WasiBody, body, body::Answer, bridge};
use http::uri::Scheme;
use message::{Body, Fields, Request};
use tokio::sync::oneshot;

use super::conversation::Conversation;
use super::outbox::Letterbox;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::forward::shape;
use crate::hooks::ProxyHttp;
use crate::identify::Admitted;
use crate::limits::GUEST_PIECES;
use crate::refusal::Refusal;
use lockgate_event::EventId;

/// What the thread that runs a function needs for one call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) id: EventId,
    pub(super) function: Arc<Function>,
    pub(super) request: http::Request<WasiBody>,
    /// For its own requests; `None`: it may make none.
    pub(super) context: Option<Arc<Context>>,
    /// Where the answer goes, as soon as its head is there, and by which way. Closed when nobody wants it any more, which ends the
    /// guest.
    pub(super) answered: oneshot::Sender<Answered>,
    pub(super) letterbox: Letterbox,
}

/// What came of a call: an answer, whose body may yet fail, or the reason why there is none.
pub(super) type Answered = Result<http::Response<Answer>, Failure>;

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
    pub(super) kept: Fields,
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
    let scheme = if exchange.client.is_secure { Scheme::HTTPS } else { Scheme::HTTP };
    let parts = bridge::request_to_guest(request, scheme).map_err(|_| Refusal::FUNCTION_REQUEST)?;
    let (answered, head) = oneshot::channel();
    let may_ask = admitted.route().goes_on_after(step) || !function.settings().outbound.is_empty();
    let context = may_ask.then(|| {
        Arc::new(Context {
            admitted: admitted.on_behalf(),
            step,
            client: exchange.client,
            parent: exchange.id(),
            authority: request.authority().into(),
            kept: shape::kept(request),
        })
    });
    let call = Call {
        id: exchange.id(),
        function: function.clone(),
        request: http::Request::from_parts(parts, upload),
        context,
        answered,
        letterbox: exchange.worker.letterbox.get_or_init(Letterbox::new).clone(),
    };
    exchange.worker.plane.function_threads().hand_over(call)?;
    Ok(Conversation::new(to_guest, head))
}
