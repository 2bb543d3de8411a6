//! One stream of a connection (RFC 9113 §5.1): shared by the connection's task, which takes and sends its frames, and by the task
//! whose exchange it carries.

use std::cell::{Cell, RefCell};

use http2::{Code, PeerSettings, Window};
use message::Fields;

use super::upstream::Answer;
use crate::buffers::Output;
use crate::limits::SHARE_BYTES;
use crate::timers::{Slot, Timers};

/// What is known of a stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    /// The task whose exchange it carries.
    slot: Cell<Option<Slot>>,
    /// Bytes of a body that the task has not taken yet.
    pub(super) received: RefCell<Output>,
    pub(super) trailers: RefCell<Option<Box<Fields>>>,
    /// What the other side may still send, bytes.
    pub(super) takes: Cell<Window>,
    /// Bytes taken for which the other side has not been told that it may send others.
    pub(super) owed: Cell<u32>,
    /// What the other side still takes, bytes.
    pub(super) gives: Cell<Window>,
    /// Bytes that the body still has to have, where the head says how many.
    pub(super) left: Cell<Option<u64>>,
    /// Whether the other side has sent all it had to.
    pub(super) has_received: Cell<bool>,
    /// Whether the end has gone out.
    pub(super) has_sent: Cell<bool>,
    /// Whether it was reset by either side, or its connection is gone.
    pub(super) is_gone: Cell<bool>,
    /// Whether it is among those that wait for their turn to send.
    pub(super) is_waiting: Cell<bool>,
    /// Whether it is its turn.
    pub(super) has_turn: Cell<bool>,
    /// Bytes that it may send before others have their turn.
    pub(super) share: Cell<usize>,
    /// Whether the task waits for what comes.
    pub(super) is_reading: Cell<bool>,
    /// What an upstream answers, where it is asked on the stream.
    pub(super) answer: Option<Box<Answer>>,
}

impl Stream {
    /// As it begins; `stream_window`: what the other side may send of a body.
    pub(super) fn new(
        id: u32,
        is_whole: bool,
        stream_window: u32,
        peer: PeerSettings,
        answer: Option<Box<Answer>>,
    ) -> Self {
        Self {
            id,
            slot: Cell::new(None),
            received: RefCell::default(),
            trailers: RefCell::default(),
            takes: Cell::new(Window::new(stream_window)),
            owed: Cell::new(0),
            gives: Cell::new(Window::new(peer.stream_window)),
            left: Cell::new(None),
            has_received: Cell::new(is_whole),
            has_sent: Cell::new(false),
            is_gone: Cell::new(false),
            is_waiting: Cell::new(false),
            has_turn: Cell::new(false),
            share: Cell::new(SHARE_BYTES),
            is_reading: Cell::new(false),
            answer,
        }
    }

    /// Says which task serves it.
    pub(super) fn serve_by(&self, slot: Slot) {
        self.slot.set(Some(slot));
    }

    /// The answer of an upstream, as long as it has not come whole.
    pub(super) fn unfinished_answer(&self) -> Option<&Answer> {
        self.answer.as_deref().filter(|_| !self.has_received.get())
    }

    /// The same as long as its head has not come.
    pub(super) fn awaited_answer(&self) -> Option<&Answer> {
        self.answer.as_deref().filter(|answer| !answer.has_begun())
    }

    /// Whether what has come of an answer may not go on before its end: by length it is the last of it, which a client may take for the
    /// whole, be it only a head.
    pub(super) fn is_withheld(&self) -> bool {
        self.left.get() == Some(0) && self.unfinished_answer().is_some()
    }

    /// Has its task look what has changed.
    pub(super) fn wake(&self, timers: &Timers) {
        if let Some(slot) = self.slot.get() {
            timers.wake(slot);
        }
    }

    /// The same, if it waits for the body.
    pub(super) fn wake_reader(&self, timers: &Timers) {
        if self.is_reading.take() {
            self.wake(timers);
        }
    }

    /// Whether bytes of a body may come: `flow` of them with their padding, `count` without. Answers what may still come then.
    ///
    /// # Errors
    /// With the code that the stream ends with.
    pub(super) fn check_data(&self, flow: usize, count: usize, ends: bool) -> Result<Window, Code> {
        if self.has_received.get() {
            return Err(Code::STREAM_CLOSED);
        }
        if self.awaited_answer().is_some() {
            return Err(Code::PROTOCOL_ERROR);
        }
        let takes = self.takes.get().less(flow).ok_or(Code::FLOW_CONTROL_ERROR)?;
        if let Some(left) = self.left.get() {
            // RFC 9113 §8.1.1
            let rest = left.checked_sub(count as u64).ok_or(Code::PROTOCOL_ERROR)?;
            if ends && rest > 0 {
                return Err(Code::PROTOCOL_ERROR);
            }
            self.left.set(Some(rest));
        }
        Ok(takes)
    }
}
