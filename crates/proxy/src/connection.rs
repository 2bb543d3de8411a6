//! The life of a client's HTTP/1 connection: idle, an exchange or several, idle again, closed.
//!
//! Idle, it owns its socket and little else; buffers and heads are lent to it while bytes are there.

mod closing;
mod head;

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use message::Version;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::buffers::Buffer;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::h1::{ClientConversation, InState, OutState};
use crate::hooks::ProxyHttp;
use crate::limits::{FIRST_BYTES_MS, QUIET_MS};
use crate::listen::Admission;
use crate::pipeline::{self, Afterwards};
use crate::refusal::Refusal;
use crate::timers::{Ticks, Timer};
use crate::worker::{State, Worker};
pub(crate) use closing::{Closing, turn_away};
use head::Head;

/// Serves a client's connection to its end.
pub(crate) async fn serve<P: ProxyHttp>(
    worker: Rc<Worker<P>>,
    admission: Admission,
    mut stream: TcpStream,
    peer: SocketAddr,
) {
    let _open = worker.gauges.connection();
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    timer.set(admission.listener.settings().head_timeout);
    let mut served = 0;
    while is_readable(&worker, &admission, &stream, &timer, served == 0).await {
        // Boxed, so that an idle connection does not carry the room a busy one needs.
        let busy = Box::pin(converse(&worker, &admission, &mut stream, peer, &timer, &mut served));
        if unless_cut(&admission, &timer, busy).await == Next::Close {
            break;
        }
        timer.set(admission.listener.settings().keep_alive);
    }
}

/// Polls a conversation to its end, or to the deadline of a removed listener; a tunnel then ends by itself, and is recorded.
async fn unless_cut(
    admission: &Admission,
    timer: &Timer,
    mut busy: Pin<Box<impl Future<Output = Next>>>,
) -> Next {
    poll_fn(|context| {
        if admission.listener.is_cut() {
            timer.cut();
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

/// Waits for bytes; `false`: the connection is to be closed, for it has been idle too long or the gateway drains.
///
/// A new connection is given a moment even then: its request may have been sent before the drain began.
async fn is_readable<P: ProxyHttp>(
    worker: &Worker<P>,
    admission: &Admission,
    stream: &TcpStream,
    timer: &Timer,
    is_new: bool,
) -> bool {
    poll_fn(|context| {
        if let Poll::Ready(readable) = stream.poll_read_ready(context) {
            return Poll::Ready(readable.is_ok());
        }
        let is_closing = closing(worker, admission).has_come();
        if is_closing && is_new {
            timer.shorten(Ticks::from_ms(FIRST_BYTES_MS));
        }
        let is_over = timer.expired() || is_closing && !is_new;
        // The reactor is about to tell of bytes that the kernel has.
        if is_over && !has_bytes(stream) { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

/// Whether bytes wait in the kernel of which the reactor has not heard yet: closing over them would reset the connection.
fn has_bytes(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    SockRef::from(stream).peek(&mut byte).is_ok_and(|count| count > 0)
}

fn closing<'a, P: ProxyHttp>(worker: &'a Worker<P>, admission: &'a Admission) -> Closing<'a> {
    Closing { draining: worker.draining(), listener: &admission.listener }
}

/// Serves requests as long as they come one soon after the other.
async fn converse<P: ProxyHttp>(
    worker: &Worker<P>,
    admission: &Admission,
    stream: &mut TcpStream,
    peer: SocketAddr,
    timer: &Timer,
    served: &mut u64,
) -> Next {
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
        let next = exchange(worker, admission, &mut conversation, peer, served, &mut state).await;
        worker.put_state(state);
        match next {
            Some(next) => return next,
            None if !conversation.input.buffer.is_empty() => continue,
            None => conversation.rest(),
        }
        timer.set(Ticks::from_ms(QUIET_MS));
        if !is_readable(worker, admission, conversation.stream, timer, false).await {
            return if timer.expired() { Next::Idle } else { Next::Close };
        }
    }
}

/// Serves one request; `None`: another may follow.
async fn exchange<P: ProxyHttp>(
    worker: &Worker<P>,
    admission: &Admission,
    conversation: &mut ClientConversation<'_>,
    peer: SocketAddr,
    served: &mut u64,
    state: &mut State,
) -> Option<Next> {
    let settings = admission.listener.settings_arc();
    let timer = conversation.timer;
    timer.set(settings.head_timeout);
    conversation.idle = settings.body_timeout;
    let limits = worker.plane.load().request_limits;
    let head = head::read(conversation, &limits, &mut state.request).await;
    let started = Instant::now();
    let afterwards = match head {
        Head::Complete => {
            *served += 1;
            let last = *served == settings.requests;
            let State { request, response } = state;
            conversation.version = request.version;
            // Behind an Upgrade the client may have sent bytes of another protocol, which must not be read as a request.
            conversation.keep_alive = request.keep_alive && !last && request.upgrade.is_empty();
            conversation.input.start(request.body);
            let client = Client::of(request, peer.ip(), &settings.trusted_proxies);
            pipeline::serve(worker, started, client, timer, request, response, conversation).await
        }
        Head::Idle => return Some(Next::Idle),
        Head::Closed => return Some(Next::Close),
        Head::Refused(refusal) => {
            refuse(worker, &refusal, peer, started, state, conversation).await;
            Afterwards::Close
        }
    };
    if closing::settle(conversation, afterwards).await { None } else { Some(Next::Close) }
}

/// Answers a head that was not understood. What of it was read is not believed, so the record says little.
async fn refuse<P: ProxyHttp>(
    worker: &Worker<P>,
    refusal: &Refusal,
    peer: SocketAddr,
    started: Instant,
    state: &mut State,
    conversation: &mut ClientConversation<'_>,
) {
    let State { request, response } = state;
    request.clear();
    let peer = peer.ip().to_canonical();
    let client = Client { peer, address: peer, peer_is_trusted: false };
    conversation.version = Version::Http11;
    let exchange = Exchange::open(worker, started, client, conversation.timer, request);
    pipeline::refuse(&exchange, refusal, request, response, conversation).await;
}
