//! Moment 9: what is known of an exchange while it goes on, and the one record it ends with.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use config::Meter;
use journal::Reservation;
use lockgate_event::{EventId, EventRef, HttpVersion, Kind, TlsRef, TlsVersion};
use message::{Request, Span, Version};
use tls::Session;

use crate::client::Client;
use crate::hooks::ProxyHttp;
use crate::identify::Identity;
use crate::meter::{Progress, Tally};
use crate::route::Route;
use crate::upstream::Endpoint;
use crate::worker::Worker;

/// Body bytes that have moved, counted from both directions of an exchange at once.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes_in: Cell<u64>,
    pub(crate) bytes_out: Cell<u64>,
}

impl Traffic {
    pub(crate) fn received(&self, count: usize) -> u64 {
        self.bytes_in.set(self.bytes_in.get() + count as u64);
        self.bytes_in.get()
    }

    pub(crate) fn sent(&self, count: usize) {
        self.bytes_out.set(self.bytes_out.get() + count as u64);
    }
}

/// An exchange that has not been recorded. Being recorded takes it, so that it cannot be recorded twice.
#[derive(Debug)]
pub struct Record {
    id: EventId,
    started: Instant,
    /// The path before any rewrite.
    path: Span,
    pub(crate) route: Option<Arc<Route>>,
    /// Who asks, as far as that is known.
    pub(crate) identity: Option<Identity>,
    pub(crate) status: u16,
    pub(crate) reason: Option<&'static str>,
    pub(crate) upstream: Option<Arc<Endpoint>>,
    /// What stands for the function that was called instead of an endpoint.
    pub(crate) function: Option<Arc<str>>,
    /// The exchange that a function served when it made this one.
    pub(crate) parent: Option<EventId>,
    pub(crate) upstream_us: Option<u64>,
    pub(crate) attempts: u32,
    /// Whether a response head came from the route's target: only then is there a value.
    pub(crate) metered: bool,
    pub(crate) tally: Tally,
    pub(crate) reservation: Option<Reservation>,
    reported_in: u64,
    reported_out: u64,
    pub(crate) part_since: u32,
}

/// An exchange that has been recorded.
#[derive(Debug)]
pub struct Recorded {
    record: Record,
    /// Whether the record found room.
    kept: bool,
}

/// What a record is written with.
#[derive(Debug)]
pub struct Occasion<'a, P: ProxyHttp> {
    pub(crate) worker: &'a Worker<P>,
    pub(crate) request: &'a Request,
    pub(crate) client: Client,
    pub(crate) session: Option<&'a Session>,
    pub(crate) traffic: &'a Traffic,
    pub(crate) context: &'a P::Context,
}

impl<P: ProxyHttp> Clone for Occasion<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ProxyHttp> Copy for Occasion<'_, P> {}

impl Record {
    /// Whether nobody has been reached yet, be it an endpoint or a function.
    #[cfg(feature = "functions")]
    pub(crate) const fn is_connecting(&self) -> bool {
        self.attempts == 0 && self.function.is_none()
    }

    pub(crate) fn open(id: EventId, started: Instant, request: &Request, now: u32) -> Self {
        Self {
            id,
            started,
            path: request.path,
            route: None,
            identity: None,
            status: 0,
            reason: None,
            upstream: None,
            function: None,
            parent: None,
            upstream_us: None,
            attempts: 0,
            metered: false,
            tally: Tally::default(),
            reservation: None,
            reported_in: 0,
            reported_out: 0,
            part_since: now,
        }
    }

    /// Records the end of the exchange. To be called before the write that carries the last byte of the answer.
    pub fn done<P: ProxyHttp>(mut self, occasion: Occasion<'_, P>) -> Recorded {
        let kept = self.write(Kind::Done, occasion);
        Recorded { record: self, kept }
    }

    /// Records what has moved since the last record of a long exchange. Without room it stays for the next one.
    pub(crate) fn part<P: ProxyHttp>(&mut self, occasion: Occasion<'_, P>) {
        self.part_since = occasion.worker.timers.now();
        self.write(Kind::Part, occasion);
    }

    /// Writes a record of what has come since the last one that found room; answers whether it found room.
    fn write<P: ProxyHttp>(&mut self, kind: Kind, occasion: Occasion<'_, P>) -> bool {
        let (bytes_in, bytes_out) = (occasion.traffic.bytes_in.get(), occasion.traffic.bytes_out.get());
        // The room set aside is for `done` and `cut`; a `part` without room merges into the next record.
        let mut reservation = if kind == Kind::Part { None } else { self.reservation.take() };
        let event = self.event(occasion);
        let progress = Progress { bytes_in, bytes_out, elapsed_us: event.latency_us };
        let event = EventRef {
            value: self.is_counted().then(|| self.tally.value(kind, self.meter(), progress)),
            kind,
            bytes_in: bytes_in.saturating_sub(self.reported_in),
            bytes_out: bytes_out.saturating_sub(self.reported_out),
            ..event
        };
        let recorded = occasion.worker.record(&event, reservation.as_mut());
        occasion.worker.hooks.logging(&event, occasion.context);
        if recorded {
            (self.reported_in, self.reported_out) = (bytes_in, bytes_out);
            if self.metered {
                // Borrowed apart from the tally, which changes.
                self.tally.tell(meter_of(self.route.as_deref()), progress);
            }
        }
        self.reservation = self.reservation.take().or(reservation);
        recorded
    }

    /// Whether it counts as usage: what a function asks on the way is part of what it was asked.
    fn is_counted(&self) -> bool {
        self.metered && self.parent.is_none()
    }

    /// Who answered, or was to.
    fn upstream(&self) -> &str {
        match (&self.upstream, &self.function) {
            (Some(endpoint), _) => endpoint.text(),
            (None, Some(function)) => function,
            (None, None) => "",
        }
    }

    fn meter(&self) -> &Meter {
        meter_of(self.route.as_deref())
    }

    fn event<'a, P: ProxyHttp>(&'a self, occasion: Occasion<'a, P>) -> EventRef<'a> {
        let now = Instant::now();
        let path = occasion.request.fields.text(self.path);
        EventRef {
            id: self.id,
            parent: self.parent,
            kind: Kind::Done,
            ts_us: occasion.worker.clock.wall_us(now),
            route: self.route.as_ref().map_or("", |route| route.name()),
            user_id: self.identity.as_ref().map(Identity::user_id),
            key_id: self.identity.as_ref().map(Identity::key_id),
            value: None,
            method: occasion.request.method_text(),
            host: occasion.request.host(),
            path,
            path_cut: false,
            status: self.status,
            reason: self.reason,
            bytes_in: 0,
            bytes_out: 0,
            latency_us: micros(self.started, now),
            upstream: self.upstream(),
            upstream_us: self.upstream_us,
            attempts: self.attempts,
            client: occasion.client.address,
            http: match occasion.request.version {
                Version::Http10 => HttpVersion::Http10,
                Version::Http11 => HttpVersion::Http11,
                Version::Http2 => HttpVersion::Http2,
            },
            tls: occasion.session.map(shown),
            trace: occasion.request.trace_id(),
        }
    }
}

impl Recorded {
    /// Takes back what the client did not get, after the last write failed: the exchange, and `bytes` of its body.
    pub fn cut<P: ProxyHttp>(mut self, bytes: usize, occasion: Occasion<'_, P>) {
        let mut reservation = self.record.reservation.take();
        self.record.reason = self.record.reason.or(Some("client_gone"));
        let record = &self.record;
        let event = EventRef {
            kind: Kind::Cut,
            value: record.is_counted().then(|| record.tally.taken_back(record.meter(), bytes as u64)),
            bytes_in: 0,
            bytes_out: bytes as u64,
            ..self.record.event(occasion)
        };
        // What was not recorded is not taken back.
        if self.kept {
            occasion.worker.record(&event, reservation.as_mut());
        }
        occasion.worker.hooks.logging(&event, occasion.context);
        self.record.reservation = reservation;
        self.close(occasion.worker);
    }

    /// Gives back the room that was set aside for a `cut`.
    pub(crate) fn close<P: ProxyHttp>(self, worker: &Worker<P>) {
        if let Some(reservation) = self.record.reservation {
            worker.release(reservation);
        }
    }
}

/// What TLS has shown, as a record has it.
fn shown(session: &Session) -> TlsRef<'_> {
    TlsRef {
        version: match session.version {
            tls::Version::Tls13 => TlsVersion::Tls13,
            tls::Version::Tls12 => TlsVersion::Tls12,
        },
        resumed: session.resumed,
        server_name: session.server_name.as_deref(),
        client_fingerprint: session.client.as_ref().map(|client| &client.sha256),
    }
}

fn meter_of(route: Option<&Route>) -> &Meter {
    route.map_or(&Meter::Requests, |route| &route.config.meter)
}

/// Microseconds from one moment to another.
pub(crate) fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}
