//! The life of a client's connection: a PROXY header, TLS, then what it speaks. HTTP/2 goes its own way in `h2`; HTTP/1 is idle, has
//! an exchange or several, is idle again, closed.
//!
//! Idle, it owns its socket and little else; buffers and heads are lent to it while bytes are there.

mod closing;
mod handshake;
mod head;
mod preface;
mod proxy_protocol;

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use message::Version;
use policy::proxy_protocol::Ends;
use tls::Session;
use tokio::net::TcpStream;

use crate::buffers::Buffer;
use crate::client::Arrival;
use crate::exchange::Exchange;
use crate::h1::{ClientConversation, InState, OutState};
use crate::h2;
use crate::hooks::ProxyHttp;
use crate::limits::{FIRST_BYTES_MS, QUIET_MS};
use crate::listen::{Admission, TlsSettings};
use crate::pipeline::{self, Afterwards};
use crate::refusal::Refusal;
use crate::stream::{ByteStream, ClientStream, TlsClient};
use crate::timers::{Ticks, Timer};
use crate::worker::{State, Worker};
pub(crate) use closing::{Closing, turn_away};
use head::Head;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use proxy_protocol::{Peek, read as read_proxy_header};

/// Serves a client's connection to its end.
pub(crate) async fn serve<P: ProxyHttp>(
    worker: Rc<Worker<P>>,
    mut admission: Admission,
    mut stream: TcpStream,
    peer: SocketAddr,
) {
    let _open = worker.gauges.connection();
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    timer.set(admission.listener.settings().head_timeout);
    if !is_readable(&worker, &admission, &stream, &timer, true).await {
        return;
    }
    // A socket that does not say has been reset.
    let Ok(destination) = stream.local_addr() else { return };
    // Boxed, since a task takes its memory in large steps.
    let mut ends = Box::new(Ends { client: peer, destination });
    if admission.listener.settings().proxy_protocol.contains(peer.ip().to_canonical()) {
        // Boxed, so that the others do not carry the room.
        let said = Box::pin(proxy_protocol::ends(&mut stream, *ends, &timer)).await;
        match said {
            Some(said) if is_readable(&worker, &admission, &stream, &timer, true).await => *ends = said,
            _ => return,
        }
    }
    let (tls, h2c) = {
        let settings = admission.begin();
        (settings.tls.clone(), settings.h2c)
    };
    // Boxed, so that connections of HTTP/1 in cleartext do not carry the room.
    if let Some(tls) = tls {
        Box::pin(secured(worker.clone(), admission, timer, ends, stream, tls)).await;
    } else if h2c && Box::pin(preface::is_there(&stream, &admission.listener, &timer)).await {
        Box::pin(h2::serve(worker.clone(), admission, timer, ends, stream, None)).await;
    } else {
        let connection = Connection { worker: &worker, admission: &admission, timer: &timer, ends: &ends };
        connection.requests(&mut stream, None).await;
    }
}

/// Shakes hands, then serves requests in the protocol agreed on.
async fn secured<P: ProxyHttp>(
    worker: Rc<Worker<P>>,
    admission: Admission,
    timer: Timer,
    ends: Box<Ends>,
    stream: TcpStream,
    settings: Arc<TlsSettings>,
) {
    // Boxed, so that what follows does not carry the room.
    let shaken = Box::pin(handshake::shake(&admission, &settings, stream, &timer)).await;
    let Some((stream, session)) = shaken else { return };
    let secured = Box::new(Secured { session, settings });
    timer.set(admission.listener.settings().head_timeout);
    // Who names no protocol at all knows beforehand of the only one.
    if secured.session.is_http2 || !secured.settings.terminator.terms().http1 {
        let stream = TlsClient::new(stream);
        return Box::pin(h2::serve(worker, admission, timer, ends, stream, Some(secured))).await;
    }
    let mut stream = TlsClient::new(stream);
    if is_readable(&worker, &admission, &stream, &timer, true).await {
        let connection = Connection { worker: &worker, admission: &admission, timer: &timer, ends: &ends };
        connection.requests(&mut stream, Some(&secured)).await;
    } else {
        stream.farewell();
    }
}

/// What a handshake has shown, and what it was done by.
#[derive(Debug)]
pub(crate) struct Secured {
    pub(crate) session: Session,
    /// The listener's at the time of the handshake.
    settings: Arc<TlsSettings>,
}

impl Secured {
    /// Whether a request for this host may come on this connection (RFC 9110 §7.4).
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.settings.terminator.covers(self.session.server_name.as_deref(), host)
    }
}

/// What stays the same over a connection's requests.
#[derive(Debug)]
struct Connection<'a, P: ProxyHttp> {
    worker: &'a Worker<P>,
    admission: &'a Admission,
    timer: &'a Timer,
    ends: &'a Ends,
}

impl<P: ProxyHttp> Clone for Connection<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ProxyHttp> Copy for Connection<'_, P> {}

impl<P: ProxyHttp> Connection<'_, P> {
    /// Serves requests, of which the first bytes are there.
    async fn requests<S: ClientStream>(self, stream: &mut S, secured: Option<&Secured>) {
        let mut served = 0;
        loop {
            // Boxed, so that an idle connection does not carry the room a busy one needs.
            let busy = Box::pin(self.converse(stream, secured, &mut served));
            if unless_cut(self.admission, self.timer, busy).await == Next::Close {
                return;
            }
            self.timer.set(self.admission.listener.settings().keep_alive);
            if !is_readable(self.worker, self.admission, stream, self.timer, served == 0).await {
                return stream.farewell();
            }
        }
    }
}

/// Polls a conversation to its end, or to the deadline of a removed listener or of terms of before; an exchange under way then ends by
/// itself, and is recorded.
async fn unless_cut(
    admission: &Admission,
    timer: &Timer,
    mut busy: Pin<Box<impl Future<Output = Next>>>,
) -> Next {
    poll_fn(|context| {
        if let Some(reason) = admission.cut_reason() {
            timer.cut(reason);
        }
        match busy.as_mut().poll(context) {
            Poll::Pending if timer.is_cut() => Poll::Ready(Next::Close),
            polled => polled,
        }
    })
    .await
}

/// What follows when there is nothing more to read for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The connection has been quiet for a moment.
    Idle,
    Close,
}

/// Waits for bytes; `false`: the connection is to be closed, for it has been idle too long, or is closing.
///
/// A new connection is given a moment even then: its request may have been sent before the drain or the reload.
async fn is_readable<P: ProxyHttp>(
    worker: &Worker<P>,
    admission: &Admission,
    stream: &impl ClientStream,
    timer: &Timer,
    is_new: bool,
) -> bool {
    poll_fn(|context| {
        if let Poll::Ready(readable) = stream.poll_readable(context) {
            return Poll::Ready(readable.is_ok());
        }
        let is_closing = closing(worker, admission).has_come();
        if is_closing && is_new {
            timer.shorten(Ticks::from_ms(FIRST_BYTES_MS));
        }
        let is_over = timer.expired() || is_closing && !is_new;
        // The reactor is about to tell of bytes that the kernel has.
        if is_over && !stream.has_bytes() { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

fn closing<'a, P: ProxyHttp>(worker: &'a Worker<P>, admission: &'a Admission) -> Closing<'a> {
    Closing { draining: worker.draining(), admission }
}

impl<P: ProxyHttp> Connection<'_, P> {
    /// Serves requests as long as they come one soon after the other.
    async fn converse<S: ClientStream>(
        self,
        stream: &mut S,
        secured: Option<&Secured>,
        served: &mut u64,
    ) -> Next {
        let Self { worker, admission, timer, .. } = self;
        let mut conversation = ClientConversation {
            stream,
            timer,
            input: InState::new(Buffer::default()),
            output: OutState::new(),
            idle: admission.listener.settings().body_timeout,
            version: Version::Http11,
            keep_alive: true,
            closing: closing(worker, admission),
        };
        loop {
            let mut state = worker.take_state();
            let next = self.exchange(&mut conversation, secured, served, &mut state).await;
            worker.put_state(state);
            match next {
                Some(next) => return next,
                None if !conversation.input.buffer.is_empty() => continue,
                None => conversation.rest(),
            }
            timer.set(Ticks::from_ms(QUIET_MS));
            if !is_readable(worker, admission, conversation.stream, timer, false).await {
                if timer.expired() {
                    return Next::Idle;
                }
                conversation.stream.farewell();
                return Next::Close;
            }
        }
    }

    /// Serves one request; `None`: another may follow.
    async fn exchange<S: ClientStream>(
        self,
        conversation: &mut ClientConversation<'_, S>,
        secured: Option<&Secured>,
        served: &mut u64,
        state: &mut State,
    ) -> Option<Next> {
        let Self { worker, admission, timer, ends } = self;
        let settings = admission.listener.settings_arc();
        timer.set(settings.head_timeout);
        conversation.idle = settings.body_timeout;
        let limits = worker.plane.load().request_limits;
        let head = head::read(conversation, &limits, &mut state.request).await;
        let started = Instant::now();
        let afterwards = match head {
            Head::Complete if admission.is_outdated() => {
                // Without an answer: clients ask again on another connection (RFC 9112 §9.3.1).
                conversation.input.start(state.request.body);
                Afterwards::Close
            }
            Head::Complete => {
                *served += 1;
                let last = settings.requests > 0 && *served >= settings.requests;
                let State { request, response } = state;
                conversation.version = request.version;
                // Behind an Upgrade the client may have sent bytes of another protocol, which must not be read as a request.
                conversation.keep_alive = request.keep_alive && !last && request.upgrade.is_empty();
                conversation.input.start(request.body);
                let arrival = Arrival::of(request, *ends, &settings, secured);
                pipeline::serve(worker, started, arrival, timer, request, response, conversation).await
            }
            Head::Idle => return Some(Next::Idle),
            Head::Closed => return Some(Next::Close),
            Head::Refused(refusal) => self.refuse(&refusal, started, secured, state, conversation).await,
        };
        if closing::settle(conversation, afterwards).await { None } else { Some(Next::Close) }
    }

    /// Answers a head that was not understood. What of it was read is not believed, so the record says little.
    async fn refuse<S: ClientStream>(
        self,
        refusal: &Refusal,
        started: Instant,
        secured: Option<&Secured>,
        state: &mut State,
        conversation: &mut ClientConversation<'_, S>,
    ) -> Afterwards {
        let State { request, response } = state;
        request.clear();
        conversation.version = Version::Http11;
        let arrival = Arrival::unread(*self.ends, secured);
        let record = RefCell::default();
        let exchange = Exchange::open(self.worker, started, arrival, conversation.timer, request, &record);
        match pipeline::refuse(&exchange, refusal, request, response, conversation).await {
            Afterwards::Keep | Afterwards::Close => Afterwards::Close,
            Afterwards::Cut => Afterwards::Cut,
        }
    }
}
