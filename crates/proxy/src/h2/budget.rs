//! What the other side may ask of HTTP/2 besides requests and their answers.
//!
//! Every frame that asks for work and gives none costs something; time, answers and the bytes of answers pay for it, and towards an
//! upstream requests and theirs. A side that has spent it all is told to calm down (RFC 9113 §10.5) and is gone. That bounds rapid resets (CVE-2023-44487), resets that a client makes
//! the gateway send (CVE-2025-8671), endless CONTINUATION, small blocks that become large heads, and floods of SETTINGS, PING, PRIORITY, WINDOW_UPDATE and empty DATA alike.

use std::cell::Cell;

use http2::{ACK, Code, DATA, END_STREAM, Header, RST_STREAM, SETTINGS};

use crate::limits::{FRAMES_AT_ONCE, FRAMES_PER_TICK};

/// Bytes of answers that pay for one frame: who downloads has to say now and then that it has room.
const BYTES_PER_FRAME: usize = 1 << 8;
/// What each piece of an answer pays for: a client may say of the stream and of the connection that it has room again.
const FRAMES_PER_PIECE: i64 = 2;
/// What each request to an upstream pays for: its answer's heads and trailers, or a refusal, and windows.
const FRAMES_PER_REQUEST: i64 = 8;
/// Bytes of a head beyond what it may have that cost as much as a frame.
const EXCESS_PER_FRAME: usize = 1 << 10;
/// What a stream costs that a fault of the client has ended, besides its frames.
const FAULT_COST: i64 = 20;

/// One connection's account.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<i64>,
    /// Tick of the last payment for time.
    paid: Cell<u32>,
    /// Bytes written that have not paid for a frame yet.
    bytes: Cell<usize>,
}

impl Budget {
    /// Full; `now`: a tick of the worker's clock.
    pub(super) fn new(now: u32) -> Self {
        Self { left: Cell::new(FRAMES_AT_ONCE), paid: Cell::new(now), bytes: Cell::new(0) }
    }

    /// Takes note of a request that has been answered.
    pub(super) fn answered(&self) {
        // What the request cost, and a little for the next one.
        self.pay(2);
    }

    /// Takes note of a request that has gone out.
    pub(super) fn asked(&self) {
        self.pay(FRAMES_PER_REQUEST);
    }

    fn pay(&self, frames: i64) {
        self.left.set((self.left.get() + frames).min(FRAMES_AT_ONCE));
    }

    /// Takes note of a frame; the length of DATA is without its padding.
    ///
    /// # Errors
    /// When everything has been spent.
    pub(super) fn charge(&self, frame: Header, now: u32) -> Result<(), Code> {
        let ticks = now.saturating_sub(self.paid.replace(now));
        if ticks > 0 {
            self.pay(i64::from(ticks) * FRAMES_PER_TICK);
        }
        self.spend(cost(frame))
    }

    /// Takes note of a stream that the gateway resets for a fault of the client.
    ///
    /// # Errors
    /// When everything has been spent.
    pub(super) fn charge_fault(&self) -> Result<(), Code> {
        self.spend(FAULT_COST)
    }

    /// Takes note of a head, or of trailers, that became larger than they may be, by so many bytes: a few in a frame may stand for many.
    ///
    /// # Errors
    /// When everything has been spent.
    pub(super) fn charge_excess(&self, bytes: usize) -> Result<(), Code> {
        self.spend(i64::try_from(bytes / EXCESS_PER_FRAME).unwrap_or(i64::MAX / 2))
    }

    fn spend(&self, cost: i64) -> Result<(), Code> {
        self.left.set(self.left.get().saturating_sub(cost));
        if self.left.get() < 0 { Err(Code::ENHANCE_YOUR_CALM) } else { Ok(()) }
    }

    /// Takes note of pieces of answers that have gone out, however the client has had them divided.
    pub(super) fn answered_in_part(&self, pieces: u32) {
        self.pay(i64::from(pieces) * FRAMES_PER_PIECE);
    }

    /// Takes note of bytes that the client has taken.
    pub(super) fn written(&self, count: usize) {
        let bytes = self.bytes.get() + count;
        self.bytes.set(bytes % BYTES_PER_FRAME);
        if bytes >= BYTES_PER_FRAME {
            self.pay(i64::try_from(bytes / BYTES_PER_FRAME).unwrap_or(i64::MAX / 2));
        }
    }
}

/// What a frame costs (RFC 9113 §6).
fn cost(frame: Header) -> i64 {
    match frame.kind {
        DATA => i64::from(frame.length == 0 && !frame.has(END_STREAM)),
        // Behind each stands a request that was begun for nothing.
        RST_STREAM => 4,
        SETTINGS if !frame.has(ACK) => 10,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use http2::PING;

    use super::*;

    fn frame(kind: u8, flags: u8, length: usize) -> Header {
        Header { length, kind, flags, stream: 1 }
    }

    #[test]
    fn what_asks_for_work_is_spent_and_answers_pay() {
        let budget = Budget::new(0);
        for _ in 0..FRAMES_AT_ONCE {
            budget.charge(frame(PING, 0, 8), 0).unwrap();
        }
        budget.answered();
        budget.written(3 * BYTES_PER_FRAME);
        for _ in 0..5 {
            budget.charge(frame(PING, 0, 8), 0).unwrap();
        }
        assert_eq!(budget.charge(frame(PING, 0, 8), 0), Err(Code::ENHANCE_YOUR_CALM));
        assert_eq!(budget.charge(frame(PING, 0, 8), 1), Ok(()), "time pays");
    }

    #[test]
    fn a_head_a_little_too_large_costs_little_and_a_bomb_everything() {
        let budget = Budget::new(0);
        for _ in 0..100 {
            budget.charge_excess(16 << 10).unwrap();
        }
        assert_eq!(Budget::new(0).charge_excess(64 << 20), Err(Code::ENHANCE_YOUR_CALM));
    }

    #[test]
    fn resets_and_settings_cost_more_and_bodies_nothing() {
        let of = |kind, flags, length| cost(frame(kind, flags, length));
        assert_eq!([of(DATA, 0, 1), of(DATA, END_STREAM, 0), of(DATA, 0, 0)], [0, 0, 1]);
        assert_eq!([of(RST_STREAM, 0, 4), of(SETTINGS, 0, 0), of(SETTINGS, ACK, 0)], [4, 10, 1]);
        assert_eq!([of(9, 0, 5), of(0x77, 0, 5)], [1, 1]);
    }
}
