//! The end of a connection: kept, closed in good order, or cut.

use std::cell::Cell;
use std::io;
use std::pin::Pin;

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use crate::adapter::Source;
use crate::h1::{ClientConversation, wait};
use crate::limits::{BUFFER_BYTES, DRAIN_BYTES, LINGER_BYTES, LINGER_MS};
use crate::listen::{Admission, Listener};
use crate::pipeline::Afterwards;
use crate::stream::ClientStream;
use crate::timers::Ticks;

/// What ends a connection after the exchange it serves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing<'a> {
    /// The gateway drains.
    pub(crate) draining: &'a Cell<bool>,
    /// Its listener may go away, or ask for something else.
    pub(crate) admission: &'a Admission,
}

impl Closing<'_> {
    /// Whether no further request is to be read.
    pub(crate) fn has_come(self) -> bool {
        self.draining.get() || self.admission.is_closing()
    }
}

/// Gets a connection ready for its next request; `false`: it is over, and has been closed as it should be.
pub(super) async fn settle<S: ClientStream>(
    conversation: &mut ClientConversation<'_, S>,
    afterwards: Afterwards,
) -> bool {
    match afterwards {
        Afterwards::Keep if conversation.keep_alive && drain(conversation).await => {
            conversation.input.release();
            true
        }
        Afterwards::Keep | Afterwards::Close => {
            linger(conversation).await;
            false
        }
        Afterwards::Cut => {
            // A reset rather than an orderly end: an answer that ends by closing must not look whole.
            conversation.stream.reset();
            false
        }
    }
}

/// Reads away what is left of a request body, if it is little and comes soon.
async fn drain<S: ClientStream>(conversation: &mut ClientConversation<'_, S>) -> bool {
    if conversation.input.left().is_some_and(|left| left > DRAIN_BYTES) {
        return false;
    }
    conversation.idle = Ticks::from_ms(LINGER_MS);
    let mut drained = 0;
    while !conversation.input.has_ended() {
        match conversation.reader().next().await {
            Ok(piece) => drained += piece.data.len() as u64,
            Err(_) => return false,
        }
        if drained > DRAIN_BYTES {
            return false;
        }
    }
    true
}

/// Says that nothing more comes and reads on for a moment: closing a socket with unread bytes resets the connection, and a reset
/// can destroy an answer that the client has not read yet (RFC 9112 §9.6).
async fn linger<S: ClientStream>(conversation: &mut ClientConversation<'_, S>) {
    conversation.input.release();
    let done = conversation.input.has_ended() && conversation.input.buffer.is_empty();
    // By TLS it is something to be written, which waits for its turn like all before it: there may be much that the client has to read.
    conversation.timer.set(conversation.closing.admission.listener.settings().body_timeout);
    let shut_down = {
        let mut writing = conversation.stream.split().1;
        wait(conversation.timer, |context| Pin::new(&mut writing).poll_shutdown(context)).await
    };
    match shut_down {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return conversation.stream.reset(),
        Err(_) => return,
        Ok(()) if done => return,
        Ok(()) => {}
    }
    conversation.timer.set(Ticks::from_ms(LINGER_MS));
    let mut read = 0;
    while read < LINGER_BYTES {
        let unread = conversation.input.buffer.unread().len();
        conversation.input.buffer.consume(unread);
        match conversation.reader().fill(BUFFER_BYTES).await {
            Ok(0) | Err(_) => return,
            Ok(count) => read += count as u64,
        }
    }
}

/// Answers a connection that is one too many, as well as can be done without waiting for it; by TLS that is not at all.
pub(crate) fn turn_away(listener: &Listener, stream: &TcpStream) {
    if listener.settings().tls.is_some() {
        return;
    }
    let answer = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: text/plain\r\n\
        content-length: 21\r\n\r\ntoo_many_connections\n";
    // A fresh socket takes so few bytes at once or not at all.
    let _: io::Result<usize> = stream.try_write(answer);
}
