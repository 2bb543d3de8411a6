//! The pipeline between a client in memory and, where there is one, a real origin on loopback.

mod answers;
mod broken_clients;
mod forwards;
mod identifies;
mod limits;
mod meters;
mod random;

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::Meter;
use http1::HeadLimits;
use lockgate_event::{Event, EventRef, Kind, Value};
use message::{Body, Request, Response};
use policy::proxy_protocol::Ends;
use tokio::runtime::LocalRuntime;

use super::{Afterwards, serve};
use crate::client::Client;
use crate::hooks::{ProxyHttp, Verdict};
use crate::memory::{BodyEnd, Memory, Taken};
use crate::snapshot::{Plane, Snapshot};
use crate::timers::{TICK_MS, Timer};
use crate::worker::{Worker, WorkerGauges};

/// Longest time an exchange may take before its test fails.
const WAIT: Duration = Duration::from_secs(20);

/// Collects the records, and takes part where a request asks for it.
#[derive(Debug, Default)]
struct Witness {
    events: RefCell<Vec<Event>>,
}

impl ProxyHttp for Witness {
    type Context = ();

    fn new_context(&self) {}

    async fn request_filter(&self, request: &mut Request, (): &mut ()) -> Verdict {
        if !request.has_field("x-answer", None) {
            return Verdict::Continue;
        }
        Verdict::Answer { status: 418, content_type: "text/plain", body: b"by the hook".to_vec() }
    }

    fn upstream_peer(&self, request: &Request, (): &mut ()) -> Option<&str> {
        request.has_field("x-peer", None).then_some("unknown")
    }

    fn logging(&self, event: &EventRef<'_>, (): &()) {
        self.events.borrow_mut().push(event.to_event());
    }
}

/// A worker without a journal, and the event loop it lives in.
struct Gateway {
    runtime: LocalRuntime,
    worker: Rc<Worker<Witness>>,
}

/// What a client asks.
#[derive(Clone, Debug)]
struct Asked {
    head: String,
    address: &'static str,
    memory: Memory,
    /// When its head was read; `None`: now.
    started: Option<Instant>,
}

/// What became of it.
#[derive(Debug)]
struct Served {
    afterwards: Afterwards,
    taken: Taken,
    events: Vec<Event>,
    tunnel: bool,
}

impl Gateway {
    /// `configuration` without a listener.
    fn new(configuration: &str) -> Self {
        let text = format!("listener = [{{ address = \"127.0.0.1:8080\" }}]\n{configuration}");
        let loaded = config::load_text("test", Path::new("."), &text, &config::ProcessEnvironment);
        let config = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false))).config;
        let plane = Plane::new(Snapshot::compile(&config, &[], None));
        let worker = Rc::new(Worker::new(plane, Witness::default(), None, Arc::<WorkerGauges>::default()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .expect("there is an event loop");
        let ticking = worker.clone();
        runtime.spawn_local(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
            loop {
                tick.tick().await;
                ticking.timers.tick();
                ticking.look_at_tunnels();
            }
        });
        Self { runtime, worker }
    }

    /// A gateway with the route `/*` to the upstream `origin`; `more` is added to the upstream's table.
    fn to(endpoints: &[&str], more: &str) -> Self {
        Self::new(&format!(
            "[upstream.origin]\nendpoints = {endpoints:?}\n{more}\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n"
        ))
    }

    /// Serves one exchange.
    fn serve(&self, asked: &Asked) -> Served {
        let mut memory = asked.memory.clone();
        let mut request = asked.request();
        let mut response = Response::default();
        let client = asked.client();
        let exchange = async {
            let timer = Timer::of_this_task(self.worker.timers.clone()).await;
            let (request, response) = (&mut request, &mut response);
            let started = asked.started.unwrap_or_else(Instant::now);
            serve(&self.worker, started, client.into(), &timer, request, response, &mut memory).await
        };
        let ended = self.runtime.block_on(async { tokio::time::timeout(WAIT, exchange).await });
        let afterwards = ended.unwrap_or_else(|_| panic!("no end of {asked:?}"));
        let events = self.worker.hooks.events.take();
        assert_eq!(self.worker.gauges.exchanges_in_flight(), 0);
        let served = Served { afterwards, taken: memory.taken, events, tunnel: memory.tunnel };
        served.check(asked);
        let snapshot = self.worker.plane.snapshot();
        if let Some(route) = snapshot.routes.iter().find(|route| *route.name == *served.done().route) {
            served.check_value(&route.config.meter);
        }
        served
    }
}

impl Asked {
    /// A request such as `GET /x` with lines of fields.
    fn new(what: &str, fields: &[&str]) -> Self {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        Self {
            head: format!("{what} HTTP/1.1\r\nHost: shop.example\r\n{fields}\r\n"),
            address: "203.0.113.9",
            memory: Memory::default(),
            started: None,
        }
    }

    /// A chunked POST to `/x`.
    fn chunked(pieces: &[&str], end: BodyEnd) -> Self {
        Self::new("POST /x", &["Transfer-Encoding: chunked"]).with_body(pieces, end)
    }

    fn with_body(mut self, pieces: &[&str], end: BodyEnd) -> Self {
        self.memory.upload.pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        self.memory.upload.end = end;
        self
    }

    fn from(mut self, address: &'static str) -> Self {
        self.address = address;
        self
    }

    fn at(mut self, started: Instant) -> Self {
        self.started = Some(started);
        self
    }

    fn client(&self) -> Client {
        let address: IpAddr = self.address.parse().expect("an address");
        let destination = (Ipv4Addr::LOCALHOST, 80).into();
        Client::direct(Ends { client: (address, 50_000).into(), destination })
    }

    fn request(&self) -> Request {
        let mut request = Request::default();
        let limits =
            HeadLimits { head_bytes: 1 << 16, fields: HeadLimits::FIELDS_MAX, target_bytes: 1 << 13 };
        let read = http1::parse_request(self.head.as_bytes(), &limits, &mut request);
        assert_eq!(read, Ok(Some(self.head.len())), "{}", self.head);
        request
    }
}

impl Served {
    /// The one `done`.
    fn done(&self) -> &Event {
        self.events.iter().find(|event| event.kind == Kind::Done).expect("every exchange is recorded")
    }

    /// The `cut`, if there is one.
    fn cut(&self) -> Option<&Event> {
        self.events.iter().find(|event| event.kind == Kind::Cut)
    }

    fn status(&self) -> u16 {
        self.taken.head.as_ref().expect("a head has gone out").status
    }

    fn reason(&self) -> Option<&str> {
        self.done().reason.as_deref()
    }

    fn field(&self, name: &str) -> Option<String> {
        let head = self.taken.head.as_ref().expect("a head has gone out");
        let values: Vec<_> = head.fields.values(name).map(String::from_utf8_lossy).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.taken.body).into_owned()
    }

    /// What is true of every exchange, whatever was asked and whatever went wrong.
    fn check(&self, asked: &Asked) {
        let of = |kind| self.events.iter().filter(|event| event.kind == kind).count();
        assert_eq!(of(Kind::Done), 1, "one record per exchange: {self:?} of {asked:?}");
        let (done, cuts) = (self.done(), of(Kind::Cut));
        assert!(cuts <= usize::from(self.taken.has_failed()), "a cut follows a failed write: {self:?}");
        assert!(self.events.iter().all(|event| event.id == done.id), "{self:?}");
        let back = self.cut().map_or(0, |cut| cut.bytes_out);
        let sent: u64 = self.events.iter().filter(|e| e.kind != Kind::Cut).map(|e| e.bytes_out).sum();
        assert_eq!(sent - back, self.taken.body.len() as u64, "what was taken is what is counted: {self:?}");
        if let Some(head) = &self.taken.head {
            assert_eq!(done.status, head.status, "{self:?}");
        }
        self.check_end(asked);
    }

    /// The records add up to what is metered of the exchange as it was; a cut leaves what the client has got.
    fn check_value(&self, meter: &Meter) {
        let done = self.done();
        let valued = done.value.is_some();
        assert!(self.cut().is_none_or(|cut| cut.value.is_some() == valued), "{self:?}");
        let sum = |of: fn(&Event) -> i64| self.events.iter().map(of).sum::<i64>();
        let value = sum(|event| event.value.map_or(0, |value| value.0));
        let bytes_in = sum(|event| event.bytes_in.cast_signed()) * 1_000_000;
        let taken = self.taken.body.len() as i64 * 1_000_000;
        let once = i64::from(self.cut().is_none());
        let expected = match meter {
            _ if !valued => 0,
            Meter::Requests => once * Value::ONE.0,
            Meter::ResponseHeader(_) => once * done.value.map_or(0, |value| value.0),
            Meter::Bytes => bytes_in + taken,
            Meter::BytesIn => bytes_in,
            Meter::BytesOut => taken,
            Meter::Milliseconds => once * done.latency_us.cast_signed() * 1_000,
        };
        assert_eq!(value, expected, "{meter:?} of {self:?}");
    }

    /// A connection is kept only behind a whole answer, and a broken one never looks whole.
    fn check_end(&self, asked: &Asked) {
        let whole = self.taken.ended && !self.taken.has_failed();
        if self.tunnel {
            assert_eq!(self.afterwards, Afterwards::Close);
            return;
        }
        assert_eq!(self.afterwards == Afterwards::Cut, !whole, "{self:?} of {asked:?}");
        if let (true, Some(head)) = (whole, &self.taken.head) {
            let length = self.taken.body.len() as u64;
            match head.body {
                Body::Empty => assert_eq!(length, 0, "{self:?}"),
                Body::Length(announced) => assert_eq!(length, announced, "{self:?}"),
                Body::Streamed | Body::UntilClose | Body::Tunnel => {}
            }
            assert_eq!(self.reason().is_some(), self.done().value.is_none(), "{self:?}");
        }
    }
}

/// Checks one answer: its status, the reason the record gives, and fields with their joined values.
fn check(
    gateway: &Gateway,
    asked: &Asked,
    status: u16,
    reason: Option<&str>,
    fields: &[(&str, Option<&str>)],
) -> Served {
    let served = gateway.serve(asked);
    assert_eq!((served.status(), served.reason()), (status, reason), "{asked:?}: {served:?}");
    for (name, value) in fields {
        assert_eq!(served.field(name).as_deref(), *value, "{name} of {asked:?}: {served:?}");
    }
    served
}
