//! An origin that speaks HTTP/2, in cleartext by prior knowledge.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::client::read;

/// A running origin; it stops when dropped.
pub(crate) struct Http2Origin {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the health service says.
#[derive(Clone, Copy, Default)]
pub(crate) enum Health {
    /// A message with this serving status, 1 for SERVING, and success in the trailers.
    Serving(u8),
    /// No message, and this `grpc-status` at once.
    Status(&'static str),
    /// Nothing, for ever.
    #[default]
    Silence,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    cancelled: AtomicUsize,
    refused: AtomicUsize,
    seen: Mutex<Vec<Request<Vec<u8>>>>,
    checks: Mutex<Vec<Request<Vec<u8>>>>,
    health: Mutex<Health>,
    stop: Notify,
    gate: Notify,
}

impl Http2Origin {
    /// Takes so many streams at the same time on each connection.
    pub(crate) fn start(streams: u32) -> Self {
        Self::with(streams, false)
    }

    /// Takes WebSockets, too, and sends back what comes.
    pub(crate) fn echoing() -> Self {
        Self::with(100, true)
    }

    fn with(streams: u32, takes_tunnels: bool) -> Self {
        let shared = Arc::new(Shared::default());
        let (tell, told) = std::sync::mpsc::channel();
        let serving = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = serving.stop.notified() => {}
                    () = accept(listener, serving.clone(), streams, takes_tunnels) => {}
                }
            });
        });
        Self { address: told.recv().unwrap(), shared, thread: Some(thread) }
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests that came to be refused once.
    pub(crate) fn asked_to_refuse(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Requests that were taken back.
    pub(crate) fn cancelled(&self) -> usize {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Whole requests, with their bodies.
    pub(crate) fn seen(&self) -> Vec<Request<Vec<u8>>> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Calls of `grpc.health.v1.Health/Check`, which are not among the others.
    pub(crate) fn checks(&self) -> Vec<Request<Vec<u8>>> {
        self.shared.checks.lock().unwrap().clone()
    }

    /// What is said to them from here on.
    pub(crate) fn say(&self, health: Health) {
        *self.shared.health.lock().unwrap() = health;
    }

    /// Lets one of those go on that wait.
    pub(crate) fn go_on(&self) {
        self.shared.gate.notify_one();
    }
}

impl Drop for Http2Origin {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, streams: u32, takes_tunnels: bool) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = shared.clone();
        tokio::task::spawn_local(async move {
            let mut builder = h2::server::Builder::new();
            if takes_tunnels {
                builder.enable_connect_protocol();
            }
            let shaking = builder.max_concurrent_streams(streams).handshake::<_, Bytes>(stream);
            let Ok(mut connection) = shaking.await else { return };
            while let Some(Ok((request, respond))) = connection.accept().await {
                if request.uri().path() == "/goodbye" {
                    connection.graceful_shutdown();
                }
                tokio::task::spawn_local(answer(request, respond, shared.clone()));
            }
        });
    }
}

/// What the path asks for.
async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, shared: Arc<Shared>) {
    let path = request.uri().path().to_owned();
    if path == "/refuse-once" && shared.refused.fetch_add(1, Ordering::SeqCst) == 0 {
        return respond.send_reset(Reason::REFUSED_STREAM);
    }
    if path == "/reset" {
        return respond.send_reset(Reason::INTERNAL_ERROR);
    }
    if path == "/wait" {
        tokio::select! {
            () = shared.gate.notified() => {}
            _ = std::future::poll_fn(|context| respond.poll_reset(context)) => {
                shared.cancelled.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
    }
    if request.method() == "CONNECT" {
        return tunnel(request, respond, &shared).await;
    }
    let (head, stream) = request.into_parts();
    let Ok((body, trailers)) = read(stream).await else { return };
    if path == "/grpc.health.v1.Health/Check" {
        shared.checks.lock().unwrap().push(Request::from_parts(head, body));
        let health = *shared.health.lock().unwrap();
        return answer_check(health, respond).await;
    }
    let mut answer = Response::builder().header("x-version", format!("{:?}", head.version));
    if let Some(check) = trailers.as_ref().and_then(|trailers| trailers.get("x-check")) {
        answer = answer.header("x-check", check);
    }
    if path == "/large-head" {
        let bytes = head.uri.query().unwrap().parse().unwrap();
        answer = answer.header("x-large", "x".repeat(bytes));
    }
    shared.seen.lock().unwrap().push(Request::from_parts(head, body.clone()));
    if path == "/trailers-only" {
        let head = answer.header("grpc-status", "5").body(()).unwrap();
        let _ = respond.send_response(head, true);
        return;
    }
    if path == "/early" {
        let hints = Response::builder().status(103).header("link", "</a.css>").body(()).unwrap();
        respond.send_informational(hints).unwrap();
    }
    let Ok(mut sending) = respond.send_response(answer.body(()).unwrap(), false) else { return };
    let mut rest = Bytes::from(body);
    while !rest.is_empty() {
        sending.reserve_capacity(rest.len());
        let Some(Ok(room)) = std::future::poll_fn(|context| sending.poll_capacity(context)).await else {
            return;
        };
        let _ = sending.send_data(rest.split_to(room.min(rest.len())), false);
    }
    if path == "/half" {
        // So that what has been sent is there before it is taken back.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        return sending.send_reset(Reason::INTERNAL_ERROR);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let _ = sending.send_trailers(trailers);
}

/// Sends back what comes, or says that it does not.
async fn tunnel(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, shared: &Shared) {
    let (head, mut stream) = request.into_parts();
    let path = head.uri.path().to_owned();
    shared.seen.lock().unwrap().push(Request::from_parts(head, Vec::new()));
    if path == "/forbidden" {
        let head = Response::builder().status(403).body(()).unwrap();
        let mut sending = respond.send_response(head, false).unwrap();
        sending.send_data("no".into(), true).unwrap();
        // The other side ends without fault, too.
        if stream.data().await.is_some_and(|data| data.is_err()) {
            shared.cancelled.fetch_add(1, Ordering::SeqCst);
        }
        return;
    }
    let head = Response::builder().header("sec-websocket-protocol", "chat").body(()).unwrap();
    let mut sending = respond.send_response(head, false).unwrap();
    while let Some(data) = stream.data().await {
        let Ok(data) = data else {
            shared.cancelled.fetch_add(1, Ordering::SeqCst);
            return;
        };
        stream.flow_control().release_capacity(data.len()).unwrap();
        if path == "/break" {
            return sending.send_reset(Reason::INTERNAL_ERROR);
        }
        let _ = sending.send_data(data, false);
    }
    let _ = sending.send_data("after".into(), true);
}

async fn answer_check(health: Health, mut respond: SendResponse<Bytes>) {
    let answer = Response::builder().header("content-type", "application/grpc");
    match health {
        Health::Serving(status) => {
            let mut sending = respond.send_response(answer.body(()).unwrap(), false).unwrap();
            sending.send_data(vec![0, 0, 0, 0, 2, 8, status].into(), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let _ = sending.send_trailers(trailers);
        }
        Health::Status(status) => {
            let _ = respond.send_response(answer.header("grpc-status", status).body(()).unwrap(), true);
        }
        Health::Silence => {
            let _ = std::future::poll_fn(|context| respond.poll_reset(context)).await;
        }
    }
}
