//! The life of a client's HTTP/2 connection: streams begin and end on it until it is idle for too long, or the gateway drains.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use http1::{HeadError, HeadLimits};
use http2::{Announced, Code, Header, write_goaway};
use policy::proxy_protocol::Ends;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::budget::Budget;
use super::link::Link;
use super::receive::Receiver;
use super::stream::Stream;
use crate::buffers::Buffer;
use crate::connection::{Closing, Secured};
use crate::h1::{Readiness, wait};
use crate::hooks::ProxyHttp;
use crate::limits::{
    BUFFER_BYTES, BUFFER_LARGE_BYTES, GOODBYE_MS, LINGER_BYTES, LINGER_MS, READS_AT_ONCE, UNSENT_BYTES,
};
use crate::listen::Admission;
use crate::stream::ClientStream;
use crate::timers::{Ticks, Timer, Timers};
use crate::worker::{State, Worker};

/// Serves a connection, the first bytes of which are there, to its end.
pub(crate) fn serve<P: ProxyHttp, S: ClientStream>(
    worker: Rc<Worker<P>>,
    admission: Admission,
    timer: Timer,
    ends: Box<Ends>,
    stream: S,
    secured: Option<Box<Secured>>,
) -> impl Future<Output = ()> {
    let settings = admission.listener.settings_arc();
    timer.set(settings.head_timeout);
    let http2 = settings.http2;
    let link = Link::new(worker.timers.clone(), timer.slot(), http2.stream_window, http2.connection_window);
    let budget = Budget::new(worker.timers.now());
    let client = Multiplexed {
        worker,
        admission,
        timer,
        ends,
        secured,
        budget,
        link,
        served: Cell::new(0),
        open: Cell::new(0),
        goodbye: Cell::new(Goodbye::NotYet),
    };
    client.announce();
    drive(Rc::new(client), stream)
}

/// Drives a connection to its end. Apart, so that the future does not carry what the connection is made of.
async fn drive<P: ProxyHttp, S: ClientStream>(client: Rc<Multiplexed<P>>, mut stream: S) {
    let ended = {
        let (mut read, mut write) = stream.split();
        let mut reading = Reading { receiver: Receiver::new(), buffer: Buffer::default(), is_large: false };
        let ended = poll_fn(|context| client.poll(&mut read, &mut write, &mut reading, context)).await;
        client.link.end();
        ended
    };
    match ended {
        Ended::Gone => {}
        Ended::Done => stream.farewell(),
        // Boxed, so that the others do not carry the room.
        Ended::Fault => Box::pin(client.part(&mut stream)).await,
    }
}

/// A connection, shared by its streams.
#[derive(Debug)]
pub(super) struct Multiplexed<P: ProxyHttp> {
    pub(super) worker: Rc<Worker<P>>,
    pub(super) admission: Admission,
    /// Of the task that reads and writes.
    timer: Timer,
    pub(super) ends: Box<Ends>,
    pub(super) secured: Option<Box<Secured>>,
    budget: Budget,
    pub(super) link: Link,
    /// Streams that have been begun to be served.
    served: Cell<u64>,
    /// Those that still are.
    open: Cell<u32>,
    goodbye: Cell<Goodbye>,
}

/// A stream to be served.
#[derive(Debug)]
pub(super) struct Begun<P: ProxyHttp> {
    pub(super) asked: Asked<P>,
    /// With the request, as far as it was understood.
    pub(super) state: Box<State>,
}

/// What is known of a stream besides its request.
#[derive(Debug)]
pub(super) struct Asked<P: ProxyHttp> {
    pub(super) client: Rc<Multiplexed<P>>,
    pub(super) stream: Rc<Stream>,
    /// Whether the request was understood.
    pub(super) read: Result<(), HeadError>,
    pub(super) started: Instant,
}

/// Whether the client has been told that there will be no more streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    NotYet,
    /// Those under way may end, and those that the client has begun meanwhile.
    Said,
    /// The client knows, and begins no more.
    Heard,
}

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The client has closed it, or it has failed, or its time is up.
    Gone,
    /// As it should.
    Done,
    /// By a fault of the client, who may still be sending.
    Fault,
}

/// What is being read of a connection.
#[derive(Debug)]
struct Reading {
    receiver: Receiver,
    buffer: Buffer,
    /// Whether what comes fills a small buffer.
    is_large: bool,
}

impl<P: ProxyHttp> Multiplexed<P> {
    /// Says what the gateway takes (RFC 9113 §3.4).
    fn announce(&self) {
        let settings = self.admission.listener.settings().http2;
        let announced = Announced {
            streams: settings.streams,
            stream_window: settings.stream_window,
            connection_window: settings.connection_window,
            head_bytes: u32::try_from(self.head_bytes_max()).unwrap_or(u32::MAX),
        };
        self.link.write(|out| announced.write(out));
    }

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
            if self.admission.listener.is_cut() {
                return Poll::Ready(Ended::Gone);
            }
            // Who does not take answers is not listened to.
            if self.link.unsent() < UNSENT_BYTES
                && let Poll::Ready(count) = poll_fill(read, reading, context)
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
            let is_over = self.open.get() == 0 && self.timer.expired();
            match self.goodbye.get() {
                Goodbye::Heard if self.open.get() == 0 && self.link.is_flushed() => {
                    return Poll::Ready(Ended::Done);
                }
                Goodbye::Heard | Goodbye::Said if is_over => return Poll::Ready(Ended::Done),
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
        self.link.write(|out| write_goaway(self.link.last(), code, out));
        // The rest goes out when nothing else can be added to it.
        let sent = self.link.write_to(write, context);
        let is_flood = code == Code::ENHANCE_YOUR_CALM;
        if is_flood {
            self.admission.listener.flooded();
        }
        Poll::Ready(if is_flood || sent.is_err() { Ended::Gone } else { Ended::Fault })
    }

    /// Writes for a moment what the client has not taken yet, and reads away what it sends, so that it hears why the connection ends.
    async fn part<S: ClientStream>(&self, stream: &mut S) {
        let unsent = self.link.take_unsent();
        let mut rest = unsent.bytes.as_slice();
        let (mut read, mut write) = stream.split();
        self.timer.set(Ticks::from_ms(LINGER_MS));
        let shut = wait(&self.timer, |context| {
            while !rest.is_empty() {
                let count = std::task::ready!(Pin::new(&mut write).poll_write(context, rest))?;
                rest = rest.get(count..).filter(|_| count > 0).ok_or(io::ErrorKind::WriteZero)?;
            }
            Pin::new(&mut write).poll_shutdown(context)
        })
        .await;
        drop(unsent);
        let mut buffer = Buffer::default();
        let mut left = LINGER_BYTES;
        while shut.is_ok() && left > 0 {
            match wait(&self.timer, |context| poll_read(&mut read, buffer.room(BUFFER_BYTES), context)).await
            {
                Ok(count @ 1..) => left = left.saturating_sub(count as u64),
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Has the client begin no more streams, and the connection end with those that are under way (RFC 9113 §6.8).
    fn say_goodbye(&self) {
        if self.goodbye.get() == Goodbye::NotYet {
            self.goodbye.set(Goodbye::Said);
            self.link.write_goodbye();
            if self.open.get() == 0 {
                self.timer.set(Ticks::from_ms(GOODBYE_MS));
            }
        }
    }

    fn closing(&self) -> Closing<'_> {
        Closing { draining: self.worker.draining(), listener: &self.admission.listener }
    }

    /// Takes note that a stream is over that was served.
    pub(super) fn closed(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.link.rest();
            let keep_alive = self.admission.listener.settings().keep_alive;
            let is_staying = self.goodbye.get() == Goodbye::NotYet;
            self.timer.set(if is_staying { keep_alive } else { Ticks::from_ms(GOODBYE_MS) });
            if !is_staying {
                self.worker.timers.wake(self.timer.slot());
            }
        }
    }

    /// Takes note of a request that has been answered.
    pub(super) fn answered(&self) {
        self.budget.answered();
    }
}

/// What the receiver asks and tells.
impl<P: ProxyHttp> Multiplexed<P> {
    pub(super) fn timers(&self) -> &Timers {
        &self.worker.timers
    }

    /// Takes note of a frame.
    ///
    /// # Errors
    /// When the client has sent too many that ask for work and give none.
    pub(super) fn charge(&self, frame: Header) -> Result<(), Code> {
        self.budget.charge(frame, self.worker.timers.now())
    }

    /// The same of a stream that a fault of the client ends.
    ///
    /// # Errors
    /// When there have been too many.
    pub(super) fn charge_fault(&self) -> Result<(), Code> {
        self.budget.charge_fault()
    }

    /// Ends a stream for a fault of the client (RFC 9113 §5.4.2).
    ///
    /// # Errors
    /// When there have been too many.
    pub(super) fn fault(&self, stream: &Stream, code: Code) -> Result<(), Code> {
        self.link.reset(stream, code);
        stream.wake(self.timers());
        self.charge_fault()
    }

    pub(super) fn head_limits(&self) -> HeadLimits {
        self.worker.plane.load().request_limits
    }

    /// Largest head, as settings count it: an entry has 32 bytes more than its name and value (RFC 9113 §6.5.2).
    pub(super) fn head_bytes_max(&self) -> usize {
        let limits = self.head_limits();
        limits.head_bytes + 32 * limits.fields
    }

    /// Whether one more stream may be served.
    pub(super) fn takes_another(&self) -> bool {
        let streams = self.admission.listener.settings().http2.streams;
        // Those that the client has taken back may take a moment to end.
        self.link.open() < streams as usize && self.open.get() < streams.saturating_mul(2)
    }

    /// Whether the client has been told which stream was the last.
    pub(super) fn has_left(&self) -> bool {
        self.goodbye.get() == Goodbye::Heard
    }

    /// Takes note of the answer to a PING: to the one of a goodbye, the client is told which stream was the last.
    pub(super) fn heard(&self, ping: [u8; 8]) {
        if self.goodbye.get() == Goodbye::Said && Link::is_goodbye(ping) {
            self.goodbye.set(Goodbye::Heard);
            self.link.write(|out| write_goaway(self.link.last(), Code::NO_ERROR, out));
        }
    }

    /// Has a stream be served.
    pub(super) fn begin(&self, begun: Begun<P>) {
        self.open.set(self.open.get() + 1);
        self.timer.set(Ticks::NEVER);
        self.served.set(self.served.get() + 1);
        if self.served.get() == self.admission.listener.settings().requests {
            self.say_goodbye();
        }
        self.worker.stream_tasks.serve(&self.worker, begun);
    }

    /// Whether bytes of a body may come: `flow` of them with their padding, `count` without.
    ///
    /// # Errors
    /// With the code that the stream ends with.
    pub(super) fn check_data(
        &self,
        stream: &Stream,
        flow: usize,
        count: usize,
        ends: bool,
    ) -> Result<(), Code> {
        if stream.has_received.get() {
            return Err(Code::STREAM_CLOSED);
        }
        if flow > stream.takes.get().room() {
            return Err(Code::FLOW_CONTROL_ERROR);
        }
        if let Some(left) = stream.left.get() {
            // RFC 9113 §8.1.1
            let rest = left.checked_sub(count as u64).ok_or(Code::PROTOCOL_ERROR)?;
            if ends && rest > 0 {
                return Err(Code::PROTOCOL_ERROR);
            }
            stream.left.set(Some(rest));
        }
        Ok(())
    }

    /// Takes note that a body is over, by its trailers.
    ///
    /// # Errors
    /// When there have been too many that were too short.
    pub(super) fn receive_end(&self, stream: &Stream) -> Result<(), Code> {
        if stream.left.get().is_some_and(|left| left > 0) {
            return self.fault(stream, Code::PROTOCOL_ERROR);
        }
        self.link.received_end(stream);
        Ok(())
    }
}

impl Reading {
    /// Gives the buffer back if nothing is in it.
    fn rest(&mut self) {
        self.buffer.release();
        self.is_large = false;
    }
}

/// Receives what is there; `Ok(0)`: the client has closed the connection.
fn poll_fill<R: AsyncRead + Readiness + Unpin>(
    read: &mut R,
    reading: &mut Reading,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    // Without a buffer as long as there is nothing to put into it.
    std::task::ready!(read.poll_readable(context))?;
    if reading.is_large {
        reading.buffer.enlarge();
    }
    let room = reading.buffer.room(BUFFER_LARGE_BYTES);
    let count = std::task::ready!(poll_read(read, room, context))?;
    reading.buffer.received(count);
    reading.is_large = count >= BUFFER_BYTES;
    Poll::Ready(Ok(count))
}

fn poll_read<R: AsyncRead + Unpin>(
    read: &mut R,
    room: &mut [u8],
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(room);
    std::task::ready!(Pin::new(read).poll_read(context, &mut into))?;
    Poll::Ready(Ok(into.filled().len()))
}
