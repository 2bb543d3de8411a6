//! One request of a client's stream and its answer.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http1::HeadError;
use http2::Code;

use super::conversation::Conversation;
use super::{Asked, Begun};
use crate::client::Arrival;
use crate::exchange::Exchange;
use crate::h2::body::Incoming;
use crate::hooks::ProxyHttp;
use crate::pipeline::{self, Afterwards};
use crate::refusal::Refusal;
use crate::timers::Timer;
use crate::worker::State;

impl<P: ProxyHttp> Begun<P> {
    /// Serves it to its end, which may be that the client takes its request back.
    pub(super) async fn serve(self, timer: &Timer) {
        let Self { asked, mut state } = self;
        let Asked { client, stream, .. } = &asked;
        if stream.is_gone.get() {
            // Taken back before anybody has looked at it (CVE-2023-44487): nothing has been asked.
            client.worker.put_state(state);
            client.link.finish(stream);
            return client.closed();
        }
        stream.serve_by(timer.slot());
        let afterwards = {
            let mut answering = pin!(asked.answer(timer, &mut state));
            poll_fn(|context| {
                // Most of the time it is over, and nobody asks whether it has been taken back.
                if let Poll::Ready(afterwards) = answering.as_mut().poll(context) {
                    return Poll::Ready(afterwards);
                }
                // The connection may have ended for it already, and the stream be gone for that.
                if let Some(reason) = client.admission.cut_reason() {
                    timer.cut(reason);
                } else if stream.is_gone.get() {
                    timer.cut("client_gone");
                } else {
                    return Poll::Pending;
                }
                answering.as_mut().poll(context)
            })
            .await
        };
        client.worker.put_state(state);
        if afterwards != Afterwards::Cut {
            client.answered();
        }
        client.link.finish(stream);
        client.closed();
    }
}

impl<P: ProxyHttp> Asked<P> {
    async fn answer(&self, timer: &Timer, state: &mut State) -> Afterwards {
        let Self { client, stream, started, read, .. } = self;
        let (worker, ends, secured) = (&client.worker, *client.ends, client.secured.as_deref());
        let settings = client.admission.listener.settings_arc();
        let State { request, response } = state;
        let mut conversation = Conversation {
            link: &client.link,
            stream,
            incoming: Incoming::new(&client.link, stream, request.upgrade.is_empty()),
            started: None,
            is_tunnel: false,
            timer,
            idle: settings.body_timeout,
        };
        let afterwards = if let Err(error) = *read {
            self.refuse(error, timer, state, &mut conversation).await
        } else {
            if !request.upgrade.is_empty() {
                request.fields.set("sec-websocket-key", random_key().as_bytes());
            }
            let arrival = Arrival::of(request, ends, &settings, secured);
            pipeline::serve(worker, *started, arrival, timer, request, response, &mut conversation).await
        };
        if afterwards != Afterwards::Cut {
            conversation.linger().await;
        }
        afterwards
    }

    /// Answers a head that was not understood.
    async fn refuse(
        &self,
        error: HeadError,
        timer: &Timer,
        state: &mut State,
        conversation: &mut Conversation<'_>,
    ) -> Afterwards {
        let Self { client, stream, started, .. } = self;
        let State { request, response } = state;
        let method = request.method;
        request.clear();
        // The only thing that is believed: to HEAD, no answer has a body (RFC 9110 §9.3.2).
        request.method = method;
        let arrival = Arrival::unread(*client.ends, client.secured.as_deref());
        let record = RefCell::default();
        let exchange = Exchange::open(&client.worker, *started, arrival, timer, request, &record);
        let refusal = Refusal::head(error);
        if refusal.status == 400 {
            // A malformed request is an error of its stream (RFC 9113 §8.1.1).
            client.link.reset(stream, Code::PROTOCOL_ERROR);
            exchange.note(refusal.status, Some(refusal.reason));
            exchange.finish(request);
            return Afterwards::Cut;
        }
        pipeline::refuse(&exchange, &refusal, request, response, conversation).await
    }
}

/// The key that WebSockets do without in HTTP/2, and not in HTTP/1 (RFC 8441 §5).
fn random_key() -> String {
    let mut random = [0; 16];
    // Should there be no randomness, the key is still one: it only tells caches apart.
    let _ = getrandom::fill(&mut random);
    http1::websocket_key(random)
}
