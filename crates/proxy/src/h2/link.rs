//! What the streams of a client's connection share: what goes out, how much of it the client takes, and which of them are open.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http2::{
    BlockPlace, Code, DATA, END_STREAM, Header, PeerSettings, Window, encode_response, encode_trailers,
    end_stream, write_goaway, write_ping, write_reset, write_window_update,
};
use message::{Fields, Response};
use tokio::io::AsyncWrite;

use super::stream::Stream;
use crate::buffers::Output;
use crate::limits::{RESETS_REMEMBERED, SEND_BYTES, SHARE_BYTES};
use crate::timers::{Slot, Timers};

/// The last stream that may be named (RFC 9113 §5.1.1).
const LAST_STREAM: u32 = (1 << 31) - 1;
/// What the question is told by whose answer shows that a client knows of the coming end.
const GOODBYE: [u8; 8] = *b"lockgate";
/// How many streams are remembered to have ended by themselves.
const CLOSED_REMEMBERED: usize = 4;

/// The stream, or its connection, is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl From<Gone> for io::Error {
    fn from(_: Gone) -> Self {
        io::ErrorKind::ConnectionReset.into()
    }
}

/// A connection's state besides what is being read.
#[derive(Debug)]
pub(super) struct Link {
    timers: Rc<Timers>,
    /// The task that reads and writes.
    slot: Slot,
    output: RefCell<Output>,
    /// Whether that task knows that there is something to write.
    is_told: Cell<bool>,
    /// Streams that are open, in the order they began.
    streams: RefCell<Vec<Rc<Stream>>>,
    /// Those that have something to send and wait for their turn.
    waiting: RefCell<VecDeque<Rc<Stream>>>,
    /// The last that has begun.
    last: Cell<u32>,
    /// Streams that the gateway has reset, for which frames may still be under way.
    reset: RefCell<VecDeque<u32>>,
    /// The latest that have ended by themselves.
    closed: Cell<[u32; CLOSED_REMEMBERED]>,
    pub(super) peer: Cell<PeerSettings>,
    /// What the client still takes of all streams, bytes.
    gives: Cell<Window>,
    /// What the client may still send of all streams, bytes.
    takes: Cell<Window>,
    /// Bytes taken for which the client has not been told that it may send others.
    owed: Cell<u32>,
    /// What the client may send of one stream and of all, when nothing has come, bytes.
    stream_window: u32,
    connection_window: u32,
    /// Whether no head has gone out yet.
    is_fresh: Cell<bool>,
    /// Whether what was written has left.
    is_flushed: Cell<bool>,
}

impl Link {
    pub(super) fn new(timers: Rc<Timers>, slot: Slot, stream_window: u32, connection_window: u32) -> Self {
        let connection_window = connection_window.max(Window::DEFAULT);
        Self {
            timers,
            slot,
            output: RefCell::default(),
            is_told: Cell::new(false),
            streams: RefCell::default(),
            waiting: RefCell::default(),
            last: Cell::new(0),
            reset: RefCell::default(),
            closed: Cell::default(),
            peer: Cell::default(),
            gives: Cell::new(Window::new(Window::DEFAULT)),
            takes: Cell::new(Window::new(connection_window)),
            owed: Cell::new(0),
            stream_window,
            connection_window,
            is_fresh: Cell::new(true),
            is_flushed: Cell::new(true),
        }
    }
}

/// Streams.
impl Link {
    pub(super) fn find(&self, id: u32) -> Option<Rc<Stream>> {
        let streams = self.streams.borrow();
        let at = streams.binary_search_by_key(&id, |stream| stream.id).ok()?;
        streams.get(at).cloned()
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.streams.borrow().len()
    }

    /// The last that has begun.
    pub(super) fn last(&self) -> u32 {
        self.last.get()
    }

    /// Takes note of a number that is used from now on.
    pub(super) fn number(&self, id: u32) {
        self.last.set(id);
    }

    /// Opens a stream, the last that has begun.
    pub(super) fn open_stream(&self, id: u32, is_whole: bool) -> Rc<Stream> {
        // A client that has not seen the settings yet goes by the default (RFC 9113 §6.9.2).
        let window = self.stream_window.max(Window::DEFAULT);
        let stream = Rc::new(Stream::new(id, is_whole, window, self.peer.get()));
        self.streams.borrow_mut().push(stream.clone());
        stream
    }

    /// Takes note that the stream is over.
    fn forget(&self, stream: &Stream) {
        let mut streams = self.streams.borrow_mut();
        if let Ok(at) = streams.binary_search_by_key(&stream.id, |stream| stream.id) {
            streams.remove(at);
        }
    }

    /// Ends a stream that its task has done with, and the other half of it (RFC 9113 §8.1).
    pub(super) fn finish(&self, stream: &Stream) {
        if !stream.is_gone.get() {
            if !stream.has_sent.get() {
                self.reset(stream, Code::INTERNAL_ERROR);
            } else if !stream.has_received.get() {
                self.reset(stream, Code::NO_ERROR);
            } else {
                let [a, b, c, _] = self.closed.get();
                self.closed.set([stream.id, a, b, c]);
                self.forget(stream);
            }
        }
        self.discard(stream);
        // The turn may have been this one's.
        self.give_turns();
    }

    /// Has the client send more in place of what nobody will take.
    fn discard(&self, stream: &Stream) {
        let unread = std::mem::take(&mut *stream.received.borrow_mut()).bytes.len();
        self.credit(unread);
    }

    /// Ends a stream at once.
    pub(super) fn reset(&self, stream: &Stream, code: Code) {
        if !stream.is_gone.replace(true) {
            write_reset(stream.id, code, self.output.borrow_mut().bytes_mut());
            self.remember_reset(stream.id);
            self.forget(stream);
            self.tell();
        }
    }

    /// Refuses a stream that has not been opened.
    pub(super) fn refuse(&self, id: u32, code: Code) {
        write_reset(id, code, self.output.borrow_mut().bytes_mut());
        self.remember_reset(id);
    }

    fn remember_reset(&self, id: u32) {
        let mut reset = self.reset.borrow_mut();
        if reset.len() == RESETS_REMEMBERED {
            reset.pop_front();
        }
        reset.push_back(id);
    }

    /// Whether the client may not have heard yet that the stream is over.
    pub(super) fn was_reset(&self, id: u32) -> bool {
        self.reset.borrow().contains(&id)
    }

    /// Whether the stream has ended by itself a short while ago.
    pub(super) fn was_closed(&self, id: u32) -> bool {
        self.closed.get().contains(&id)
    }

    /// Takes note that the client has reset a stream.
    pub(super) fn cancelled(&self, stream: &Stream) {
        stream.is_gone.set(true);
        self.forget(stream);
        stream.wake(&self.timers);
    }

    /// Takes note that the connection is gone.
    pub(super) fn end(&self) {
        for stream in std::mem::take(&mut *self.streams.borrow_mut()) {
            stream.is_gone.set(true);
            stream.wake(&self.timers);
        }
        self.waiting.borrow_mut().clear();
    }
}

/// What the client sends.
impl Link {
    /// Takes note of bytes of a body, padding and all.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn receive(&self, bytes: usize) -> Result<(), Code> {
        self.takes.set(self.takes.get().less(bytes).ok_or(Code::FLOW_CONTROL_ERROR)?);
        Ok(())
    }

    /// Has the client send more in place of bytes that have been taken.
    pub(super) fn credit(&self, bytes: usize) {
        let owed = self.owed.get().saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.owed.set(owed);
        if owed >= self.connection_window / 2
            && let Some(takes) = self.takes.get().more(owed)
        {
            self.takes.set(takes);
            self.owed.set(0);
            write_window_update(0, owed, self.output.borrow_mut().bytes_mut());
            self.tell();
        }
    }

    /// The same for one stream, as far as it goes on.
    pub(super) fn credit_stream(&self, stream: &Stream, bytes: usize) {
        self.credit(bytes);
        if stream.has_received.get() || stream.is_gone.get() {
            return;
        }
        let owed = stream.owed.get().saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        stream.owed.set(owed);
        if owed >= self.stream_window / 2
            && let Some(takes) = stream.takes.get().more(owed)
        {
            stream.takes.set(takes);
            stream.owed.set(0);
            write_window_update(stream.id, owed, self.output.borrow_mut().bytes_mut());
            self.tell();
        }
    }
}

/// What the client is sent.
impl Link {
    /// Appends frames that speak of the connection.
    pub(super) fn write(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.output.borrow_mut().bytes_mut());
    }

    /// Has the client begin no more streams, but for those that are under way already (RFC 9113 §6.8).
    pub(super) fn write_goodbye(&self) {
        self.write(|out| {
            write_goaway(LAST_STREAM, Code::NO_ERROR, out);
            write_ping(0, GOODBYE, out);
        });
    }

    /// Whether the answer to a PING shows that the client knows of the coming end; then it is told which stream was the last.
    pub(super) fn is_goodbye(&self, ping: [u8; 8]) -> bool {
        let is_goodbye = ping == GOODBYE;
        if is_goodbye {
            self.write(|out| write_goaway(self.last.get(), Code::NO_ERROR, out));
        }
        is_goodbye
    }

    /// Prepares a head, to be sent when it is known whether something follows it.
    pub(super) fn prepare_head(&self, stream: &Stream, response: &Response) -> Output {
        let mut head = Output::take();
        encode_response(response, self.place(stream, false), head.bytes_mut());
        head
    }

    /// Sends a head; with it the stream ends where nothing follows.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(super) fn send_head(&self, stream: &Stream, mut head: Output, ends: bool) -> Result<(), Gone> {
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
    pub(super) fn send_trailers(&self, stream: &Stream, trailers: &Fields) -> Result<(), Gone> {
        self.check(stream)?;
        encode_trailers(trailers, self.place(stream, true), self.output.borrow_mut().bytes_mut());
        self.sent(stream, true);
        Ok(())
    }

    /// Sends bytes of a body, for which there is room.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(super) fn send_data(&self, stream: &Stream, data: &[u8], ends: bool) -> Result<(), Gone> {
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

    fn place(&self, stream: &Stream, ends_stream: bool) -> BlockPlace {
        let is_first = self.is_fresh.get();
        BlockPlace { stream: stream.id, ends_stream, is_first, frame_bytes: self.frame_bytes() }
    }

    /// Larger frames than every client takes would keep others from their turn.
    fn frame_bytes(&self) -> usize {
        (self.peer.get().frame_bytes as usize).min(SHARE_BYTES)
    }

    fn sent(&self, stream: &Stream, ends: bool) {
        stream.has_sent.set(ends);
        self.tell();
    }

    /// Waits until some of `count` bytes of a body may be sent; how many.
    ///
    /// # Errors
    /// When the stream is gone.
    pub(super) fn poll_room(&self, stream: &Rc<Stream>, count: usize) -> Poll<Result<usize, Gone>> {
        self.check(stream)?;
        let has_turn = stream.has_turn.take();
        let of_stream = stream.gives.get().room();
        if of_stream == 0 {
            // It is woken when there is some, and others go on.
            if has_turn {
                self.give_turns();
            }
            return Poll::Pending;
        }
        let is_crowded = self.open() > 1;
        let must_wait = !has_turn && !self.waiting.borrow().is_empty();
        let room = if must_wait { 0 } else { self.room().min(of_stream).min(count) };
        if room == 0 {
            self.waiting.borrow_mut().push_back(stream.clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(if is_crowded { room.min(SHARE_BYTES) } else { room }))
    }

    /// Bytes of bodies that may be sent now, whatever the stream.
    fn room(&self) -> usize {
        SEND_BYTES.saturating_sub(self.unsent()).min(self.gives.get().room())
    }

    /// Bytes that wait to be written.
    pub(super) fn unsent(&self) -> usize {
        self.output.borrow().bytes.len()
    }

    /// Lets those go on who have waited longest, as far as there is room.
    fn give_turns(&self) {
        let mut room = self.room();
        while room > 0 {
            let Some(stream) = self.waiting.borrow_mut().pop_front() else { return };
            if !stream.is_gone.get() {
                stream.has_turn.set(true);
                stream.wake(&self.timers);
                room = room.saturating_sub(SHARE_BYTES);
            }
        }
    }

    /// Takes note that the client takes more of all streams.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn widen(&self, bytes: u32) -> Result<(), Code> {
        self.gives.set(self.gives.get().more(bytes).ok_or(Code::FLOW_CONTROL_ERROR)?);
        self.give_turns();
        Ok(())
    }

    /// Takes note that the client takes more of one stream; `false`: more than may be.
    pub(super) fn widen_stream(&self, stream: &Stream, bytes: u32) -> bool {
        let Some(gives) = stream.gives.get().more(bytes) else { return false };
        stream.gives.set(gives);
        stream.wake(&self.timers);
        true
    }

    /// Takes note of what the client says of itself.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn settle(&self, settings: &[u8]) -> Result<(), Code> {
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
    fn tell(&self) {
        if !self.is_told.replace(true) {
            self.timers.wake(self.slot);
        }
    }

    /// Writes as much as the connection takes; answers how many bytes.
    ///
    /// # Errors
    /// When the connection has failed.
    pub(super) fn write_to<W: AsyncWrite + Unpin>(
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

    /// Whether all that was to be sent has left.
    pub(super) fn is_flushed(&self) -> bool {
        self.unsent() == 0 && self.is_flushed.get()
    }

    /// Gives back what an idle connection does not need.
    pub(super) fn rest(&self) {
        self.streams.borrow_mut().shrink_to(0);
        self.waiting.borrow_mut().shrink_to(0);
    }
}
