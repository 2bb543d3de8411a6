//! What a client may ask of HTTP/2 besides requests: frames are counted beneath `h2`, which does not tell of them.
//!
//! Every frame that asks for work and gives none costs something; time, answers and the bytes of answers pay for it. A client that has
//! spent it all is told to calm down (RFC 9113 §10.5) and is gone. That bounds rapid resets (CVE-2023-44487), endless CONTINUATION, and
//! floods of SETTINGS, PING, PRIORITY, WINDOW_UPDATE and empty DATA alike.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{FRAMES_AT_ONCE, FRAMES_PER_TICK};
use crate::timers::Timers;

/// Length of a frame's header, bytes (RFC 9113 §4.1).
const HEADER_BYTES: usize = 9;
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
    timers: Rc<Timers>,
}

impl Budget {
    pub(super) fn new(timers: Rc<Timers>) -> Self {
        Self { left: Cell::new(FRAMES_AT_ONCE), paid: Cell::new(timers.now()), bytes: Cell::new(0), timers }
    }

    /// Whether everything has been spent.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() < 0
    }

    /// Takes note of a request that has been answered.
    pub(super) fn answered(&self) {
        // What the request cost, and a little for the next one.
        self.pay(2);
    }

    fn pay(&self, frames: i64) {
        self.left.set((self.left.get() + frames).min(FRAMES_AT_ONCE));
    }

    fn charge(&self, frame: &[u8; HEADER_BYTES]) {
        let now = self.timers.now();
        let ticks = now.saturating_sub(self.paid.replace(now));
        if ticks > 0 && !self.is_spent() {
            self.pay(i64::from(ticks) * FRAMES_PER_TICK);
        }
        self.left.set(self.left.get().saturating_sub(cost(frame)));
    }

    fn written(&self, count: usize) {
        let bytes = self.bytes.get() + count;
        self.bytes.set(bytes % BYTES_PER_FRAME);
        if bytes >= BYTES_PER_FRAME && !self.is_spent() {
            self.pay(i64::try_from(bytes / BYTES_PER_FRAME).unwrap_or(i64::MAX / 2));
        }
    }
}

/// What a frame costs (RFC 9113 §6).
fn cost(frame: &[u8; HEADER_BYTES]) -> i64 {
    const DATA: u8 = 0;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const END_STREAM: u8 = 1;
    const ACK: u8 = 1;
    let is_empty = frame[..3] == [0; 3];
    match (frame[3], frame[4]) {
        (DATA, flags) => i64::from(is_empty && flags & END_STREAM == 0),
        // Behind each stands a request that was begun for nothing.
        (RST_STREAM, _) => 4,
        (SETTINGS, flags) if flags & ACK == 0 => 10,
        _ => 1,
    }
}

/// Finds the frames in what is received.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; HEADER_BYTES],
    /// How much of a header is there.
    have: usize,
    /// Bytes of a payload that are still to come.
    skip: usize,
}

impl Frames {
    fn follow(&mut self, mut bytes: &[u8], mut seen: impl FnMut(&[u8; HEADER_BYTES])) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER_BYTES - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEADER_BYTES {
                self.have = 0;
                self.skip = self.header[..3].iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
                seen(&self.header);
            }
        }
    }
}

/// A connection whose frames are counted.
#[derive(Debug)]
pub(super) struct Counted<S> {
    stream: S,
    frames: Frames,
    budget: Rc<Budget>,
}

impl<S> Counted<S> {
    /// Of a connection that begins with the preface (RFC 9113 §3.4).
    pub(super) fn new(stream: S, budget: Rc<Budget>) -> Self {
        let frames = Frames { skip: super::PREFACE.len(), ..Frames::default() };
        Self { stream, frames, budget }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, into))?;
        this.frames.follow(&into.filled()[before..], |frame| this.budget.charge(frame));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.budget.written(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.budget.written(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER_BYTES + payload, 0xff);
        frame
    }

    #[test]
    fn frames_are_found_however_they_arrive() {
        let sent = [frame(1, 4, 30), frame(0, 0, 70_000), frame(6, 0, 8), frame(0, 1, 0)];
        let bytes = sent.concat();
        for size in [1, 7, 9, 10, 16_384, bytes.len()] {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for part in bytes.chunks(size) {
                frames.follow(part, |header| seen.push(header[3]));
            }
            assert_eq!(seen, [1, 0, 6, 0], "in parts of {size}");
        }
    }

    #[test]
    fn what_asks_for_work_is_spent_and_answers_pay() {
        let budget = Budget::new(Rc::default());
        let ping: [u8; HEADER_BYTES] = frame(6, 0, 8)[..HEADER_BYTES].try_into().unwrap();
        for _ in 0..FRAMES_AT_ONCE {
            budget.charge(&ping);
        }
        assert!(!budget.is_spent());
        budget.answered();
        budget.written(3 * BYTES_PER_FRAME);
        for _ in 0..5 {
            budget.charge(&ping);
        }
        assert!(!budget.is_spent());
        budget.charge(&ping);
        assert!(budget.is_spent());
        budget.written(1 << 20);
        assert!(budget.is_spent(), "who is told to go is not paid any more");
    }

    #[test]
    fn resets_and_settings_cost_more_and_bodies_nothing() {
        let of = |kind, flags, payload| cost(frame(kind, flags, payload)[..HEADER_BYTES].try_into().unwrap());
        assert_eq!([of(0, 0, 1), of(0, 1, 0), of(0, 0, 0)], [0, 0, 1]);
        assert_eq!([of(3, 0, 4), of(4, 0, 0), of(4, 1, 0), of(9, 0, 5), of(0x77, 0, 5)], [4, 10, 1, 1, 1]);
    }
}
