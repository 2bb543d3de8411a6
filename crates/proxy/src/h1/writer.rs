//! Heads and body bytes onto a connection, as few writes as can be.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use message::{Body, Piece};
use tokio::io::AsyncWrite;

use super::reader::wait;
use crate::adapter::{Sink, SinkError};
use crate::buffers::Output;
use crate::limits::COALESCE_BYTES;
use crate::timers::{Ticks, Timer};

/// What of a message has been written: outlives the [`Writer`]s that borrow it.
#[derive(Debug)]
pub(crate) struct OutState {
    /// Bytes to go out before the next piece.
    pub(crate) pending: Output,
    framing: Body,
}

impl OutState {
    pub(crate) fn new() -> Self {
        Self { pending: Output::default(), framing: Body::Empty }
    }

    /// Starts a message whose head has been put into `pending`.
    pub(crate) fn start(&mut self, framing: Body) {
        self.framing = framing;
    }
}

/// Writes messages onto one direction of a stream.
#[derive(Debug)]
pub(crate) struct Writer<'a, W> {
    pub(crate) io: W,
    pub(crate) state: &'a mut OutState,
    pub(crate) timer: &'a Timer,
    /// Longest time without a byte being taken.
    pub(crate) idle: Ticks,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    /// Writes `pending`, `data` and `tail` in that order and empties `pending`.
    async fn write_all(&mut self, data: &[u8], tail: &[u8]) -> Result<(), SinkError> {
        let pending = self.state.pending.bytes_mut();
        let data = if data.len() <= COALESCE_BYTES {
            pending.extend_from_slice(data);
            pending.extend_from_slice(tail);
            &[]
        } else {
            data
        };
        let tail = if data.is_empty() { &[] } else { tail };
        let mut written = 0;
        let total = pending.len() + data.len() + tail.len();
        while written < total {
            self.timer.set(self.idle);
            let slices = remaining([pending, data, tail], written);
            match wait(self.timer, |context| poll_write(&mut self.io, context, &slices)).await {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(SinkError::TimedOut),
                Err(error) => return Err(error.into()),
            }
        }
        pending.clear();
        // TLS takes bytes that the socket has not taken yet; a socket has nothing to flush.
        self.timer.set(self.idle);
        match wait(self.timer, |context| Pin::new(&mut self.io).poll_flush(context)).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
            flushed => flushed.map_err(SinkError::Io),
        }
    }

    /// Tells the peer that nothing more comes, as the end of a tunnel or of a close-delimited body.
    async fn shut_down(&mut self) -> Result<(), SinkError> {
        wait(self.timer, |context| Pin::new(&mut self.io).poll_shutdown(context)).await.map_err(SinkError::Io)
    }
}

impl<W: AsyncWrite + Unpin> Sink for Writer<'_, W> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        match self.state.framing {
            Body::Streamed => {
                let mut tail = Output::take();
                if !piece.data.is_empty() {
                    http1::write_chunk_size(piece.data.len(), self.state.pending.bytes_mut());
                    tail.bytes.extend_from_slice(b"\r\n");
                }
                if piece.end {
                    http1::encode_trailers(piece.trailers, &mut tail.bytes);
                }
                self.write_all(piece.data, &tail.bytes).await
            }
            framing => {
                self.write_all(piece.data, &[]).await?;
                if piece.end && framing == Body::Tunnel {
                    self.shut_down().await?;
                }
                Ok(())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.write_all(&[], &[]).await
    }
}

/// What of three slices has not been written.
fn remaining(parts: [&[u8]; 3], mut written: usize) -> [IoSlice<'_>; 3] {
    parts.map(|part| {
        let skip = written.min(part.len());
        written -= skip;
        IoSlice::new(&part[skip..])
    })
}

/// One write: a plain one when a single slice has bytes, since that is cheaper in the kernel.
fn poll_write<W: AsyncWrite + Unpin>(
    io: &mut W,
    context: &mut Context<'_>,
    slices: &[IoSlice<'_>; 3],
) -> Poll<io::Result<usize>> {
    let mut full = slices.iter().filter(|slice| !slice.is_empty());
    match (full.next(), full.next()) {
        (Some(only), None) => Pin::new(io).poll_write(context, only),
        _ => Pin::new(io).poll_write_vectored(context, slices),
    }
}
