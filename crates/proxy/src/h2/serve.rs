//! The life of a client's HTTP/2 connection: streams begin and end on it until it is idle for too long, or the gateway drains.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request as Head;
use policy::proxy_protocol::Ends;
use tokio::io::{AsyncRead, AsyncWrite};

use super::body::{Incoming, Way};
use super::budget::Budget;
use super::conversation::Conversation;
use super::frames::Counted;
use super::request;
use crate::client::Arrival;
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
    ends: Ends,
    stream: S,
    secured: Option<Secured>,
) {
    let budget = Rc::new(Budget::new(worker.timers.clone()));
    let client = Rc::new(Multiplexed {
        worker,
        admission,
        timer,
        ends,
        secured,
        budget,
        open: Cell::new(0),
        goodbye: Cell::new(Goodbye::NotYet),
    });
    if let Some(mut connection) = shake(&client, stream).await {
        let settings = client.admission.listener.settings();
        client.timer.set(settings.keep_alive);
        drive(&client, &mut connection, settings.requests).await;
    }
}

/// Exchanges prefaces and settings (RFC 9113 §3.4).
async fn shake<P: ProxyHttp, S: AsyncRead + AsyncWrite + Unpin>(
    client: &Rc<Multiplexed<P>>,
    stream: S,
) -> Option<Connection<Counted<S>, Bytes>> {
    let settings = client.admission.listener.settings_arc();
    client.timer.set(settings.head_timeout);
    let mut shaking = pin!(builder(client, &settings).handshake(Counted::new(stream, client.budget.clone())));
    let shaken = wait(&client.timer, |context| shaking.as_mut().poll(context).map(Ok)).await;
    shaken.ok()?.ok()
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
    connection: &mut Connection<S, Bytes>,
    requests: u64,
) {
    let mut accepted = 0;
    while let Some(begun) = poll_fn(|context| client.poll_accept(connection, context)).await {
        accepted += 1;
        client.opened();
        if accepted == requests {
            client.say_goodbye(connection);
        }
        client.worker.stream_tasks.serve(&client.worker, Stream { client: client.clone(), begun });
    }
}

/// A connection, shared by its streams.
#[derive(Debug)]
pub(super) struct Multiplexed<P: ProxyHttp> {
    worker: Rc<Worker<P>>,
    admission: Admission,
    /// Of the task that takes the streams.
    timer: Timer,
    ends: Ends,
    secured: Option<Secured>,
    budget: Rc<Budget>,
    /// Streams that are being served.
    open: Cell<u32>,
    goodbye: Cell<Goodbye>,
}

/// Whether the client has been told that there will be no more streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    NotYet,
    /// Those under way may end.
    Said,
    /// All are over: the client has broken the rules.
    Dismissed,
}

impl<P: ProxyHttp> Multiplexed<P> {
    /// Waits for the next stream; `None`: there will be none, and what is to be sent has been.
    fn poll_accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S, Bytes>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Begun>> {
        let listener = &self.admission.listener;
        loop {
            let polled = connection.poll_accept(context);
            if let Some(reason) = self.budget.verdict().filter(|_| !self.is_dismissed()) {
                self.goodbye.set(Goodbye::Dismissed);
                if reason == Reason::ENHANCE_YOUR_CALM {
                    listener.flooded();
                }
                // Goes out with the next turn, as far as the client takes it.
                connection.abrupt_shutdown(reason);
                continue;
            }
            if let Poll::Ready(stream) = polled {
                // Some floods `h2` finds by itself.
                if let Some(Err(error)) = &stream
                    && error.reason() == Some(Reason::ENHANCE_YOUR_CALM)
                    && !error.is_remote()
                    && !self.is_dismissed()
                {
                    listener.flooded();
                }
                return Poll::Ready(stream.and_then(Result::ok).filter(|_| !self.is_dismissed()));
            }
            let is_idle = self.open.get() == 0 && self.timer.expired();
            match self.goodbye.get() {
                _ if listener.is_cut() => return Poll::Ready(None),
                Goodbye::Dismissed => return Poll::Ready(None),
                Goodbye::Said if is_idle => return Poll::Ready(None),
                Goodbye::NotYet if is_idle || self.closing().has_come() => self.say_goodbye(connection),
                Goodbye::Said | Goodbye::NotYet => return Poll::Pending,
            }
        }
    }

    /// Has the client begin no more streams, and the connection end with those that are under way (RFC 9113 §6.8).
    fn say_goodbye<S: AsyncRead + AsyncWrite + Unpin>(&self, connection: &mut Connection<S, Bytes>) {
        if self.goodbye.get() == Goodbye::NotYet {
            self.goodbye.set(Goodbye::Said);
            connection.graceful_shutdown();
            if self.open.get() == 0 {
                self.timer.set(Ticks::from_ms(GOODBYE_MS));
            }
        }
    }

    fn is_dismissed(&self) -> bool {
        self.goodbye.get() == Goodbye::Dismissed
    }

    fn closing(&self) -> Closing<'_> {
        Closing { draining: self.worker.draining(), listener: &self.admission.listener }
    }

    fn opened(&self) {
        self.open.set(self.open.get() + 1);
        self.timer.set(Ticks::NEVER);
    }

    fn closed(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            let keep_alive = self.admission.listener.settings().keep_alive;
            let is_staying = self.goodbye.get() == Goodbye::NotYet;
            self.timer.set(if is_staying { keep_alive } else { Ticks::from_ms(GOODBYE_MS) });
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
        let Self { worker, admission, ends, secured, .. } = self;
        let settings = admission.listener.settings_arc();
        let started = Instant::now();
        let State { request, response } = state;
        let (parts, body) = head.into_parts();
        let limits = worker.plane.load().request_limits;
        let read = request::read(&parts, body.is_end_stream(), &limits, request);
        drop(parts);
        let mut conversation = Conversation {
            incoming: Incoming::new(body, request.upgrade.is_empty()),
            way,
            started: None,
            timer,
            idle: settings.body_timeout,
        };
        if let Err(error) = read {
            request.clear();
            let arrival = Arrival::unread(*ends, secured.as_ref());
            let record = RefCell::default();
            let exchange = Exchange::open(worker, started, arrival, timer, request, &record);
            let refusal = Refusal::head(error);
            if refusal.status == 400 {
                // A malformed request is an error of its stream (RFC 9113 §8.1.1).
                way.borrow_mut().reset(Reason::PROTOCOL_ERROR);
                exchange.note(refusal.status, Some(refusal.reason));
                exchange.finish(request);
                return Afterwards::Cut;
            }
            return pipeline::refuse(&exchange, &refusal, request, response, &mut conversation).await;
        }
        let arrival = Arrival::of(request, *ends, &settings, secured.as_ref());
        let afterwards =
            pipeline::serve(worker, started, arrival, timer, request, response, &mut conversation).await;
        if afterwards != Afterwards::Cut {
            conversation.linger().await;
        }
        afterwards
    }
}

/// A stream as it begins.
type Begun = (Head<RecvStream>, SendResponse<Bytes>);

/// A stream to be served.
#[derive(Debug)]
pub(super) struct Stream<P: ProxyHttp> {
    client: Rc<Multiplexed<P>>,
    begun: Begun,
}

impl<P: ProxyHttp> Stream<P> {
    /// Serves it to its end, which may be that the client takes its request back.
    pub(super) async fn serve(self, timer: &Timer) {
        let Self { client, begun: (head, respond) } = self;
        let worker = &client.worker;
        let mut state = worker.take_state();
        let way = RefCell::new(Way::Unanswered(respond));
        let afterwards = {
            let mut answering = pin!(client.answer(head, &way, timer, &mut state));
            poll_fn(|context| {
                // Most of the time it is over, and nobody asks whether it has been taken back.
                if let Poll::Ready(afterwards) = answering.as_mut().poll(context) {
                    return Poll::Ready(afterwards);
                }
                let is_gone = way.borrow_mut().poll_reset(context).is_ready();
                if is_gone {
                    timer.cut("client_gone");
                } else if client.admission.listener.is_cut() {
                    timer.cut("listener_removed");
                } else {
                    return Poll::Pending;
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
}
