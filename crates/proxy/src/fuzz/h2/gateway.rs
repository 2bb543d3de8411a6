//! A gateway without sockets towards clients, which answers by itself, or asks an origin on the same thread.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use config::Config;
use message::Request;
use policy::proxy_protocol::Ends;
use tokio::runtime::LocalRuntime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::origin::answer_all;
use super::pattern;
use super::wire::InMemory;
use crate::h2;
use crate::hooks::{ProxyHttp, Verdict};
use crate::listen::{Admission, Listener};
use crate::snapshot::{Plane, Snapshot};
use crate::timers::Timer;
use crate::worker::{Worker, WorkerGauges};

/// Listeners of many kinds, and routes.
const CONFIGURATION: &str = r#"
[[listener]]
address      = "127.0.0.1:8080"
head_timeout = "1s"
body_timeout = "3s"
keep_alive   = "5s"

[[listener]]
address      = "127.0.0.1:8081"
head_timeout = "1s"
body_timeout = "3s"
keep_alive   = "5s"
requests     = 5
http2        = { streams = 2, stream_window = "1KiB", connection_window = "64KiB" }

[[listener]]
address      = "127.0.0.1:8082"
head_timeout = "1s"
body_timeout = "3s"
keep_alive   = "5s"
http2        = { streams = 10, stream_window = "128KiB", connection_window = "96KiB" }

[[route]]
path    = "/fixed"
respond = { status = 200, body = "fixed" }

[[route]]
path     = "/echo"
upstream = "origin"

[[route]]
path    = "/*"
methods = ["GET", "HEAD", "POST"]
respond = { status = 404 }
"#;
/// Largest body that is answered with, bytes.
const BODY_BYTES_MAX: usize = 200_000;

/// A worker, and the event loop it lives in.
pub(super) struct Gateway {
    pub(super) runtime: LocalRuntime,
    pub(super) worker: Rc<Worker<Patterns>>,
    config: Config,
    /// Grows with what happens at the origin.
    pub(super) moved: Rc<Cell<u64>>,
}

thread_local! {
    static GATEWAY: Gateway = Gateway::new();
}

/// Hands over the thread's gateway.
pub(super) fn with_gateway<R>(with: impl FnOnce(&Gateway) -> R) -> R {
    GATEWAY.with(with)
}

impl Gateway {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .expect("there is an event loop");
        let moved = Rc::<Cell<u64>>::default();
        let bound = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let origin = bound.expect("there is a port");
        let address = origin.local_addr().expect("it is bound");
        runtime.spawn_local(answer_all(origin, moved.clone()));
        let text = format!(
            "upstream.origin = {{ endpoints = [\"{address}\"], timeout = {{ response = \"3s\", idle = \"3s\" }} }}\n{CONFIGURATION}"
        );
        let loaded = config::load_text("fuzz", Path::new("."), &text, &config::ProcessEnvironment);
        let config = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false))).config;
        let plane = Plane::new(Snapshot::compile(&config, &[], None));
        let worker = Worker::new(plane, Patterns::default(), None, Arc::<WorkerGauges>::default());
        Self { runtime, worker: Rc::new(worker), config, moved }
    }

    /// A listener that nobody has connected to yet.
    pub(super) fn listener(&self, at: usize) -> Arc<Listener> {
        let config = &self.config.listeners[at % self.config.listeners.len()];
        Listener::new(config, config.address)
    }

    /// Has a connection be served.
    pub(super) fn serve(&self, listener: &Arc<Listener>, client: InMemory) -> JoinHandle<()> {
        let admission = Admission::new(listener, &self.worker.plane).expect("there is room");
        let ends =
            Ends { client: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), destination: listener.address() };
        let worker = self.worker.clone();
        self.runtime.spawn_local(async move {
            let timer = Timer::of_this_task(worker.timers.clone()).await;
            h2::serve(worker, admission, timer, Box::new(ends), client, None).await;
        })
    }

    /// Has a tick pass.
    pub(super) fn tick(&self) {
        self.worker.timers.tick();
        self.worker.hooks.late.notify_waiters();
    }
}

/// Answers with a pattern.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    late: Notify,
}

impl Patterns {
    /// Waits for the next tick.
    pub(super) async fn tick(&self) {
        self.late.notified().await;
    }
}

impl ProxyHttp for Patterns {
    type Context = ();

    fn new_context(&self) {}

    async fn request_filter(&self, request: &mut Request, (): &mut ()) -> Verdict {
        let mut path = request.path().to_owned();
        if let Some(rest) = path.strip_prefix("/late") {
            path = rest.to_owned();
            self.tick().await;
        }
        let Some(Ok(count)) = path.strip_prefix('/').map(str::parse::<usize>) else {
            return Verdict::Continue;
        };
        let body = (0..count.min(BODY_BYTES_MAX)).map(pattern).collect();
        Verdict::Answer { status: 200, content_type: "application/x-pattern", body }
    }
}
