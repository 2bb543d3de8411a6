//! The life of a connection to an endpoint: its task writes what exchanges ask, and reads what they are answered.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use http2::{Code, write_goaway};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use crate::h1::Readiness;
use crate::h2::receive::Receiver;
use crate::h2::wire::{Ended, Reading, dismiss, part};
use crate::limits::{GOODBYE_MS, READS_AT_ONCE, UNSENT_BYTES};
use crate::stream::ByteStream;
use crate::timers::{Ticks, Timer};

/// Drives a connection to its end: that of its last handle, or the endpoint's will.
pub(super) async fn drive(connection: Rc<Connection>, mut stream: impl ByteStream) {
    let timer = Timer::of_this_task(connection.link.timers().clone()).await;
    connection.link.drive_by(timer.slot());
    let ended = {
        let (mut read, mut write) = stream.split();
        let mut reading = Reading::new(Receiver::of_upstream());
        let mut driving = Driving { connection: &connection, timer: &timer, has_said_goodbye: false };
        let ended = poll_fn(|context| driving.poll(&mut read, &mut write, &mut reading, context)).await;
        connection.end();
        ended
    };
    match ended {
        Ended::Gone => {}
        Ended::Done => stream.farewell(),
        Ended::Fault => {
            let (mut read, mut write) = stream.split();
            // Boxed, so that the others do not carry the room.
            Box::pin(part(&connection.link, &timer, &mut read, &mut write)).await;
        }
    }
}

struct Driving<'a> {
    connection: &'a Rc<Connection>,
    timer: &'a Timer,
    has_said_goodbye: bool,
}

impl Driving<'_> {
    fn poll<R: AsyncRead + Readiness + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        read: &mut R,
        write: &mut W,
        reading: &mut Reading,
        context: &mut Context<'_>,
    ) -> Poll<Ended> {
        let Connection { link, budget, .. } = &**self.connection;
        let mut reads = 0;
        loop {
            match link.write_to(&mut *write, context) {
                Ok(0) => {}
                Ok(written) => {
                    budget.written(written);
                    // There may be room for others now.
                    self.connection.call_waiting();
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection of HTTP/2 to an upstream failed");
                    return Poll::Ready(Ended::Gone);
                }
            }
            budget.answered_in_part(link.take_pieces());
            // Who does not take requests is not listened to.
            if link.unsent() < UNSENT_BYTES
                && let Poll::Ready(count) = reading.poll_fill(read, context)
            {
                match count {
                    Ok(1..) => link.hear(),
                    Ok(0) => return Poll::Ready(Ended::Gone),
                    Err(error) => {
                        tracing::debug!(%error, "a connection of HTTP/2 to an upstream failed");
                        return Poll::Ready(Ended::Gone);
                    }
                }
                if let Err(code) = reading.receiver.receive(self.connection, &mut reading.buffer) {
                    return self.dismiss(code, write, context);
                }
                if reading.receiver.is_past_preface() {
                    self.connection.settle();
                }
                self.connection.call_waiting();
                reads += 1;
                if reads == READS_AT_ONCE {
                    // Others have their turn first.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                continue;
            }
            reading.rest();
            if !self.is_over() {
                return Poll::Pending;
            }
            if !self.has_said_goodbye {
                self.has_said_goodbye = true;
                self.connection.leave();
                link.write(|out| write_goaway(0, Code::NO_ERROR, out));
                self.timer.set(Ticks::from_ms(GOODBYE_MS));
            } else if link.is_flushed() || self.timer.expired() {
                return Poll::Ready(Ended::Done);
            } else {
                return Poll::Pending;
            }
        }
    }

    /// Whether no stream is open, and none comes any more.
    fn is_over(&self) -> bool {
        let is_wanted = Rc::strong_count(self.connection) > 1 && self.connection.takes_streams();
        !is_wanted && self.connection.link.open() == 0
    }

    /// Ends the connection for a fault of the endpoint (RFC 9113 §5.4.1).
    fn dismiss<W: AsyncWrite + Unpin>(
        &self,
        code: Code,
        write: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<Ended> {
        tracing::debug!(?code, "a connection of HTTP/2 to an upstream is ended for a fault of it");
        Poll::Ready(dismiss(&self.connection.link, 0, code, write, context))
    }
}
