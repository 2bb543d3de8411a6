//! The life of a client's HTTP/2 connection: streams begin and end on it until it is idle for too long, or the gateway drains.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request as Head;
use tokio::io::{AsyncRead, AsyncWrite};

use super::body::{Incoming, Way};
use super::budget::{Budget, Counted};
use super::conversation::Conversation;
use super::request;
use crate::client::{Arrival, Client};
use crate::connection::{Closing, Secured};
use crate::exchange::Exchange;
use crate::h1::wait;
use crate::hooks::ProxyHttp;
use crate::limits::{FRAME_BYTES, GOODBYE_MS, PROTOCOL_ERRORS, RESETS_REMEMBERED, STREAM_SEND_BYTES};
use crate::listen::{Admission, Settings};
use crate::pipeline::{self, Afterwards};
use crate::refusal::Refusal;
use crate::timers::{Ticks, Timer};
use crate::worker::{State, Worker};

/// Serves a connection, the first bytes of which are there, to its end.
pub(crate) async fn serve<P: ProxyHttp, S: AsyncRead + AsyncWrite + Unpin>(
    worker: Rc<Worker<P>>,
    admission: Admission,
    timer: Timer,
    peer: SocketAddr,
    stream: S,
    secured: Option<Secured>,
) {
    let budget = Rc::new(Budget::new(worker.timers.clone()));
    let client = Rc::new(Multiplexed { worker, admission, timer, peer, secured, budget, open: Cell::new(0) });
    let settings = client.admission.listener.settings_arc();
    client.timer.set(settings.head_timeout);
    let mut shaking =
        pin!(builder(&client, &settings).handshake(Counted::new(stream, client.budget.clone())));
    let shaken = wait(&client.timer, |context| shaking.as_mut().poll(context).map(Ok)).await;
    if let Ok(Ok(connection)) = shaken {
        client.timer.set(settings.keep_alive);
        drive(&client, connection, settings.requests).await;
    }
}

fn builder<P: ProxyHttp>(client: &Multiplexed<P>, settings: &Settings) -> Builder {
    let limits = client.worker.plane.load().request_limits;
    // An entry counts 32 bytes more than its name and value (RFC 9113 §6.5.2).
    let head_bytes = limits.head_bytes + 32 * limits.fields;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(settings.http2.streams)
        .initial_window_size(settings.http2.stream_window)
        .initial_connection_window_size(settings.http2.connection_window)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(STREAM_SEND_BYTES)
        .max_concurrent_reset_streams(RESETS_REMEMBERED)
        .max_local_error_reset_streams(Some(PROTOCOL_ERRORS))
        .enable_connect_protocol();
    builder
}

/// Takes streams as they come.
async fn drive<P: ProxyHttp, S: AsyncRead + AsyncWrite + Unpin>(
    client: &Rc<Multiplexed<P>>,
    mut connection: Connection<S, Bytes>,
    requests: u64,
) {
    let (mut accepted, mut goodbye) = (0, false);
    while let Some((head, respond)) =
        poll_fn(|context| client.poll_accept(&mut connection, &mut goodbye, context)).await
    {
        accepted += 1;
        if accepted == requests && !goodbye {
            goodbye = true;
            connection.graceful_shutdown();
        }
        client.opened();
        tokio::task::spawn_local(exchange(client.clone(), head, respond));
    }
}

/// A stream as it begins.
type Begun = (Head<RecvStream>, SendResponse<Bytes>);

/// A connection, shared by its streams.
#[derive(Debug)]
struct Multiplexed<P: ProxyHttp> {
    worker: Rc<Worker<P>>,
    admission: Admission,
    /// Of the task that takes the streams.
    timer: Timer,
    peer: SocketAddr,
    secured: Option<Secured>,
    budget: Rc<Budget>,
    /// Streams that are being served.
    open: Cell<u32>,
}

impl<P: ProxyHttp> Multiplexed<P> {
    /// Waits for the next stream; `None`: there will be none, and what is to be sent has been.
    fn poll_accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S, Bytes>,
        goodbye: &mut bool,
        context: &mut Context<'_>,
    ) -> Poll<Option<Begun>> {
        loop {
            if let Poll::Ready(stream) = connection.poll_accept(context) {
                let is_calm = !self.budget.is_spent();
                return Poll::Ready(stream.and_then(Result::ok).filter(|_| is_calm));
            }
            let listener = &self.admission.listener;
            if self.budget.is_spent() {
                if !self.timer.is_cut() {
                    self.timer.cut("flood");
                    listener.flooded();
                    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                    continue;
                }
                return Poll::Ready(None);
            }
            let is_idle = self.open.get() == 0 && self.timer.expired();
            if listener.is_cut() || is_idle && *goodbye {
                return Poll::Ready(None);
            }
            let closing = Closing { draining: self.worker.draining(), listener };
            if *goodbye || !is_idle && !closing.has_come() {
                return Poll::Pending;
            }
            *goodbye = true;
            connection.graceful_shutdown();
            if self.open.get() == 0 {
                self.timer.set(Ticks::from_ms(GOODBYE_MS));
            }
        }
    }

    fn opened(&self) {
        self.open.set(self.open.get() + 1);
        self.timer.set(Ticks::NEVER);
    }

    fn closed(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            let is_over = Closing { draining: self.worker.draining(), listener: &self.admission.listener };
            let keep_alive = self.admission.listener.settings().keep_alive;
            self.timer.set(if is_over.has_come() { Ticks::from_ms(GOODBYE_MS) } else { keep_alive });
        }
    }

    /// Serves the request of one stream.
    async fn answer(
        &self,
        head: Head<RecvStream>,
        way: &RefCell<Way>,
        timer: &Timer,
        state: &mut State,
    ) -> Afterwards {
        let Self { worker, admission, peer, secured, .. } = self;
        let settings = admission.listener.settings_arc();
        let started = Instant::now();
        let State { request, response } = state;
        let (parts, body) = head.into_parts();
        let limits = worker.plane.load().request_limits;
        let read = request::read(&parts, body.is_end_stream(), &limits, request);
        let mut conversation = Conversation {
            incoming: Incoming::new(body, request.upgrade.is_empty()),
            way,
            started: None,
            timer,
            idle: settings.body_timeout,
        };
        if let Err(error) = read {
            request.clear();
            let session = secured.as_ref().map(|secured| &secured.session);
            let arrival = Arrival { session, ..Arrival::from(Client::direct(peer.ip())) };
            let record = RefCell::default();
            let exchange = Exchange::open(worker, started, arrival, timer, request, &record);
            return pipeline::refuse(&exchange, &Refusal::head(error), request, response, &mut conversation)
                .await;
        }
        let arrival = Arrival::of(request, peer.ip(), &settings, secured.as_ref());
        let afterwards =
            pipeline::serve(worker, started, arrival, timer, request, response, &mut conversation).await;
        if afterwards != Afterwards::Cut {
            conversation.linger().await;
        }
        afterwards
    }
}

/// Serves one stream to its end, which may be that the client takes its request back.
async fn exchange<P: ProxyHttp>(
    client: Rc<Multiplexed<P>>,
    head: Head<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    let worker = &client.worker;
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    let mut state = worker.take_state();
    let way = RefCell::new(Way::Unanswered(respond));
    let afterwards = {
        let mut answering = pin!(client.answer(head, &way, &timer, &mut state));
        poll_fn(|context| {
            let is_gone = way.borrow_mut().poll_reset(context).is_ready();
            if is_gone {
                timer.cut("client_gone");
            } else if client.admission.listener.is_cut() {
                timer.cut("listener_removed");
            }
            answering.as_mut().poll(context)
        })
        .await
    };
    worker.put_state(state);
    match afterwards {
        Afterwards::Keep | Afterwards::Close => client.budget.answered(),
        Afterwards::Cut => way.borrow_mut().reset(Reason::INTERNAL_ERROR),
    }
    drop(way);
    client.closed();
}
