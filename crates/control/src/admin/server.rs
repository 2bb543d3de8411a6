//! Accepts the admin API's connections: a bounded number, none of which can keep the others out.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{self, Answering};
use crate::limits::{ACCEPT_PAUSE, CONNECTIONS, DRAIN, HEAD_TIMEOUT, WRITE_TIMEOUT};

/// The waits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) head: Duration,
    pub(super) write: Duration,
    pub(super) drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { head: HEAD_TIMEOUT, write: WRITE_TIMEOUT, drain: DRAIN }
    }
}

/// Serves until `shutdown` is ready and the connections have ended.
pub(super) async fn serve(
    router: Router,
    listener: std::net::TcpListener,
    shutdown: impl Future<Output = ()>,
    timing: Timing,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut acceptor = Acceptor { listener: TcpListener::from_std(listener)?, pause: Pause::default() };
    let (drain, draining) = watch::channel(false);
    let mut connections = Connections::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = shutdown.as_mut() => break,
            stream = acceptor.accept() => connections.admit(|answering| {
                connection::serve(stream, router.clone(), answering, draining.clone(), timing)
            }),
            Some(ended) = connections.tasks.join_next_with_id(), if !connections.tasks.is_empty() => {
                connections.forget(ended.map_or_else(|error| error.id(), |(id, ())| id));
            }
        }
    }
    drop(acceptor);
    // Without a receiver there is no connection to tell.
    let _ = drain.send(true);
    connections.end(timing.drain).await;
    Ok(())
}

/// The open connections, oldest first.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: VecDeque<Open>,
}

struct Open {
    id: Id,
    task: AbortHandle,
    answering: Answering,
}

impl Connections {
    /// Starts a connection. At the limit the oldest idle one makes room, so that clients which send nothing, or
    /// half a request, cannot keep others out; if every one is being answered, the new one is closed.
    fn admit<F>(&mut self, connection: impl FnOnce(Answering) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.open.len() >= CONNECTIONS && !self.evict() {
            tracing::warn!(limit = CONNECTIONS, "admin connection closed: all others are being answered");
            return;
        }
        let answering = Answering::default();
        let task = self.tasks.spawn(connection(answering.clone()));
        self.open.push_back(Open { id: task.id(), task, answering });
    }

    fn evict(&mut self) -> bool {
        let idle = self.open.iter().position(|open| open.answering.is_idle());
        let evicted = idle.and_then(|position| self.open.remove(position));
        evicted.inspect(|open| open.task.abort()).is_some()
    }

    fn forget(&mut self, id: Id) {
        self.open.retain(|open| open.id != id);
    }

    async fn end(mut self, deadline: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(deadline, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// Accepts, and waits after a failure.
struct Acceptor {
    listener: TcpListener,
    pause: Pause,
}

impl Acceptor {
    /// Cancel safety: a pause that has begun goes on in the next call.
    async fn accept(&mut self) -> TcpStream {
        loop {
            self.pause.over().await;
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    self.pause = Pause::default();
                    return stream;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    let pause = self.pause.lengthen();
                    tracing::warn!(%error, ?pause, "admin connection cannot be accepted");
                }
            }
        }
    }
}

/// Whether only the connection at hand failed, and the next can be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The pause after failures of `accept`: without it a shortage of file descriptors would be a busy loop.
#[derive(Debug, Default)]
struct Pause {
    length: Duration,
    until: Option<Instant>,
}

impl Pause {
    fn lengthen(&mut self) -> Duration {
        let (first, longest) = ACCEPT_PAUSE;
        self.length = (self.length * 2).clamp(first, longest);
        self.until = Some(Instant::now() + self.length);
        self.length
    }

    async fn over(&mut self) {
        if let Some(until) = self.until {
            sleep_until(until).await;
            self.until = None;
        }
    }
}

#[cfg(test)]
mod tests;
