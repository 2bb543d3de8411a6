//! The life of a client's HTTP/2 connection: streams begin and end on it until it is idle for too long, or the gateway drains.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use http2::Code;
use policy::proxy_protocol::Ends;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Goodbye, Multiplexed};
use crate::connection::{Closing, Secured};
use crate::h1::Readiness;
use crate::h2::receive::Receiver;
use crate::h2::wire::{Ended, Reading, dismiss, part};
use crate::hooks::ProxyHttp;
use crate::limits::{READS_AT_ONCE, UNSENT_BYTES};
use crate::listen::Admission;
use crate::stream::ClientStream;
use crate::timers::Timer;
use crate::worker::Worker;

/// Serves a connection, the first bytes of which are there, to its end.
pub(crate) fn serve<P: ProxyHttp, S: ClientStream>(
    worker: Rc<Worker<P>>,
    admission: Admission,
    timer: Timer,
    ends: Box<Ends>,
    stream: S,
    secured: Option<Box<Secured>>,
) -> impl Future<Output = ()> {
    timer.set(admission.listener.settings().head_timeout);
    let client = Multiplexed::new(worker, admission, timer, ends, secured);
    client.announce();
    drive(Rc::new(client), stream)
}

/// Drives a connection to its end. Apart, so that the future does not carry what the connection is made of.
async fn drive<P: ProxyHttp, S: ClientStream>(client: Rc<Multiplexed<P>>, mut stream: S) {
    let ended = {
        let (mut read, mut write) = stream.split();
        let mut reading = Reading::new(Receiver::of_client());
        let ended = poll_fn(|context| client.poll(&mut read, &mut write, &mut reading, context)).await;
        client.link.end();
        ended
    };
    match ended {
        Ended::Gone => {}
        Ended::Done if client.served.get() == 0 && !client.admission.is_outdated() => stream.farewell(),
        // What the client says of an answer while it reads it would reset the connection, and the answer with it.
        Ended::Done | Ended::Fault => {
            let (mut read, mut write) = stream.split();
            // Boxed, so that the others do not carry the room.
            Box::pin(part(&client.link, &client.timer, &mut read, &mut write)).await;
        }
    }
}

impl<P: ProxyHttp> Multiplexed<P> {
    /// Reads, begins streams, and writes what they have to say.
    fn poll<R: AsyncRead + Readiness + Unpin, W: AsyncWrite + Unpin>(
        self: &Rc<Self>,
        read: &mut R,
        write: &mut W,
        reading: &mut Reading,
        context: &mut Context<'_>,
    ) -> Poll<Ended> {
        let mut reads = 0;
        loop {
            let Ok(written) = self.link.write_to(&mut *write, context) else {
                return Poll::Ready(Ended::Gone);
            };
            self.budget.written(written);
            self.budget.answered_in_part(self.link.take_pieces());
            self.hasten_end(written);
            if self.admission.cut_reason().is_some() {
                return Poll::Ready(Ended::Gone);
            }
            // Who does not take answers is not listened to.
            if self.link.unsent() < UNSENT_BYTES
                && let Poll::Ready(count) = reading.poll_fill(read, context)
            {
                match count {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Poll::Ready(Ended::Gone),
                }
                let was_past_preface = reading.receiver.is_past_preface();
                if let Err(code) = reading.receiver.receive(self, &mut reading.buffer) {
                    return self.dismiss(code, write, context);
                }
                if !was_past_preface && reading.receiver.is_past_preface() && self.open.get() == 0 {
                    self.timer.set(self.admission.listener.settings().keep_alive);
                }
                reads += 1;
                if reads == READS_AT_ONCE {
                    // Others have their turn first.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                continue;
            }
            reading.rest();
            let is_idle = self.open.get() == 0;
            let is_over = is_idle && self.timer.expired();
            match self.goodbye.get() {
                Goodbye::Heard if is_idle && self.link.is_flushed() => return Poll::Ready(Ended::Done),
                // It has not taken its answers.
                Goodbye::Heard | Goodbye::Said if is_over && !self.link.is_flushed() => {
                    return Poll::Ready(Ended::Gone);
                }
                Goodbye::NotYet | Goodbye::Said if self.admission.is_outdated() => self.leave(),
                Goodbye::Said if is_over => self.say_last(),
                Goodbye::NotYet if is_over || self.closing().has_come() => self.say_goodbye(),
                Goodbye::NotYet | Goodbye::Said | Goodbye::Heard => return Poll::Pending,
            }
        }
    }

    /// Ends the connection for a fault of the client (RFC 9113 §5.4.1).
    fn dismiss<W: AsyncWrite + Unpin>(
        &self,
        code: Code,
        write: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<Ended> {
        let ended = dismiss(&self.link, self.link.last(), code, write, context);
        if code != Code::ENHANCE_YOUR_CALM {
            return Poll::Ready(ended);
        }
        self.admission.listener.flooded();
        Poll::Ready(Ended::Gone)
    }

    fn closing(&self) -> Closing<'_> {
        Closing { draining: self.worker.draining(), admission: &self.admission }
    }
}
