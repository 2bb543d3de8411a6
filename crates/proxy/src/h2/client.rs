//! A client's connection as its streams and its reader see it: how many are served, what is free, and when it ends.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use http1::{HeadError, HeadLimits};
use http2::{Announced, Code, Header, write_goaway};
use policy::proxy_protocol::Ends;

use super::budget::Budget;
use super::link::Link;
use super::stream::Stream;
use crate::connection::Secured;
use crate::hooks::ProxyHttp;
use crate::limits::GOODBYE_MS;
use crate::listen::Admission;
use crate::timers::{Ticks, Timer, Timers};
use crate::worker::{State, Worker};

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
    /// The client knows, and begins no more.
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
        let link =
            Link::new(worker.timers.clone(), timer.slot(), http2.stream_window, http2.connection_window);
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
                self.timer.set(Ticks::from_ms(GOODBYE_MS));
            }
        }
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

    /// The same of fields of so many bytes, as settings count them.
    ///
    /// # Errors
    /// When they are far more than may be.
    pub(super) fn charge_excess(&self, bytes: usize) -> Result<(), Code> {
        match bytes.checked_sub(self.head_bytes_max()) {
            Some(excess) => self.budget.charge_excess(excess),
            None => Ok(()),
        }
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
