//! A connection's bytes: how they come, without a buffer while none do, and how a connection ends that is at fault.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http2::{Code, write_goaway};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::Link;
use super::receive::Receiver;
use crate::buffers::Buffer;
use crate::h1::{Readiness, wait};
use crate::limits::{BUFFER_BYTES, BUFFER_LARGE_BYTES, LINGER_BYTES, LINGER_MS};
use crate::timers::{Ticks, Timer};

/// What is being read of a connection.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) receiver: Receiver,
    pub(super) buffer: Buffer,
    /// Whether what comes fills a small buffer.
    is_large: bool,
}

impl Reading {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self { receiver, buffer: Buffer::default(), is_large: false }
    }

    /// Gives the buffer back if nothing is in it.
    pub(super) fn rest(&mut self) {
        self.buffer.release();
        self.is_large = false;
    }

    /// Receives what is there; `Ok(0)`: the other side has closed the connection.
    pub(super) fn poll_fill<R: AsyncRead + Readiness + Unpin>(
        &mut self,
        read: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // Without a buffer as long as there is nothing to put into it.
        ready!(read.poll_readable(context))?;
        if self.is_large {
            self.buffer.enlarge();
        }
        let room = self.buffer.room(BUFFER_LARGE_BYTES);
        let count = ready!(poll_read(read, room, context))?;
        self.buffer.received(count);
        self.is_large = count >= BUFFER_BYTES;
        Poll::Ready(Ok(count))
    }
}

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side has closed it, or it has failed, or its time is up.
    Gone,
    /// As it should.
    Done,
    /// By a fault of the other side, which may still be sending.
    Fault,
}

/// Says why a connection ends, and which stream of the other side's was the last (RFC 9113 §5.4.1).
pub(super) fn dismiss<W: AsyncWrite + Unpin>(
    link: &Link,
    last: u32,
    code: Code,
    write: &mut W,
    context: &mut Context<'_>,
) -> Ended {
    link.write(|out| write_goaway(last, code, out));
    // The rest goes out when nothing else can be added to it.
    if link.write_to(write, context).is_ok() { Ended::Fault } else { Ended::Gone }
}

/// Writes for a moment what the other side has not taken yet, and reads away what it sends, so that it has its answers, and hears why the
/// connection ends.
pub(super) async fn part<R: AsyncRead + Readiness + Unpin, W: AsyncWrite + Unpin>(
    link: &Link,
    timer: &Timer,
    read: &mut R,
    write: &mut W,
) {
    let unsent = link.take_unsent();
    let mut rest = unsent.bytes.as_slice();
    timer.set(Ticks::from_ms(LINGER_MS));
    let shut = wait(timer, |context| {
        while !rest.is_empty() {
            let count = ready!(Pin::new(&mut *write).poll_write(context, rest))?;
            rest = rest.get(count..).filter(|_| count > 0).ok_or(io::ErrorKind::WriteZero)?;
        }
        Pin::new(&mut *write).poll_shutdown(context)
    })
    .await;
    drop(unsent);
    let mut buffer = Buffer::default();
    let mut left = LINGER_BYTES;
    while shut.is_ok() && left > 0 {
        let count = wait(timer, |context| {
            // Many may part at the same time: without a buffer as long as there is nothing to put into it.
            ready!(read.poll_readable(context))?;
            poll_read(read, buffer.room(BUFFER_BYTES), context)
        });
        match count.await {
            Ok(count @ 1..) => left = left.saturating_sub(count as u64),
            Ok(0) | Err(_) => return,
        }
        buffer.release();
    }
}

fn poll_read<R: AsyncRead + Unpin>(
    read: &mut R,
    room: &mut [u8],
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(room);
    ready!(Pin::new(read).poll_read(context, &mut into))?;
    Poll::Ready(Ok(into.filled().len()))
}
