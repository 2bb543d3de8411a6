//! The moments of a request at which a proxy written in Rust may take part.

use lockgate_event::EventRef;
use message::{Request, Response};

use crate::identify::Identity;

/// A proxy of one's own: a context per request, and a default for every moment that does nothing and costs nothing.
///
/// The methods are called in the order they stand in here.
pub trait ProxyHttp: 'static {
    /// What is remembered from one moment of a request to the next.
    type Context: 'static;

    /// Makes the context of a new request.
    fn new_context(&self) -> Self::Context;

    /// Learns who asks, on a route that asks for a key.
    fn identified(&self, _identity: &Identity, _context: &mut Self::Context) {}

    /// Looks at a request that has been routed; may change it, or answer it.
    fn request_filter(
        &self,
        _request: &mut Request,
        _context: &mut Self::Context,
    ) -> impl Future<Output = Verdict> {
        std::future::ready(Verdict::Continue)
    }

    /// Chooses the upstream by name; `None` leaves the choice to the route. A name that is not configured is a 503.
    fn upstream_peer(&self, _request: &Request, _context: &mut Self::Context) -> Option<&str> {
        None
    }

    /// Changes the request just before it is sent, after the gateway's own rules.
    fn upstream_request_filter(&self, _request: &mut Request, _context: &mut Self::Context) {}

    /// Changes the response's head before it goes to the client.
    fn response_filter(&self, _response: &mut Response, _context: &mut Self::Context) {}

    /// Sees the record of an exchange at the moment it is written to the journal.
    fn logging(&self, _event: &EventRef<'_>, _context: &Self::Context) {}
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as its route says.
    Continue,
    /// It is answered with this.
    Answer {
        /// Status, 200 to 599.
        status: u16,
        /// Content type of the body.
        content_type: &'static str,
        /// The body.
        body: Vec<u8>,
    },
}

/// The proxy that does what its configuration says and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Configured;

impl ProxyHttp for Configured {
    type Context = ();

    fn new_context(&self) {}
}
