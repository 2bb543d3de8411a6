//! One request and its answer on a connection to an upstream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use http1::{HeadError, HeadLimits, HeadScan};
use message::{Body, Method, Piece, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

use super::{InState, OutState, Reader, Readiness, Writer};
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::buffers::Buffer;
use crate::timers::{Ticks, Timer};

/// A byte stream to an endpoint.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the transport of that name")]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Whether an idle connection has become readable: an upstream that sends or closes unasked is done with.
    pub(crate) fn has_news(&self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let ready = match self {
            Self::Tcp(stream) => stream.poll_read_ready(&mut context),
            Self::Unix(stream) => stream.poll_read_ready(&mut context),
        };
        ready.is_ready()
    }

    fn split(&mut self) -> (ReadSide<'_>, WriteSide<'_>) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.split();
                (ReadSide::Tcp(read), WriteSide::Tcp(write))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.split();
                (ReadSide::Unix(read), WriteSide::Unix(write))
            }
        }
    }
}

/// A connection to an endpoint while an exchange uses it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) input: InState,
    pub(crate) output: OutState,
    /// Whether it has served another exchange before.
    pub(crate) reused: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream, reused: bool) -> Self {
        Self { stream, input: InState::new(Buffer::default()), output: OutState::new(), reused }
    }

    /// Both directions, to be used at the same time.
    pub(crate) fn split<'a>(
        &'a mut self,
        timer: &'a Timer,
        idle: Ticks,
        limits: &'a HeadLimits,
    ) -> (UpstreamSource<'a>, UpstreamSink<'a>) {
        let (read, write) = self.stream.split();
        let reader = Reader { io: read, state: &mut self.input, timer, idle };
        let writer = Writer { io: write, state: &mut self.output, timer, idle };
        (UpstreamSource { reader, limits }, UpstreamSink { writer })
    }

    /// Whether the next exchange may use it: the answer was read to its end and not a byte further.
    pub(crate) fn is_clean(&mut self) -> bool {
        self.input.release();
        self.input.has_ended() && self.input.buffer.is_empty() && self.output.pending.bytes.is_empty()
    }
}

/// The way back from an endpoint.
#[derive(Debug)]
pub(crate) struct UpstreamSource<'a> {
    reader: Reader<'a, ReadSide<'a>>,
    limits: &'a HeadLimits,
}

impl Source for UpstreamSource<'_> {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        self.reader.next().await
    }

    fn has_buffered(&self) -> bool {
        self.reader.has_buffered()
    }

    fn has_ended(&self) -> bool {
        self.reader.has_ended()
    }
}

impl ResponseSource for UpstreamSource<'_> {
    async fn head(&mut self, method: Method, response: &mut Response) -> Result<(), NoResponse> {
        let mut scan = HeadScan::default();
        loop {
            let unread = self.reader.state.buffer.unread();
            if !unread.is_empty()
                && scan.is_worth_parsing(unread)
                && let Some(length) = http1::parse_response(unread, self.limits, method, response)?
            {
                self.reader.state.buffer.consume(length);
                self.reader.state.start(response.body);
                return Ok(());
            }
            match self.reader.fill(self.limits.head_bytes).await {
                Ok(0) if self.reader.state.buffer.is_empty() => return Err(NoResponse::Closed),
                Ok(0) if self.reader.state.buffer.unread().len() >= self.limits.head_bytes => {
                    return Err(HeadError::TooLarge.into());
                }
                Ok(0) => return Err(NoResponse::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(NoResponse::TimedOut),
                Err(_) if self.reader.state.buffer.is_empty() => return Err(NoResponse::Closed),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The way to an endpoint.
#[derive(Debug)]
pub(crate) struct UpstreamSink<'a> {
    writer: Writer<'a, WriteSide<'a>>,
}

impl UpstreamSink<'_> {
    /// Makes what is written from here on a tunnel, after a 101.
    pub(crate) fn tunnel(&mut self) {
        self.writer.state.start(Body::Tunnel);
    }
}

impl Sink for UpstreamSink<'_> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        self.writer.write(piece).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.flush().await
    }
}

impl RequestSink for UpstreamSink<'_> {
    fn start(&mut self, request: &Request) {
        http1::encode_request(request, self.writer.state.pending.bytes_mut());
        self.writer.state.start(request.body);
    }
}

/// The reading half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum ReadSide<'a> {
    Tcp(tcp::ReadHalf<'a>),
    Unix(unix::ReadHalf<'a>),
}

impl Readiness for ReadSide<'_> {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => half.as_ref().poll_read_ready(context),
            Self::Unix(half) => half.as_ref().poll_read_ready(context),
        }
    }
}

impl AsyncRead for ReadSide<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_read(context, into),
            Self::Unix(half) => Pin::new(half).poll_read(context, into),
        }
    }
}

/// The writing half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum WriteSide<'a> {
    Tcp(tcp::WriteHalf<'a>),
    Unix(unix::WriteHalf<'a>),
}

impl AsyncWrite for WriteSide<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_write(context, bytes),
            Self::Unix(half) => Pin::new(half).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_write_vectored(context, slices),
            Self::Unix(half) => Pin::new(half).poll_write_vectored(context, slices),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_flush(context),
            Self::Unix(half) => Pin::new(half).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_shutdown(context),
            Self::Unix(half) => Pin::new(half).poll_shutdown(context),
        }
    }
}
