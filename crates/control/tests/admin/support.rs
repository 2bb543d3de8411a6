//! An admin side in this process over a gateway made up for the test, and a raw client for it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use control::{
    Admin, EndpointHealth, EndpointInfo, EndpointState, FunctionInfo, FunctionLimits, Gateway, Gauges,
    JournalGauges, KeyHint, KeysStatus, LimitGauges, ListenerGauges, LiveEvents, LiveReader, MeteringStatus,
    Metrics, MetricsHandle, Readiness, ReloadFuture, ReloadProblem, ReloadReport, RouteInfo, Tokens,
    UpstreamInfo,
};
use lockgate_event::{EventId, EventRef};
use store::Store;
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const ADMIN: &str = "admin-token-of-the-test";
pub(crate) const READ: &str = "read-token-of-the-test";

/// What the next reload does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    Accept,
    Refuse,
    Panic,
    /// Waits until the test releases it.
    Wait,
}

pub(crate) struct FakeGateway {
    pub(crate) readiness: Mutex<Readiness>,
    pub(crate) reload: Mutex<Reload>,
    /// Whether asking for the routes panics.
    pub(crate) broken: AtomicBool,
    pub(crate) reloads_begun: AtomicUsize,
    pub(crate) reloads_ended: AtomicUsize,
    pub(crate) release: tokio::sync::Notify,
}

impl Default for FakeGateway {
    fn default() -> Self {
        Self {
            readiness: Mutex::new(Readiness::Ready),
            reload: Mutex::new(Reload::Accept),
            broken: AtomicBool::new(false),
            reloads_begun: AtomicUsize::new(0),
            reloads_ended: AtomicUsize::new(0),
            release: tokio::sync::Notify::new(),
        }
    }
}

impl Gateway for FakeGateway {
    fn readiness(&self) -> Readiness {
        *self.readiness.lock().unwrap()
    }

    fn routes(&self) -> Vec<RouteInfo> {
        assert!(!self.broken.load(Ordering::SeqCst), "secret of the inside");
        vec![RouteInfo {
            name: "orders".into(),
            host: None,
            path: "/orders/*".into(),
            methods: Some(vec!["GET".into()]),
            target: "upstream orders".into(),
        }]
    }

    fn upstreams(&self) -> Vec<UpstreamInfo> {
        let endpoint = EndpointInfo {
            address: "orders.internal:9001".into(),
            resolved: vec!["10.0.0.7:9001".into()],
            weight: 2,
            resting: true,
            failures: 3,
            open: 4,
            idle: 1,
            health: vec![EndpointHealth {
                address: "10.0.0.7:9001".into(),
                state: EndpointState::Out,
                reason: "status 503".into(),
                passed: 5,
                failed: 6,
            }],
        };
        vec![UpstreamInfo { name: "orders".into(), endpoints: vec![endpoint] }]
    }

    fn functions(&self) -> Vec<FunctionInfo> {
        vec![FunctionInfo {
            name: "thumbnails".into(),
            component: "functions/thumbnails.wasm".into(),
            hash: "5e".repeat(32),
            interface: "wasi:http/proxy@0.2".into(),
            loaded_at: UNIX_EPOCH + Duration::from_micros(1_795_224_023_123_456),
            routes: vec!["thumbnails".into()],
            before: Vec::new(),
            outbound: vec!["orders.internal".into()],
            limits: FunctionLimits { memory_bytes: 1 << 27, time_ms: 10_000, ..FunctionLimits::default() },
            calls: 7,
            failures: BTreeMap::from([("function_trapped", 2)]),
            running: 1,
            waiting: 0,
            cpu: Duration::from_micros(2500),
            memory_bytes_max: 1 << 20,
        }]
    }

    fn gauges(&self) -> Gauges {
        let address = "127.0.0.1:8080".into();
        Gauges {
            listeners: vec![ListenerGauges {
                address,
                open: 1,
                accepted: 2,
                refused: 0,
                handshakes: 0,
                handshakes_resumed: 0,
                handshakes_failed: 0,
                floods: 0,
            }],
            exchanges: 1,
            tunnels: 0,
            journal: JournalGauges::default(),
            generation: 1,
            started_at: SystemTime::now(),
            workers: 2,
            access_log: None,
            keys: 0,
            key_following: KeysStatus::default(),
            limits: LimitGauges::default(),
            metering: MeteringStatus::default(),
            meter_unreadable: 0,
        }
    }

    fn reload(&self) -> ReloadFuture<'_> {
        Box::pin(async {
            self.reloads_begun.fetch_add(1, Ordering::SeqCst);
            let what = *self.reload.lock().unwrap();
            let outcome = match what {
                Reload::Accept => Ok(report()),
                Reload::Refuse => Err(problem()),
                Reload::Panic => panic!("secret of the inside"),
                Reload::Wait => {
                    self.release.notified().await;
                    Ok(report())
                }
            };
            self.reloads_ended.fetch_add(1, Ordering::SeqCst);
            outcome
        })
    }
}

fn report() -> ReloadReport {
    ReloadReport { generation: 2, changes: vec!["route `orders` added".into()], warnings: Vec::new() }
}

fn problem() -> ReloadProblem {
    ReloadProblem {
        rendered: "error: unknown key `pathh`".into(),
        diagnostics: vec![serde_json::json!({ "message": "unknown key `pathh`", "line": 3 })],
    }
}

/// An admin side that does not run yet.
pub(crate) fn admin(gateway: &Arc<FakeGateway>, metrics: MetricsHandle, live: LiveEvents) -> Admin {
    let dir = tempfile::tempdir().unwrap();
    let tokens = Tokens::load(dir.path(), Some(ADMIN), Some(READ)).unwrap();
    Admin::new(Arc::clone(gateway) as Arc<dyn Gateway>, tokens, metrics, live)
}

/// A running admin side; stops when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<FakeGateway>,
    pub(crate) live: LiveReader,
    pub(crate) metrics: Metrics,
    /// Where the database is, if there is one.
    _data: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<std::io::Result<()>>>,
}

impl Running {
    /// Without a database.
    pub(crate) fn start() -> Self {
        Self::start_with(async || None, KeyHint::new())
    }

    /// With a database of its own in a file.
    pub(crate) fn start_keeping() -> Self {
        Self::start_keeping_with(KeyHint::new())
    }

    pub(crate) fn start_keeping_with(hint: KeyHint) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lockgate.db");
        let open = async move || Some(Arc::new(SqliteStore::open(&path).await.unwrap()) as Arc<dyn Store>);
        Self { _data: Some(dir), ..Self::start_with(open, hint) }
    }

    pub(crate) fn start_with<Open>(open: Open, hint: KeyHint) -> Self
    where
        Open: AsyncFnOnce() -> Option<Arc<dyn Store>> + Send + 'static,
    {
        let gateway = Arc::<FakeGateway>::default();
        let ((metrics, metrics_handle), (live, live_events)) = (Metrics::new(), LiveEvents::new());
        let admin = admin(&gateway, metrics_handle, live_events);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let admin = match open().await {
                    Some(store) => admin.with_store(store, hint),
                    None => admin,
                };
                admin.serve(listener, async { drop(stopped.await) }).await
            })
        });
        Self { address, gateway, live, metrics, _data: None, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks the admin side to stop, without waiting for it.
    pub(crate) fn begin_stop(&mut self) {
        self.stop.take();
    }

    /// Waits for the admin side to have stopped.
    pub(crate) fn end_stop(&mut self) -> std::io::Result<()> {
        self.thread.take().unwrap().join().unwrap()
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    /// Sends one request on a connection of its own and reads the whole answer.
    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let mut client = self.connect();
        client.send(method, path, token, "connection: close\r\n");
        client.answer()
    }

    /// Sends a JSON body with the admin token.
    pub(crate) fn send(&self, method: &str, path: &str, body: impl Display) -> Answer {
        self.send_with(method, path, "", body)
    }

    /// Sends a JSON body with the admin token and more header fields, each with its end of line.
    pub(crate) fn send_with(&self, method: &str, path: &str, fields: &str, body: impl Display) -> Answer {
        let body = body.to_string();
        let length = body.len();
        let mut client = self.connect();
        let head = format!(
            "{fields}content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n"
        );
        client.send(method, path, Some(ADMIN), &head);
        client.send_raw(body.as_bytes());
        client.answer()
    }

    /// Asks with the read-only token and more header fields.
    pub(crate) fn look_with(&self, path: &str, fields: &str) -> Answer {
        let mut client = self.connect();
        client.send("GET", path, Some(READ), &format!("{fields}connection: close\r\n"));
        client.answer()
    }

    pub(crate) fn look(&self, path: &str) -> Answer {
        self.look_with(path, "")
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, token: Option<&str>, fields: &str) {
        let token = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
        self.send_raw(format!("{method} {path} HTTP/1.1\r\nhost: admin\r\n{token}{fields}\r\n").as_bytes());
    }

    /// One line without its end; `None` at the end of the connection.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Status and header fields.
    pub(crate) fn head(&mut self) -> Answer {
        let status = self.line().expect("a status line");
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut fields = Vec::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            fields.push((name.to_owned(), value.to_owned()));
        }
        Answer { status, fields, body: String::new() }
    }

    /// A whole answer, in chunks or of a declared length.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.field("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks();
            return answer;
        }
        let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    fn chunks(&mut self) -> String {
        let mut body = Vec::new();
        loop {
            let size = self.line().expect("a chunk's size");
            let mut chunk = vec![0; usize::from_str_radix(&size, 16).unwrap() + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            if chunk.len() == 2 {
                return String::from_utf8(body).unwrap();
            }
            body.extend_from_slice(&chunk[..chunk.len() - 2]);
        }
    }

    /// The next server-sent event as its lines joined; comments are passed over. `None` at the end.
    pub(crate) fn server_sent_event(&mut self) -> Option<String> {
        loop {
            let line = self.line()?;
            if line.starts_with("event:") {
                return Some(format!("{line} {}", self.line()?));
            }
            if line.starts_with("data:") {
                return Some(line);
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The fields that a problem names.
pub(crate) fn fields_named(problem: &Answer) -> Vec<String> {
    let errors = problem.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// One ordinary exchange.
pub(crate) fn event() -> EventRef<'static> {
    EventRef {
        id: EventId { node: 1, boot: 1, worker: 0, sequence: 1 },
        user_id: None,
        key_id: None,
        ..EventRef::EXAMPLE
    }
}
