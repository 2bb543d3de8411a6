//! One request and its answer on a client's connection.

use message::{Body, Piece, Response, Version};
use tokio::io::AsyncWrite;

use super::{InState, OutState, Reader, Writer};
use crate::adapter::{Downstream, ResponseSink, Sink, SinkError};
use crate::buffers::Output;
use crate::connection::Closing;
use crate::stream::ClientStream;
use crate::timers::{Ticks, Timer};

/// A client's connection while it is being served.
#[derive(Debug)]
pub(crate) struct ClientConversation<'a, S> {
    pub(crate) stream: &'a mut S,
    pub(crate) timer: &'a Timer,
    pub(crate) input: InState,
    pub(crate) output: OutState,
    /// Longest time without a byte of a body.
    pub(crate) idle: Ticks,
    /// Version of the request being answered.
    pub(crate) version: Version,
    /// Whether another request may follow.
    pub(crate) keep_alive: bool,
    /// What forbids another request, looked at when a response starts, so that the client is told.
    pub(crate) closing: Closing<'a>,
}

impl<S: ClientStream> ClientConversation<'_, S> {
    /// Gives back what is not needed while no byte is there.
    pub(crate) fn rest(&mut self) {
        self.input.buffer.release();
        self.output.pending = Output::default();
    }

    /// The reading side alone, for heads.
    pub(crate) fn reader(&mut self) -> Reader<'_, S::Read<'_>> {
        self.split().0
    }
}

impl<S: ClientStream> Downstream for ClientConversation<'_, S> {
    type Body<'b>
        = Reader<'b, S::Read<'b>>
    where
        Self: 'b;
    type Sink<'b>
        = ClientSink<'b, S::Write<'b>>
    where
        Self: 'b;

    fn split(&mut self) -> (Self::Body<'_>, Self::Sink<'_>) {
        let (read, write) = self.stream.split();
        let reader = Reader { io: read, state: &mut self.input, timer: self.timer, idle: self.idle };
        let writer = Writer { io: write, state: &mut self.output, timer: self.timer, idle: self.idle };
        (
            reader,
            ClientSink {
                writer,
                version: self.version,
                keep_alive: &mut self.keep_alive,
                closing: self.closing,
            },
        )
    }

    fn tunnel(&mut self) {
        self.input.start(Body::Tunnel);
        self.keep_alive = false;
    }
}

/// The way to an HTTP/1 client.
#[derive(Debug)]
pub(crate) struct ClientSink<'a, W> {
    writer: Writer<'a, W>,
    version: Version,
    keep_alive: &'a mut bool,
    closing: Closing<'a>,
}

impl<W: AsyncWrite + Unpin> Sink for ClientSink<'_, W> {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        self.writer.write(piece).await
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.flush().await
    }
}

impl<W: AsyncWrite + Unpin> ResponseSink for ClientSink<'_, W> {
    fn start(&mut self, response: &Response) {
        let framing = http1::framing_for(response.body, self.version);
        *self.keep_alive &= !self.closing.has_come();
        *self.keep_alive &= !matches!(framing, Body::UntilClose | Body::Tunnel);
        // A head that has no body by rule, with one behind it all the same, as a hook can make it: nothing may be read after it.
        let bodiless = matches!(response.status, 204 | 304) || response.answers_head;
        *self.keep_alive &= !(bodiless && response.body != Body::Empty);
        let pending = self.writer.state.pending.bytes_mut();
        http1::encode_response(response, self.version, *self.keep_alive, pending);
        self.writer.state.start(framing);
    }

    async fn interim(&mut self, response: &Response) -> Result<(), SinkError> {
        if self.version == Version::Http10 {
            return Ok(());
        }
        http1::encode_response(response, self.version, true, self.writer.state.pending.bytes_mut());
        self.writer.flush().await
    }

    fn close_after(&mut self) {
        *self.keep_alive = false;
    }
}
