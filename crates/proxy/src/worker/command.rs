//! A worker seen from the thread that started it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use journal::RingWriter;
use tokio::sync::mpsc;

use super::{Worker, WorkerGauges};
use crate::hooks::ProxyHttp;
use crate::listen::Listener;
use crate::snapshot::Plane;

/// What a worker is told.
pub(super) enum Command {
    /// Accept on this socket, for this listener.
    Listen(Arc<Listener>, std::net::TcpListener),
    /// Accept until the queue is empty, close the socket, let its connections end, at most for a time.
    Close(Arc<Listener>, Duration),
    /// Let the listener's connections under terms before these end, at most for a time.
    Renew(Arc<Listener>, u32, Duration),
    /// Close all sockets, end all connections after the exchange they serve, and stop.
    Drain(Duration),
}

/// How a drain went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every exchange came to its end.
    Clean,
    /// The deadline passed with this many connections still busy.
    CutShort(usize),
}

/// A running worker.
#[derive(Debug)]
pub struct WorkerHandle {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<Drained>,
    gauges: Arc<WorkerGauges>,
}

/// Starts a worker's thread. Without a ring, exchanges are served and not recorded.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_worker<P: ProxyHttp + Send>(
    name: String,
    plane: Arc<Plane>,
    hooks: P,
    ring: Option<RingWriter>,
) -> io::Result<WorkerHandle> {
    spawn(name, plane, hooks, ring, |_| {})
}

/// Starts a worker's thread, on whose runtime `begin` is called first.
pub(crate) fn spawn<P: ProxyHttp + Send>(
    name: String,
    plane: Arc<Plane>,
    hooks: P,
    ring: Option<RingWriter>,
    begin: impl FnOnce(&Rc<Worker<P>>) + Send + 'static,
) -> io::Result<WorkerHandle> {
    let (commands, told) = mpsc::unbounded_channel();
    let gauges = Arc::<WorkerGauges>::default();
    let shown = gauges.clone();
    let thread = std::thread::Builder::new()
        .name(name)
        .spawn(move || super::run::run(Worker::new(plane, hooks, ring, gauges), told, begin))?;
    Ok(WorkerHandle { commands, thread, gauges: shown })
}

impl WorkerHandle {
    /// Accepts connections from a socket that is already listening.
    pub fn listen(&self, listener: Arc<Listener>, socket: std::net::TcpListener) {
        self.tell(Command::Listen(listener, socket));
    }

    /// Stops accepting for a listener once its queue is empty, and ends its connections as they fall idle, at the latest when the
    /// time is up.
    pub fn close(&self, listener: Arc<Listener>, within: Duration) {
        self.tell(Command::Close(listener, within));
    }

    /// Ends a listener's connections that do not meet its terms as they fall idle, at the latest when the time is up; to be told after
    /// [`Listener::update`].
    pub fn renew(&self, listener: Arc<Listener>, within: Duration) {
        let terms = listener.terms();
        self.tell(Command::Renew(listener, terms, within));
    }

    /// Ends all connections after the exchange they serve, at most until the deadline, and stops the worker.
    pub fn drain(&self, within: Duration) {
        self.tell(Command::Drain(within));
    }

    /// What the worker is doing.
    pub fn gauges(&self) -> &Arc<WorkerGauges> {
        &self.gauges
    }

    /// Waits until a draining worker has stopped.
    pub fn join(self) -> Drained {
        // A worker that panicked has lost its connections; that is not a clean end.
        self.thread.join().unwrap_or(Drained::CutShort(0))
    }

    /// A worker that is gone hears nothing more; whoever joins it learns why.
    fn tell(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
