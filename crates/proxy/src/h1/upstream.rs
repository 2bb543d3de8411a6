//! One request and its answer on a connection to an upstream.

use std::io;

use http1::{HeadError, HeadLimits, HeadScan};
use message::{Body, Method, Piece, Request, Response};

use super::{InState, OutState, Reader, Writer};
use crate::adapter::{NoResponse, RequestSink, ResponseSource, Sink, SinkError, Source, SourceError};
use crate::buffers::Buffer;
use crate::timers::{Ticks, Timer};
use crate::upstream::{ReadSide, Stream, WriteSide};

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
