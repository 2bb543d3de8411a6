//! What the streams of a connection share: what goes out, how much of it the other side takes, and which of them are open.

mod send;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use http2::{Code, PeerSettings, Window, write_reset, write_window_update};

use super::stream::Stream;
use super::upstream::Answer;
use crate::buffers::Output;
use crate::limits::RESETS_REMEMBERED;
use crate::timers::{Slot, Timers};

/// The last stream that there may be (RFC 9113 §5.1.1).
pub(super) const LAST_STREAM: u32 = (1 << 31) - 1;
/// How many streams are remembered of those that both sides know to be over.
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
    slot: Cell<Option<Slot>>,
    output: RefCell<Output>,
    /// Whether that task knows that there is something to write.
    is_told: Cell<bool>,
    /// Streams that are open, in the order they began.
    streams: RefCell<Vec<Rc<Stream>>>,
    /// Those that have something to send and wait for their turn.
    waiting: RefCell<VecDeque<Rc<Stream>>>,
    /// How many of those that waited have been told that it is their turn, and have not taken it yet.
    turns: Cell<usize>,
    /// The last that has begun.
    last: Cell<u32>,
    /// Streams that the gateway has reset, for which frames may still be under way.
    reset: RefCell<VecDeque<u32>>,
    /// The last of those that were too many to be remembered.
    forgotten: Cell<u32>,
    /// The latest that both sides know to be over.
    closed: Cell<[u32; CLOSED_REMEMBERED]>,
    pub(super) peer: Cell<PeerSettings>,
    /// What the other side still takes of all streams, bytes.
    gives: Cell<Window>,
    /// What the other side may still send of all streams, bytes.
    takes: Cell<Window>,
    /// Bytes taken for which the other side has not been told that it may send others.
    owed: Cell<u32>,
    /// What the other side may send of one stream when nothing has come, bytes.
    stream_window: u32,
    /// The same of all.
    #[cfg(any(test, feature = "fuzz"))]
    connection_window: u32,
    /// Pieces of bodies that have gone out.
    pieces: Cell<u32>,
    /// Whether no head has gone out yet.
    is_fresh: Cell<bool>,
    /// Whether what was written has left.
    is_flushed: Cell<bool>,
    /// How often bytes have come.
    heard: Cell<u32>,
}

impl Link {
    pub(super) fn new(timers: Rc<Timers>, stream_window: u32, connection_window: u32) -> Self {
        let connection_window = connection_window.max(Window::DEFAULT);
        Self {
            timers,
            slot: Cell::new(None),
            output: RefCell::default(),
            is_told: Cell::new(false),
            streams: RefCell::default(),
            waiting: RefCell::default(),
            turns: Cell::new(0),
            last: Cell::new(0),
            reset: RefCell::default(),
            forgotten: Cell::new(0),
            closed: Cell::default(),
            peer: Cell::default(),
            gives: Cell::new(Window::new(Window::DEFAULT)),
            takes: Cell::new(Window::new(connection_window)),
            owed: Cell::new(0),
            stream_window,
            #[cfg(any(test, feature = "fuzz"))]
            connection_window,
            pieces: Cell::new(0),
            is_fresh: Cell::new(true),
            is_flushed: Cell::new(true),
            heard: Cell::new(0),
        }
    }

    /// Says which task reads and writes.
    pub(super) fn drive_by(&self, slot: Slot) {
        self.slot.set(Some(slot));
    }

    pub(super) fn timers(&self) -> &Rc<Timers> {
        &self.timers
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
    pub(super) fn open_stream(&self, id: u32, is_whole: bool, answer: Option<Box<Answer>>) -> Rc<Stream> {
        // Who has not seen the settings yet goes by the default (RFC 9113 §6.9.2).
        let window = self.stream_window.max(Window::DEFAULT);
        let stream = Rc::new(Stream::new(id, is_whole, window, self.peer.get(), answer));
        self.streams.borrow_mut().push(stream.clone());
        stream
    }

    /// Those that are open beyond one.
    pub(super) fn beyond(&self, last: u32) -> Vec<Rc<Stream>> {
        self.streams.borrow().iter().filter(|stream| stream.id > last).cloned().collect()
    }

    /// Takes the stream from those that are open; `false`: it was none of them any more.
    fn forget(&self, stream: &Stream) -> bool {
        let mut streams = self.streams.borrow_mut();
        let found = streams.binary_search_by_key(&stream.id, |stream| stream.id);
        if let Ok(at) = found {
            streams.remove(at);
        }
        found.is_ok()
    }

    /// Takes note that both sides know that the stream is over.
    fn close(&self, stream: &Stream) {
        if self.forget(stream) {
            let [first, second, third, _] = self.closed.get();
            self.closed.set([stream.id, first, second, third]);
        }
    }

    /// Takes note that the other side has sent all of a stream.
    pub(super) fn received_end(&self, stream: &Stream) {
        stream.has_received.set(true);
        stream.wake_reader(&self.timers);
        if stream.has_sent.get() {
            self.close(stream);
        }
    }

    /// Ends a stream that its task has done with, and the other half of it (RFC 9113 §8.1).
    pub(super) fn finish(&self, stream: &Stream) {
        if !stream.has_sent.get() {
            self.reset(stream, Code::INTERNAL_ERROR);
        } else if !stream.has_received.get() {
            self.reset(stream, Code::NO_ERROR);
        }
        self.leave(stream);
    }

    /// Ends a stream of which nobody wants more than has come.
    pub(super) fn give_up(&self, stream: &Stream, code: Code) {
        if !(stream.has_sent.get() && stream.has_received.get()) {
            self.reset(stream, code);
        }
        self.leave(stream);
    }

    /// Leaves a stream that is over to nobody.
    fn leave(&self, stream: &Stream) {
        self.discard(stream);
        if stream.is_waiting.take() {
            // Its turn may never come, and others may take its place again and again.
            self.waiting.borrow_mut().retain(|other| other.id != stream.id);
        }
        self.take_turn(stream);
        self.give_turns();
    }

    /// Has the other side send more in place of what nobody will take.
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
        if reset.len() == RESETS_REMEMBERED
            && let Some(oldest) = reset.pop_front()
        {
            self.forgotten.set(self.forgotten.get().max(oldest));
        }
        reset.push_back(id);
    }

    /// Whether the other side may not have heard yet that the stream is over. Of one older than those that are remembered, nobody knows.
    pub(super) fn was_reset(&self, id: u32) -> bool {
        let is_forgotten = id <= self.forgotten.get() && !id.is_multiple_of(2);
        is_forgotten || self.reset.borrow().contains(&id)
    }

    /// Whether both sides know since a short while ago that the stream is over.
    pub(super) fn was_closed(&self, id: u32) -> bool {
        self.closed.get().contains(&id)
    }

    /// Takes note that the other side has reset a stream.
    pub(super) fn cancelled(&self, stream: &Stream) {
        stream.is_gone.set(true);
        self.close(stream);
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

/// What the other side sends.
impl Link {
    /// Takes note that bytes have come.
    pub(super) fn hear(&self) {
        self.heard.set(self.heard.get().wrapping_add(1));
    }

    /// How often bytes have come.
    pub(super) fn heard(&self) -> u32 {
        self.heard.get()
    }

    /// Takes note of bytes of a body, padding and all.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub(super) fn receive(&self, bytes: usize) -> Result<(), Code> {
        self.takes.set(self.takes.get().less(bytes).ok_or(Code::FLOW_CONTROL_ERROR)?);
        self.grant();
        Ok(())
    }

    /// Bytes that have come and have not been taken.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn held(&self) -> usize {
        self.connection_window as usize - self.takes.get().room() - self.owed.get() as usize
    }

    /// Has the other side send more in place of bytes that have been taken.
    pub(super) fn credit(&self, bytes: usize) {
        let owed = self.owed.get().saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.owed.set(owed);
        self.grant();
    }

    /// Says that the other side may send more, once it has no more room than it is owed. What streams hold that do not go on is neither:
    /// with a fixed share of the window to wait for, they would keep the others from theirs.
    fn grant(&self) {
        let owed = self.owed.get();
        if owed > 0
            && self.takes.get().room() <= owed as usize
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

#[cfg(test)]
mod tests;
