//! What the other side is sent: heads at once, bodies as far as it takes them, each stream in its turn.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http2::{
    BlockPlace, Code, DATA, END_STREAM, Header, PeerSettings, encode_request, encode_response,
    encode_trailers, encode_websocket, end_stream, write_goaway, write_ping,
};
use message::{Fields, Request, Response};
use tokio::io::AsyncWrite;

use super::{Gone, LAST_STREAM, Link};
use crate::buffers::Output;
use crate::h2::stream::Stream;
use crate::limits::{SEND_BYTES, SHARE_BYTES};

/// What the question is told by whose answer shows that a client knows of the coming end.
const GOODBYE: [u8; 8] = *b"lockgate";

impl Link {
    /// Appends frames that speak of the connection.
    pub(in crate::h2) fn write(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.output.borrow_mut().bytes_mut());
    }

    /// Has the client begin no more streams, but for those that are under way already (RFC 9113 §6.8).
    pub(in crate::h2) fn write_goodbye(&self) {
        self.write(|out| {
            write_goaway(LAST_STREAM, Code::NO_ERROR, out);
            write_ping(0, GOODBYE, out);
        });
    }

    /// Whether the answer to a PING shows that the client knows of the coming end, where it has been told of it.
    pub(in crate::h2) fn is_goodbye(ping: [u8; 8]) -> bool {
        ping == GOODBYE
    }

    /// Prepares a head, to be sent when it is known whether something follows it.
    pub(in crate::h2) fn prepare_head(&self, stream: &Stream, response: &Response) -> Output {
        let mut head = Output::take();
        encode_response(response, self.place(stream.id, false), head.bytes_mut());
        head
    }

    /// Prepares a head before its stream has a number.
    pub(in crate::h2) fn prepare_request(&self, request: &Request, scheme: &str) -> Output {
        let mut head = Output::take();
        encode_request(request, scheme, self.place(0, false), head.bytes_mut());
        head
    }

    /// The same for one that asks for a WebSocket.
    pub(in crate::h2) fn prepare_websocket(&self, request: &Request, scheme: &str) -> Output {
        let mut head = Output::take();
        encode_websocket(request, scheme, self.place(0, false), head.bytes_mut());
        head
    }

    /// Sends a head; with it the stream ends where nothing follows.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(in crate::h2) fn send_head(&self, stream: &Stream, mut head: Output, ends: bool) -> Result<(), Gone> {
        self.check(stream)?;
        if ends {
            end_stream(&mut head.bytes);
        }
        let mut output = self.output.borrow_mut();
        if output.bytes.is_empty() {
            *output = head;
        } else {
            output.bytes.extend_from_slice(&head.bytes);
        }
        drop(output);
        self.is_fresh.set(false);
        self.sent(stream, ends);
        Ok(())
    }

    /// Sends the fields that the stream ends with.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(in crate::h2) fn send_trailers(&self, stream: &Stream, trailers: &Fields) -> Result<(), Gone> {
        self.check(stream)?;
        encode_trailers(trailers, self.place(stream.id, true), self.output.borrow_mut().bytes_mut());
        self.sent(stream, true);
        Ok(())
    }

    /// Sends bytes of a body, for which there is room.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(in crate::h2) fn send_data(&self, stream: &Stream, data: &[u8], ends: bool) -> Result<(), Gone> {
        self.check(stream)?;
        let windows = (stream.gives.get().less(data.len()), self.gives.get().less(data.len()));
        let (Some(of_stream), Some(of_connection)) = windows else { return Err(Gone) };
        stream.gives.set(of_stream);
        self.gives.set(of_connection);
        let frame_bytes = self.frame_bytes();
        let mut output = self.output.borrow_mut();
        let out = output.bytes_mut();
        let mut rest = data;
        loop {
            let (now, later) = rest.split_at(rest.len().min(frame_bytes));
            let flags = if ends && later.is_empty() { END_STREAM } else { 0 };
            Header { length: now.len(), kind: DATA, flags, stream: stream.id }.write(out);
            out.extend_from_slice(now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        drop(output);
        self.sent(stream, ends);
        Ok(())
    }

    fn check(&self, stream: &Stream) -> Result<(), Gone> {
        if stream.is_gone.get() || stream.has_sent.get() { Err(Gone) } else { Ok(()) }
    }

    fn place(&self, stream: u32, ends_stream: bool) -> BlockPlace {
        let is_first = self.is_fresh.get();
        BlockPlace { stream, ends_stream, is_first, frame_bytes: self.frame_bytes() }
    }

    /// Larger frames than everybody takes would keep others from their turn.
    fn frame_bytes(&self) -> usize {
        (self.peer.get().frame_bytes as usize).min(SHARE_BYTES)
    }

    fn sent(&self, stream: &Stream, ends: bool) {
        stream.has_sent.set(ends);
        if ends && stream.has_received.get() {
            self.close(stream);
        }
        self.tell();
    }

    /// Waits until some of `count` bytes of a body may be sent; how many.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(in crate::h2) fn poll_room(&self, stream: &Rc<Stream>, count: usize) -> Poll<Result<usize, Gone>> {
        self.check(stream)?;
        let has_turn = self.take_turn(stream);
        let of_stream = stream.gives.get().room();
        if of_stream == 0 {
            // It is woken when there is some, and others go on.
            if has_turn {
                self.give_turns();
            }
            return Poll::Pending;
        }
        let is_crowded = self.open() > 1;
        let is_ahead = has_turn || self.waiting.borrow().is_empty();
        let room = if is_ahead { self.room().min(of_stream).min(count) } else { 0 };
        if room == 0 {
            if !stream.is_waiting.replace(true) {
                let mut waiting = self.waiting.borrow_mut();
                // Who has had less than its share goes on with it: small windows would cost the same stream its turn again and again.
                if has_turn || stream.share.get() < SHARE_BYTES {
                    waiting.push_front(stream.clone());
                } else {
                    waiting.push_back(stream.clone());
                }
            }
            return Poll::Pending;
        }
        if !is_crowded {
            return Poll::Ready(Ok(room));
        }
        let room = room.min(stream.share.get());
        let left = stream.share.get() - room;
        stream.share.set(if left == 0 { SHARE_BYTES } else { left });
        Poll::Ready(Ok(room))
    }

    /// Bytes of bodies that may be sent now, whatever the stream.
    fn room(&self) -> usize {
        SEND_BYTES.saturating_sub(self.unsent()).min(self.gives.get().room())
    }

    /// Bytes that wait to be written.
    pub(in crate::h2) fn unsent(&self) -> usize {
        self.output.borrow().bytes.len()
    }

    /// Lets those go on who have waited longest, as far as there is room for them.
    pub(super) fn give_turns(&self) {
        let mut room = self.room().saturating_sub(self.turns.get() * SHARE_BYTES);
        while room > 0 {
            let Some(stream) = self.waiting.borrow_mut().pop_front() else { return };
            stream.is_waiting.set(false);
            if !stream.is_gone.get() {
                stream.has_turn.set(true);
                self.turns.set(self.turns.get() + 1);
                stream.wake(&self.timers);
                room = room.saturating_sub(SHARE_BYTES);
            }
        }
    }

    /// Takes the stream's turn, if it is its.
    pub(super) fn take_turn(&self, stream: &Stream) -> bool {
        let has_turn = stream.has_turn.take();
        if has_turn {
            self.turns.set(self.turns.get() - 1);
        }
        has_turn
    }

    /// Takes note that a piece of a body has gone out.
    pub(in crate::h2) fn sent_piece(&self) {
        self.pieces.set(self.pieces.get().saturating_add(1));
    }

    /// How many pieces have gone out since this was asked.
    pub(in crate::h2) fn take_pieces(&self) -> u32 {
        self.pieces.take()
    }

    /// Takes note that the other side takes more of all streams.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(in crate::h2) fn widen(&self, bytes: u32) -> Result<(), Code> {
        self.gives.set(self.gives.get().more(bytes).ok_or(Code::FLOW_CONTROL_ERROR)?);
        self.give_turns();
        Ok(())
    }

    /// Takes note that the other side takes more of one stream; `false`: more than may be.
    pub(in crate::h2) fn widen_stream(&self, stream: &Stream, bytes: u32) -> bool {
        let Some(gives) = stream.gives.get().more(bytes) else { return false };
        stream.gives.set(gives);
        stream.wake(&self.timers);
        true
    }

    /// Takes note of what the other side says of itself.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(in crate::h2) fn settle(&self, settings: &[u8]) -> Result<(), Code> {
        let before = self.peer.get();
        let mut peer = before;
        peer.read(settings)?;
        self.peer.set(peer);
        if peer.stream_window != before.stream_window {
            for stream in self.streams.borrow().iter() {
                let gives = stream.gives.get().resized(before.stream_window, peer.stream_window);
                stream.gives.set(gives.ok_or(Code::FLOW_CONTROL_ERROR)?);
                stream.wake(&self.timers);
            }
        }
        self.write(PeerSettings::write_acknowledgement);
        Ok(())
    }

    /// Has the connection's task write, unless it knows.
    pub(super) fn tell(&self) {
        if !self.is_told.replace(true) {
            self.wake();
        }
    }

    /// Has the connection's task look what has changed. One that has not begun yet will.
    pub(in crate::h2) fn wake(&self) {
        if let Some(slot) = self.slot.get() {
            self.timers.wake(slot);
        }
    }

    /// Writes as much as the connection takes; answers how many bytes.
    ///
    /// # Errors
    /// When the connection has failed.
    pub(in crate::h2) fn write_to<W: AsyncWrite + Unpin>(
        &self,
        mut to: W,
        context: &mut Context<'_>,
    ) -> io::Result<usize> {
        self.is_told.set(false);
        let mut output = self.output.borrow_mut();
        let mut written = 0;
        while written < output.bytes.len() {
            match Pin::new(&mut to).poll_write(context, &output.bytes[written..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => written += count?,
                Poll::Pending => break,
            }
        }
        if written > 0 {
            if written == output.bytes.len() {
                *output = Output::default();
            } else {
                output.bytes.drain(..written);
            }
            drop(output);
            self.is_flushed.set(false);
            self.give_turns();
        }
        if !self.is_flushed.get() {
            let flushed = Pin::new(&mut to).poll_flush(context);
            self.is_flushed.set(flushed.is_ready());
            if let Poll::Ready(flushed) = flushed {
                flushed?;
            }
        }
        Ok(written)
    }

    /// Takes what waits to be written; what comes then is for nobody.
    pub(in crate::h2) fn take_unsent(&self) -> Output {
        std::mem::take(&mut *self.output.borrow_mut())
    }

    /// Whether all that was to be sent has left.
    pub(in crate::h2) fn is_flushed(&self) -> bool {
        self.unsent() == 0 && self.is_flushed.get()
    }

    /// Gives back what an idle connection does not need.
    pub(in crate::h2) fn rest(&self) {
        self.streams.borrow_mut().shrink_to(0);
        self.waiting.borrow_mut().shrink_to(0);
    }
}
