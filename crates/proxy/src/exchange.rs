//! One exchange while it goes on: who asked, what has moved, and its record.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use config::Meter;
use journal::RingWriter;
use lockgate_event::{EventId, HOST_BYTES_MAX, METHOD_BYTES_MAX, PATH_BYTES_MAX, Value};
use message::{Request, Response};

use crate::adapter::SinkError;
use crate::client::{Arrival, Client};
use crate::hooks::ProxyHttp;
use crate::identify::Identity;
use crate::limiter::{Asker, Permits, Stage};
use crate::limits::{PART_MS, RECORD_TEXTS_BYTES};
use crate::meter::header_value;
use crate::record::{Occasion, Record, Recorded, Traffic, micros};
use crate::refusal::Refusal;
use crate::route::{Route, is_own_preflight};
use crate::timers::{Ticks, Timer};
use crate::upstream::Endpoint;
use crate::worker::{InFlight, Worker};

/// What the moments of one exchange share.
#[derive(Debug)]
pub struct Exchange<'a, P: ProxyHttp> {
    pub(crate) worker: &'a Worker<P>,
    pub(crate) client: Client,
    pub(crate) arrival: Arrival<'a>,
    pub(crate) timer: &'a Timer,
    pub(crate) context: RefCell<P::Context>,
    pub(crate) traffic: Traffic,
    pub(crate) permits: Permits<'a>,
    /// Taken when the exchange is recorded. Lies outside, so that whoever polls the exchange can see whether it is.
    record: &'a RefCell<Option<Record>>,
    route: Option<Arc<Route>>,
    /// Whether a function asks this while it serves another exchange.
    is_child: bool,
    id: EventId,
    started: Instant,
    /// When the request had been sent to an endpoint.
    sent: Cell<Instant>,
    uploaded: Cell<bool>,
    /// Whether a final head has come from an endpoint.
    head: Cell<bool>,
    _in_flight: InFlight<'a>,
}

impl<'a, P: ProxyHttp> Exchange<'a, P> {
    pub(crate) fn open(
        worker: &'a Worker<P>,
        started: Instant,
        arrival: Arrival<'a>,
        timer: &'a Timer,
        request: &Request,
        record: &'a RefCell<Option<Record>>,
    ) -> Self {
        let id = worker.next_id();
        record.replace(Some(Record::open(id, started, request, worker.timers.now())));
        Self {
            worker,
            client: arrival.client,
            arrival,
            timer,
            id,
            started,
            context: RefCell::new(worker.hooks.new_context()),
            sent: Cell::new(started),
            uploaded: Cell::new(false),
            head: Cell::new(false),
            traffic: Traffic::default(),
            permits: Permits::new(&worker.plane.limiter),
            record,
            route: None,
            is_child: false,
            _in_flight: worker.in_flight(),
        }
    }

    /// The route that matched, if any has.
    pub(crate) fn route(&self) -> Option<&Arc<Route>> {
        self.route.as_ref()
    }

    /// The exchange's id.
    pub(crate) fn id(&self) -> EventId {
        self.id
    }

    pub(crate) fn routed(&mut self, route: &Arc<Route>) {
        self.route = Some(route.clone());
        self.change(|record| record.route = Some(route.clone()));
    }

    /// When the request's head had been read, microseconds since 1970.
    pub(crate) fn asked_us(&self) -> u64 {
        self.worker.clock.wall_us(self.started)
    }

    /// Notes who asks.
    pub(crate) fn identified(&self, identity: &Identity) {
        self.change(|record| record.identity = Some(*identity));
    }

    /// Asks the limits of the route whose turn it is. They do not count a preflight that the gateway answers itself: the request it
    /// asks about is yet to come.
    pub(crate) fn limit(
        &mut self,
        stage: Stage,
        route: &Route,
        identity: Option<&Identity>,
        request: &Request,
    ) -> Result<(), Refusal> {
        if route.limits.is_empty() || is_own_preflight(route, request) {
            return Ok(());
        }
        let asker = Asker {
            request,
            address: self.client.address,
            user_id: identity.map(Identity::user_id),
            key_id: identity.map(Identity::key_id),
        };
        self.permits.ask(&route.limits, stage, asker, self.started)
    }

    /// Sets room in the journal aside for this exchange's `done` and `cut`, where the configuration asks for it.
    pub(crate) fn reserve(&mut self, route: &Route, request: &Request) -> Result<(), Refusal> {
        if !route.refuse_when_full {
            return Ok(());
        }
        let server_name = self.arrival.session.and_then(|session| session.server_name.as_deref());
        // A record keeps no more of them.
        let texts = request.path().len().min(PATH_BYTES_MAX)
            + request.host().len().min(HOST_BYTES_MAX)
            + request.method_text().len().min(METHOD_BYTES_MAX);
        let texts = texts + route.name().len() + server_name.map_or(0, str::len);
        let room = RingWriter::room_for_texts(texts + RECORD_TEXTS_BYTES);
        match self.worker.reserve(2 * room) {
            Some(reservation) => {
                self.change(|record| record.reservation = reservation);
                Ok(())
            }
            None => {
                self.worker.gauges.refused_unrecorded();
                // This refusal is counted and not recorded: there is no room for it.
                self.record.borrow_mut().take();
                Err(Refusal::JOURNAL_FULL)
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.record.borrow_mut().as_mut() {
            change(record);
        }
    }

    /// Notes the status to be sent, and why the gateway chose it itself.
    pub(crate) fn note(&self, status: u16, reason: Option<&'static str>) {
        self.change(|record| {
            record.status = status;
            record.reason = reason;
        });
    }

    /// Notes an answer by the route's target; only such are metered.
    pub(crate) fn note_answer(&self, status: u16) {
        self.change(|record| {
            record.status = status;
            record.metered = true;
        });
    }

    /// Notes why an exchange whose answer has begun ended early.
    pub(crate) fn note_failure(&self, reason: &'static str) {
        self.change(|record| record.reason = Some(reason));
    }

    /// Notes an attempt on an endpoint.
    pub(crate) fn note_attempt(&self, endpoint: &Arc<Endpoint>) {
        self.change(|record| {
            record.attempts += 1;
            record.upstream = Some(endpoint.clone());
        });
    }

    /// Notes the function that is called.
    #[cfg(feature = "functions")]
    pub(crate) fn note_function(&self, label: &Arc<str>) {
        self.change(|record| record.function = Some(label.clone()));
    }

    /// Says that a function asks this while it serves another exchange: that one is counted, this one is not.
    #[cfg(feature = "functions")]
    pub(crate) fn descend_from(&mut self, parent: EventId) {
        self.is_child = true;
        self.change(|record| record.parent = Some(parent));
    }

    /// Whether a function asks this: what it is answered is not yet what the client is, and is neither metered nor edited.
    pub(crate) const fn is_child(&self) -> bool {
        self.is_child
    }

    /// Notes that the request's body has been sent, too.
    pub(crate) fn note_uploaded(&self) {
        self.uploaded.set(true);
        self.note_sent();
    }

    /// Whether the whole request body has been sent.
    pub(crate) fn is_uploaded(&self) -> bool {
        self.uploaded.get()
    }

    /// Whether the head of an answer has come.
    pub(crate) fn has_head(&self) -> bool {
        self.head.get()
    }

    /// Notes that the request has been sent.
    pub(crate) fn note_sent(&self) {
        self.sent.set(Instant::now());
    }

    /// Notes that an endpoint's response head is here, as it came.
    pub(crate) fn note_head(&self, response: &Response) {
        self.head.set(true);
        self.change(|record| record.upstream_us = Some(micros(self.sent.get(), Instant::now())));
        if let Some(Meter::ResponseHeader(name)) = self.route.as_ref().map(|route| &route.config.meter)
            && !self.is_child
        {
            let value = header_value(&response.fields, name);
            if value.is_none() {
                self.worker.gauges.meter_unreadable();
            }
            self.change(|record| record.tally.header = value.unwrap_or(Value::ZERO));
        }
    }

    /// Whether an answer has begun that cannot be taken back.
    pub(crate) fn has_begun(&self) -> bool {
        self.record.borrow().as_ref().is_none_or(|record| record.metered)
    }

    /// Whether the exchange has been recorded, so that only its last write can be under way.
    pub(crate) fn is_recorded(&self) -> bool {
        self.record.borrow().is_none()
    }

    /// Records a `part` when the exchange has lasted long enough.
    pub(crate) fn part_if_due(&self, request: &Request) {
        if let Some(record) = self.record.borrow_mut().as_mut()
            && Ticks::from_ms(PART_MS).have_passed(record.part_since, self.worker.timers.now())
        {
            record.part(self.occasion(request, &self.context.borrow()));
        }
    }

    /// Records the end. The second call finds nothing to record.
    pub(crate) fn done(&self, request: &Request) -> Option<Recorded> {
        let record = self.record.borrow_mut().take()?;
        Some(record.done(self.occasion(request, &self.context.borrow())))
    }

    /// Records an exchange that ends in its middle, for a reason that lies outside of it.
    pub(crate) fn abandon(&self, reason: &'static str, request: &Request) {
        self.note_failure(reason);
        self.finish(request);
    }

    /// Records an exchange that has nothing more to write.
    pub(crate) fn finish(&self, request: &Request) {
        let recorded = self.done(request);
        self.close(recorded);
    }

    /// Waits for the last write, which has been recorded: it fails when the exchange is cut.
    pub(crate) async fn last_write(
        &self,
        write: impl Future<Output = Result<(), SinkError>>,
    ) -> Result<(), SinkError> {
        let mut write = pin!(write);
        poll_fn(|context| match write.as_mut().poll(context) {
            Poll::Pending if self.timer.is_cut() => {
                Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()))
            }
            polled => polled,
        })
        .await
    }

    /// Records that the last write failed.
    pub(crate) fn cut(&self, recorded: Option<Recorded>, bytes: usize, request: &Request) {
        if let Some(recorded) = recorded {
            recorded.cut(bytes, self.occasion(request, &self.context.borrow()));
        }
    }

    /// Ends the bookkeeping of an exchange whose answer went out whole.
    pub(crate) fn close(&self, recorded: Option<Recorded>) {
        if let Some(recorded) = recorded {
            recorded.close(self.worker);
        }
    }

    fn occasion<'b>(&'b self, request: &'b Request, context: &'b P::Context) -> Occasion<'b, P> {
        Occasion {
            worker: self.worker,
            request,
            client: self.client,
            session: self.arrival.session,
            traffic: &self.traffic,
            context,
        }
    }
}
