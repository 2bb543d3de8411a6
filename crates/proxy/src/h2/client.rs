//! A client's connection as its streams and its reader see it: how many are served, what is free, and when it ends.

mod conversation;
mod exchange;
mod serve;
mod tasks;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use http1::{HeadError, HeadLimits};
use http2::{Announced, Code, Decoder, Header, RequestReader, TrailersReader, write_goaway};
use policy::proxy_protocol::Ends;

pub(crate) use serve::serve;
pub(crate) use tasks::StreamTasks;

use super::budget::Budget;
use super::link::Link;
use super::peer::Peer;
use super::receive::{decode, pass_over};
use super::stream::Stream;
use crate::connection::Secured;
use crate::hooks::ProxyHttp;
use crate::limits::GOODBYE_MS;
use crate::listen::Admission;
use crate::timers::{Ticks, Timer};
use crate::worker::{State, Worker};

/// How long the answer to a goodbye is waited for.
const GOODBYE: Ticks = Ticks::from_ms(GOODBYE_MS);

/// A connection, shared by its streams.
#[derive(Debug)]
pub(super) struct Multiplexed<P: ProxyHttp> {
    pub(super) worker: Rc<Worker<P>>,
    pub(super) admission: Admission,
    /// Of the task that reads and writes.
    pub(super) timer: Timer,
    pub(super) ends: Box<Ends>,
    pub(super) secured: Option<Box<Secured>>,
    pub(super) budget: Budget,
    pub(super) link: Link,
    /// Streams that have been begun to be served.
    served: Cell<u64>,
    /// Those that still are.
    pub(super) open: Cell<u32>,
    pub(super) goodbye: Cell<Goodbye>,
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
pub(super) enum Goodbye {
    NotYet,
    /// Those under way may end, and those that the client has begun meanwhile.
    Said,
    /// The client knows, or has had its time, and has been told which stream was the last.
    Heard,
}

impl<P: ProxyHttp> Multiplexed<P> {
    /// One that has just begun.
    pub(super) fn new(
        worker: Rc<Worker<P>>,
        admission: Admission,
        timer: Timer,
        ends: Box<Ends>,
        secured: Option<Box<Secured>>,
    ) -> Self {
        let http2 = admission.listener.settings().http2;
        let link = Link::new(worker.timers.clone(), http2.stream_window, http2.connection_window);
        link.drive_by(timer.slot());
        let budget = Budget::new(worker.timers.now());
        let (served, open, goodbye) = (Cell::new(0), Cell::new(0), Cell::new(Goodbye::NotYet));
        Self { worker, admission, timer, ends, secured, budget, link, served, open, goodbye }
    }

    /// Says what the gateway takes (RFC 9113 §3.4).
    pub(super) fn announce(&self) {
        let settings = self.admission.listener.settings().http2;
        let announced = Announced {
            streams: settings.streams,
            stream_window: settings.stream_window,
            connection_window: settings.connection_window,
            head_bytes: u32::try_from(self.head_bytes_max()).unwrap_or(u32::MAX),
        };
        self.link.write(|out| announced.write(out));
    }

    /// Has the client begin no more streams, and the connection end with those that are under way (RFC 9113 §6.8).
    pub(super) fn say_goodbye(&self) {
        if self.goodbye.get() == Goodbye::NotYet {
            self.goodbye.set(Goodbye::Said);
            self.link.write_goodbye();
            if self.open.get() == 0 {
                self.await_end();
            }
        }
    }

    /// Gives the client time to take some of what it has been answered.
    fn await_end(&self) {
        self.timer.set(self.admission.listener.settings().body_timeout.max(GOODBYE));
    }

    /// The same again if it has, behind a goodbye when nothing is under way any more; once it has taken all, it has a moment to part.
    fn hasten_end(&self, written: usize) {
        if self.goodbye.get() == Goodbye::NotYet || self.open.get() > 0 {
            return;
        }
        if self.link.is_flushed() {
            self.timer.shorten(GOODBYE);
        } else if written > 0 {
            self.await_end();
        }
    }

    /// Says which stream was the last: none that the client has begun since is looked at.
    fn say_last(&self) {
        self.goodbye.set(Goodbye::Heard);
        self.link.write(|out| write_goaway(self.link.last(), Code::NO_ERROR, out));
    }

    /// Ends the connection with the streams that have begun: what comes now would come under terms that a reload has replaced. The client
    /// knows that none beyond the last was looked at, and may ask for them elsewhere (RFC 9113 §6.8).
    pub(super) fn leave(&self) {
        if self.has_left() {
            return;
        }
        self.say_last();
        if self.open.get() == 0 {
            self.await_end();
        }
    }

    /// Takes note that a stream is over that was served.
    pub(super) fn closed(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.link.rest();
            if self.goodbye.get() == Goodbye::NotYet {
                self.timer.set(self.admission.listener.settings().keep_alive);
            } else {
                self.await_end();
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
impl<P: ProxyHttp> Peer for Multiplexed<P> {
    fn link(&self) -> &Link {
        &self.link
    }

    fn charge(&self, frame: Header) -> Result<(), Code> {
        self.budget.charge(frame, self.worker.timers.now())
    }

    fn charge_excess(&self, bytes: usize) -> Result<(), Code> {
        self.budget.charge_excess(bytes)
    }

    fn fault(&self, stream: &Stream, code: Code) -> Result<(), Code> {
        self.link.reset(stream, code);
        stream.wake(&self.worker.timers);
        self.budget.charge_fault()
    }

    fn head_bytes_max(&self) -> usize {
        let limits = self.head_limits();
        limits.head_bytes + 32 * limits.fields
    }

    fn has_begun(&self, id: u32) -> bool {
        !id.is_multiple_of(2) && (id <= self.link.last() || self.has_left())
    }

    /// Beyond the last stream that the client has been told of, what it sends goes nowhere (RFC 9113 §6.8).
    fn passes_over(&self, id: u32) -> bool {
        self.link.was_reset(id) || self.has_left() && id > self.link.last() && !id.is_multiple_of(2)
    }

    /// A head begins a stream.
    fn receive_head(
        self: &Rc<Self>,
        decoder: &mut Decoder,
        id: u32,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code> {
        let link = &self.link;
        if link.was_reset(id) {
            return pass_over(self, decoder, block);
        }
        if id.is_multiple_of(2) || id <= link.last() {
            // RFC 9113 §5.1, §5.1.1
            return Err(if link.was_closed(id) { Code::STREAM_CLOSED } else { Code::PROTOCOL_ERROR });
        }
        if self.admission.is_outdated() {
            self.leave();
        }
        if self.has_left() {
            return pass_over(self, decoder, block);
        }
        link.number(id);
        if !self.takes_another() {
            pass_over(self, decoder, block)?;
            link.refuse(id, Code::REFUSED_STREAM);
            return Ok(());
        }
        let started = Instant::now();
        let mut state = self.worker.take_state();
        let mut reader = RequestReader::new(&self.head_limits(), &mut state.request);
        decode(self, decoder, block, |name, value| reader.field(name, value))?;
        let read = reader.finish(ends_stream);
        if read.is_err_and(|error| error.status() == 400) {
            self.budget.charge_fault()?;
        }
        let stream = link.open_stream(id, ends_stream, None);
        stream.left.set(read.ok().flatten());
        let asked = Asked { client: self.clone(), stream, read: read.map(|_| ()), started };
        self.begin(Begun { asked, state });
        Ok(())
    }

    fn trailers(&self, _: &Stream) -> TrailersReader {
        TrailersReader::new(&self.head_limits())
    }

    fn reset(&self, stream: &Stream, _: Code) {
        self.link.cancelled(stream);
    }

    /// What the client has begun is ended as usual.
    fn go_away(&self, _: u32) {}

    fn answer_ping(&self, ping: [u8; 8]) {
        if self.goodbye.get() == Goodbye::Said && Link::is_goodbye(ping) {
            self.say_last();
        }
    }
}

impl<P: ProxyHttp> Multiplexed<P> {
    fn head_limits(&self) -> HeadLimits {
        self.worker.plane.load().request_limits
    }

    /// Whether one more stream may be served.
    fn takes_another(&self) -> bool {
        let streams = self.admission.listener.settings().http2.streams;
        // Those that the client has taken back may take a moment to end.
        self.link.open() < streams as usize && self.open.get() < streams.saturating_mul(2)
    }

    /// Whether the client has been told which stream was the last.
    fn has_left(&self) -> bool {
        self.goodbye.get() == Goodbye::Heard
    }

    /// Has a stream be served.
    fn begin(&self, begun: Begun<P>) {
        self.open.set(self.open.get() + 1);
        self.timer.set(Ticks::NEVER);
        self.served.set(self.served.get() + 1);
        if self.served.get() == self.admission.listener.settings().requests {
            self.say_goodbye();
        }
        self.worker.stream_tasks.serve(&self.worker, begun);
    }
}

#[cfg(test)]
mod tests;
