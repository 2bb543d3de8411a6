//! A service that answers by script and remembers what it was sent.

mod exchange;
mod record;

use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::answer::{Answer, Gate, Step};
use crate::conn::Conn;
use crate::oracle::{self, Fields, RequestLine};

pub use record::{ConnectionRecord, End};

/// Longest wait of [`Origin::wait`].
const WAIT: Duration = Duration::from_secs(20);

/// The head of a request, as a script sees it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Method, target, version.
    pub line: RequestLine,
    /// Header fields.
    pub fields: Fields,
    /// Connection it came on, counted from 0 over the origin's life.
    pub connection: usize,
    /// Request on that connection, counted from 0.
    pub number: usize,
}

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

struct Shared {
    script: Box<Script>,
    state: Mutex<State>,
    changed: Condvar,
    stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    records: Vec<ConnectionRecord>,
    open: Vec<(usize, Conn)>,
    threads: Vec<JoinHandle<()>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, connection: usize, change: impl FnOnce(&mut ConnectionRecord)) {
        if let Some(record) = self.state().records.get_mut(connection) {
            change(record);
        }
        self.changed.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn accept(&self) -> std::io::Result<Conn> {
        match self {
            Self::Tcp(listener) => {
                let stream = listener.accept()?.0;
                stream.set_nodelay(true)?;
                Ok(Conn::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Conn::Unix(listener.accept()?.0)),
        }
    }
}

/// A running origin; it stops when dropped, with all its threads.
pub struct Origin {
    shared: Arc<Shared>,
    address: String,
    socket_path: Option<PathBuf>,
    acceptor: Option<JoinHandle<()>>,
}

impl Origin {
    /// Listens on a free port of the loopback address and answers as `script` says.
    ///
    /// # Panics
    /// When no socket can be made.
    pub fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", script)
    }

    /// Listens on the given address.
    ///
    /// # Panics
    /// When the address is taken.
    pub fn at(address: &str, script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        Self::run(Listener::Tcp(listener), address, None, Box::new(script))
    }

    /// Listens on a Unix socket.
    ///
    /// # Panics
    /// When the path cannot be bound.
    pub fn unix(path: &Path, script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("the path is free and short");
        let address = format!("unix:{}", path.display());
        Self::run(Listener::Unix(listener), address, Some(path.into()), Box::new(script))
    }

    /// Gives the same answer to every request.
    pub fn answering(answer: Answer) -> Self {
        Self::start(move |_| answer.clone())
    }

    /// Answers every request with itself as JSON.
    pub fn echo() -> Self {
        Self::answering(Answer::echo())
    }

    /// Answers `/slow` when the gate is open, and everything else at once.
    pub fn slow_and_fast() -> (Gate, Self) {
        let gate = Gate::new();
        let waiting = gate.clone();
        let origin = Self::start(move |request| match request.line.target.as_str() {
            "/slow" => Answer::new()
                .then(Step::Wait(waiting.clone()))
                .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow"),
            _ => Answer::ok("fast"),
        });
        (gate, origin)
    }

    fn run(listener: Listener, address: String, socket_path: Option<PathBuf>, script: Box<Script>) -> Self {
        let shared = Arc::new(Shared {
            script,
            state: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = Some(std::thread::spawn(move || accept_all(&listener, &accepting)));
        Self { shared, address, socket_path, acceptor }
    }

    /// Where it listens, as an endpoint of a configuration is written: `127.0.0.1:1234` or `unix:/path`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What every connection has carried until now.
    pub fn connections(&self) -> Vec<ConnectionRecord> {
        self.shared.state().records.clone()
    }

    /// How many request heads have come.
    pub fn hits(&self) -> usize {
        self.shared.state().records.iter().map(|r| r.heads).sum()
    }

    /// All requests of all connections, read by the oracle.
    ///
    /// # Panics
    /// When a connection carried anything but whole, well-formed requests.
    pub fn requests(&self) -> Vec<oracle::Request> {
        let mut all = Vec::new();
        for record in self.connections() {
            let stream = oracle::requests(record.request_bytes());
            assert_eq!(
                stream.rest,
                oracle::Rest::Nothing,
                "the origin was sent more than whole requests:\n{}",
                record.bytes.escape_ascii()
            );
            all.extend(stream.requests);
        }
        all
    }

    /// Waits until what the connections carried fulfils a condition.
    ///
    /// # Panics
    /// When it does not within 20 s; `what` says what was waited for.
    pub fn wait(&self, what: &str, condition: impl Fn(&[ConnectionRecord]) -> bool) {
        let end = Instant::now() + WAIT;
        let mut state = self.shared.state();
        while !condition(&state.records) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain until {what}: {:?}", state.records);
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until all connections that were ever made have ended.
    ///
    /// # Panics
    /// As [`Origin::wait`].
    pub fn wait_until_closed(&self) {
        self.wait("all connections have ended", |records| records.iter().all(|r| r.end.is_some()));
    }

    /// Closes every open connection at once.
    pub fn close_connections(&self) {
        for (_, conn) in &self.shared.state().open {
            // A connection that the peer closed first is closed all the same.
            let _ = conn.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the acceptor; it looks at the flag before anything else.
        drop(Conn::connect(&self.address, Duration::from_secs(1)));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
        self.close_connections();
        let threads = std::mem::take(&mut self.shared.state().threads);
        for thread in threads {
            drop(thread.join());
        }
        if let Some(path) = &self.socket_path {
            drop(std::fs::remove_file(path));
        }
    }
}

fn accept_all(listener: &Listener, shared: &Arc<Shared>) {
    loop {
        let conn = listener.accept();
        if shared.is_stopping() {
            return;
        }
        let Ok(conn) = conn else { continue };
        let Ok(handle) = conn.try_clone() else { continue };
        let mut state = shared.state();
        let number = state.records.len();
        state.records.push(ConnectionRecord::default());
        state.open.push((number, handle));
        let serving = Arc::clone(shared);
        state.threads.retain(|thread| !thread.is_finished());
        state.threads.push(std::thread::spawn(move || exchange::serve(conn, &serving, number)));
        drop(state);
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
