//! Body bytes off a connection, through a bounded buffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http1::{BodyDecoder, BodyError, Decoded};
use message::{Body, Piece};
use tokio::io::{AsyncRead, ReadBuf};

use crate::adapter::{Source, SourceError};
use crate::buffers::Buffer;
use crate::limits::{BUFFER_BYTES, BUFFER_LARGE_BYTES};
use crate::timers::{Ticks, Timer};

/// What of a body has been seen: outlives the [`Reader`]s that borrow it.
#[derive(Debug)]
pub(crate) struct InState {
    pub(crate) buffer: Buffer,
    decoder: BodyDecoder,
    /// The piece given last, still at the front of the buffer.
    lent: Decoded,
    ended: bool,
    /// Whether so much is to come that a large buffer is worth it.
    large: bool,
}

impl InState {
    pub(crate) fn new(buffer: Buffer) -> Self {
        Self {
            buffer,
            decoder: BodyDecoder::new(Body::Empty),
            lent: Decoded::default(),
            ended: true,
            large: false,
        }
    }

    /// Starts a new body behind a head that has been read.
    pub(crate) fn start(&mut self, body: Body) {
        self.release();
        self.decoder = BodyDecoder::new(body);
        self.ended = body == Body::Empty;
        self.buffer.release();
        self.large = self.decoder.left().is_some_and(|left| left > BUFFER_BYTES as u64);
    }

    /// Whether the last piece of the body has been given.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many body bytes are known to be missing.
    pub(crate) fn left(&self) -> Option<u64> {
        self.decoder.left()
    }

    /// Frees the bytes of the piece given last.
    pub(crate) fn release(&mut self) {
        self.buffer.consume(std::mem::take(&mut self.lent).consumed);
    }

    /// Decodes what is in the buffer; answers whether there is a piece to give.
    fn decode(&mut self) -> Result<bool, BodyError> {
        while !self.buffer.is_empty() || self.decoder.left() == Some(0) {
            let decoded = self.decoder.decode(self.buffer.unread_mut())?;
            if decoded.data > 0 || decoded.end {
                self.lent = decoded;
                self.ended = decoded.end;
                return Ok(true);
            }
            if decoded.consumed == 0 {
                return Ok(false);
            }
            self.buffer.consume(decoded.consumed);
        }
        Ok(false)
    }

    fn piece(&self) -> Piece<'_> {
        let data = &self.buffer.unread()[..self.lent.data];
        Piece { data, end: self.ended, trailers: self.decoder.trailers().filter(|_| self.ended) }
    }
}

/// Reads a body off one direction of a stream.
#[derive(Debug)]
pub(crate) struct Reader<'a, R> {
    pub(crate) io: R,
    pub(crate) state: &'a mut InState,
    pub(crate) timer: &'a Timer,
    /// Longest time without a byte.
    pub(crate) idle: Ticks,
}

impl<R: AsyncRead + Readiness + Unpin> Reader<'_, R> {
    /// Receives more behind what is in the buffer, up to `bytes_max` in all; 0: the peer has closed its side, or there is no room.
    ///
    /// While nothing is there, no buffer is held: many exchanges wait for slow upstreams, and many tunnels are silent.
    pub(crate) async fn fill(&mut self, bytes_max: usize) -> io::Result<usize> {
        if self.state.buffer.is_empty() {
            self.state.buffer.release();
            wait(self.timer, |context| self.io.poll_readable(context)).await?;
            if self.state.large {
                self.state.buffer.enlarge();
            }
        }
        self.fill_now(bytes_max).await
    }

    /// The same, for a stream that is known to be readable.
    pub(crate) async fn fill_now(&mut self, bytes_max: usize) -> io::Result<usize> {
        let room = self.state.buffer.room(bytes_max);
        let count = wait(self.timer, |context| poll_read(&mut self.io, context, room)).await?;
        self.state.buffer.received(count);
        Ok(count)
    }
}

impl<R: AsyncRead + Readiness + Unpin> Source for Reader<'_, R> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        self.state.release();
        if self.state.ended {
            return Ok(Piece::END);
        }
        while !self.state.decode()? {
            self.timer.set(self.idle);
            if matches!(self.state.decoder, BodyDecoder::UntilClose | BodyDecoder::Length(_)) {
                debug_assert!(self.state.buffer.is_empty(), "only chunked framing leaves bytes undecoded");
            }
            match self.fill(BUFFER_LARGE_BYTES).await {
                Ok(0) => {
                    self.state.decoder.close()?;
                    self.state.ended = true;
                    return Ok(Piece::END);
                }
                Ok(count) => self.state.large |= count >= BUFFER_BYTES,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(SourceError::TimedOut),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.state.piece())
    }

    fn has_buffered(&self) -> bool {
        self.state.buffer.unread().len() > self.state.lent.consumed
    }

    fn has_ended(&self) -> bool {
        self.state.ended
    }
}

/// A stream whose readability can be waited for without a buffer.
pub(crate) trait Readiness {
    /// Waits until bytes, an end or an error can be read.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Readiness for tokio::net::tcp::ReadHalf<'_> {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_ref().poll_read_ready(context)
    }
}

fn poll_read<R: AsyncRead + Unpin>(
    io: &mut R,
    context: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(room);
    ready!(Pin::new(io).poll_read(context, &mut into))?;
    Poll::Ready(Ok(into.filled().len()))
}

/// Waits for a readiness, or for the timer: then the error is [`io::ErrorKind::TimedOut`].
pub(crate) async fn wait<T>(
    timer: &Timer,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    std::future::poll_fn(|context| match poll(context) {
        Poll::Pending if timer.expired() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        polled => polled,
    })
    .await
}
