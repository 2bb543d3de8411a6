//! What a client may ask of HTTP/2 besides requests: frames are counted beneath `h2`, which does not tell of them.
//!
//! Every frame that asks for work and gives none costs something; time, answers and the bytes of answers pay for it. A client that has
//! spent it all is told to calm down (RFC 9113 §10.5) and is gone. That bounds rapid resets (CVE-2023-44487), endless CONTINUATION, and
//! floods of SETTINGS, PING, PRIORITY, WINDOW_UPDATE and empty DATA alike.

use std::cell::Cell;
use std::rc::Rc;

use h2::Reason;

use super::frames::{ACK, DATA, END_STREAM, HEADER_BYTES, RST_STREAM, SETTINGS};
use crate::limits::{FRAMES_AT_ONCE, FRAMES_PER_TICK};
use crate::timers::Timers;

/// Bytes of answers that pay for one frame: who downloads has to say now and then that it has room.
const BYTES_PER_FRAME: usize = 1 << 10;

/// One connection's account.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<i64>,
    /// Tick of the last payment for time.
    paid: Cell<u32>,
    /// Bytes written that have not paid for a frame yet.
    bytes: Cell<usize>,
    /// What the connection is to be ended with, if it is.
    verdict: Cell<Option<Reason>>,
    timers: Rc<Timers>,
}

impl Budget {
    pub(super) fn new(timers: Rc<Timers>) -> Self {
        Self {
            left: Cell::new(FRAMES_AT_ONCE),
            paid: Cell::new(timers.now()),
            bytes: Cell::new(0),
            verdict: Cell::new(None),
            timers,
        }
    }

    /// What the connection is to be ended with, if it is.
    pub(super) fn verdict(&self) -> Option<Reason> {
        self.verdict.get()
    }

    /// Has the connection be ended.
    pub(super) fn end(&self, reason: Reason) {
        self.verdict.set(Some(reason));
    }

    /// Takes note of a request that has been answered.
    pub(super) fn answered(&self) {
        // What the request cost, and a little for the next one.
        self.pay(2);
    }

    fn pay(&self, frames: i64) {
        self.left.set((self.left.get() + frames).min(FRAMES_AT_ONCE));
    }

    /// Takes note of a frame.
    ///
    /// # Errors
    /// When everything has been spent.
    pub(super) fn charge(&self, frame: &[u8; HEADER_BYTES]) -> Result<(), Reason> {
        let now = self.timers.now();
        let ticks = now.saturating_sub(self.paid.replace(now));
        if ticks > 0 {
            self.pay(i64::from(ticks) * FRAMES_PER_TICK);
        }
        self.left.set(self.left.get().saturating_sub(cost(frame)));
        if self.left.get() < 0 { Err(Reason::ENHANCE_YOUR_CALM) } else { Ok(()) }
    }

    pub(super) fn written(&self, count: usize) {
        let bytes = self.bytes.get() + count;
        self.bytes.set(bytes % BYTES_PER_FRAME);
        if bytes >= BYTES_PER_FRAME {
            self.pay(i64::try_from(bytes / BYTES_PER_FRAME).unwrap_or(i64::MAX / 2));
        }
    }
}

/// What a frame costs (RFC 9113 §6).
fn cost(frame: &[u8; HEADER_BYTES]) -> i64 {
    let is_empty = frame[..3] == [0; 3];
    match (frame[3], frame[4]) {
        (DATA, flags) => i64::from(is_empty && flags & END_STREAM == 0),
        // Behind each stands a request that was begun for nothing.
        (RST_STREAM, _) => 4,
        (SETTINGS, flags) if flags & ACK == 0 => 10,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::frame;
    use super::*;

    #[test]
    fn what_asks_for_work_is_spent_and_answers_pay() {
        let budget = Budget::new(Rc::default());
        let ping: [u8; HEADER_BYTES] = frame(6, 0, 8)[..HEADER_BYTES].try_into().unwrap();
        for _ in 0..FRAMES_AT_ONCE {
            budget.charge(&ping).unwrap();
        }
        budget.answered();
        budget.written(3 * BYTES_PER_FRAME);
        for _ in 0..5 {
            budget.charge(&ping).unwrap();
        }
        assert_eq!(budget.charge(&ping), Err(Reason::ENHANCE_YOUR_CALM));
    }

    #[test]
    fn resets_and_settings_cost_more_and_bodies_nothing() {
        let of = |kind, flags, payload| cost(frame(kind, flags, payload)[..HEADER_BYTES].try_into().unwrap());
        assert_eq!([of(0, 0, 1), of(0, 1, 0), of(0, 0, 0)], [0, 0, 1]);
        assert_eq!([of(3, 0, 4), of(4, 0, 0), of(4, 1, 0), of(9, 0, 5), of(0x77, 0, 5)], [4, 10, 1, 1, 1]);
    }
}
