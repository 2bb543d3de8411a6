//! HTTP/2 towards upstreams: a task drives each connection, and exchanges ask on its streams.

mod ahead;
mod answer;
mod asking;
mod connection;
mod drive;

use std::rc::Rc;
use std::task::Poll;

use connection::Connection;

pub(super) use answer::{Answer, put_head, take_head};
pub(crate) use asking::{Asking, is_websocket};

use crate::stream::ByteStream;
use crate::timers::{Timer, Timers};

/// One who may ask on a connection; it ends with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Rc<Connection>);

/// Begins to speak HTTP/2 to an endpoint: a handle of the connection, and what drives it to its end.
pub(crate) fn begin(
    stream: impl ByteStream,
    timers: Rc<Timers>,
    is_secure: bool,
) -> (Handle, impl Future<Output = ()>) {
    let connection = Rc::new(Connection::new(timers, if is_secure { "https" } else { "http" }));
    (Handle(connection.clone()), drive::drive(connection, stream))
}

impl Handle {
    /// Whether the connection takes more streams (RFC 9113 §6.8).
    pub(crate) fn takes_streams(&self) -> bool {
        self.0.takes_streams()
    }

    /// Most streams at the same time, as far as is known.
    pub(crate) fn streams_max(&self) -> usize {
        self.0.streams_max()
    }

    /// Whether the endpoint has said how many streams it takes.
    pub(crate) fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// Waits until it has, or never will.
    pub(crate) fn poll_settled(&self, timer: &Timer) -> Poll<()> {
        self.0.poll_settled(timer.slot())
    }

    /// Whether the endpoint has said that a stream may become a tunnel (RFC 8441 §3).
    pub(crate) fn takes_tunnels(&self) -> bool {
        self.0.link.peer.get().takes_tunnels
    }

    /// Gives back what an idle connection does not need.
    pub(crate) fn rest(&self) {
        self.0.link.rest();
    }

    /// Bytes of answers for which the endpoint will not be told that it may send others, unless somebody takes them.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn held(&self) -> usize {
        self.0.link.held()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The task has one, too, and looks when this is gone.
        if Rc::strong_count(&self.0) == 2 {
            self.0.link.wake();
        }
    }
}
