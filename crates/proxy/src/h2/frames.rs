//! Frames as they lie in the bytes of a connection, beneath `h2`: each is told to the budget, and a malformed one ends the reading with
//! the code it deserves (RFC 9113 §4.2, §6), for `h2` knows one code for most faults.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use h2::Reason;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::budget::Budget;

/// Length of a frame's header, bytes (RFC 9113 §4.1).
pub(super) const HEADER_BYTES: usize = 9;

pub(super) const DATA: u8 = 0;
const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;

/// Length of one setting, bytes (RFC 9113 §6.5.1).
const SETTING_BYTES: usize = 6;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// The largest window (RFC 9113 §6.9.1).
const WINDOW_MAX: u32 = (1 << 31) - 1;

/// Finds the frames in what is received.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; HEADER_BYTES],
    /// How much of a header is there.
    have: usize,
    /// Bytes of a payload that are still to come.
    skip: usize,
    setting: [u8; SETTING_BYTES],
    /// How much of a setting is there.
    have_setting: usize,
}

/// A frame that ends the reading: it is malformed, or one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    /// How many of the bytes come before that is known.
    at: usize,
    reason: Reason,
}

impl Frames {
    /// Goes through the next bytes; `seen` may end the reading before a frame, too.
    fn follow(
        &mut self,
        bytes: &[u8],
        mut seen: impl FnMut(&[u8; HEADER_BYTES]) -> Result<(), Reason>,
    ) -> Result<(), Fault> {
        let mut at = 0;
        while at < bytes.len() {
            let skipped = self.skip.min(bytes.len() - at);
            if self.header[3] == SETTINGS {
                self.follow_settings(&bytes[at..at + skipped]).map_err(|reason| Fault { at, reason })?;
            }
            self.skip -= skipped;
            at += skipped;
            let taken = (HEADER_BYTES - self.have).min(bytes.len() - at);
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[at..at + taken]);
            self.have += taken;
            if self.have == HEADER_BYTES {
                self.have = 0;
                self.have_setting = 0;
                self.skip = length(&self.header);
                check(&self.header)
                    .and_then(|()| seen(&self.header))
                    .map_err(|reason| Fault { at, reason })?;
            }
            at += taken;
        }
        Ok(())
    }

    fn follow_settings(&mut self, payload: &[u8]) -> Result<(), Reason> {
        for &byte in payload {
            self.setting[self.have_setting] = byte;
            self.have_setting += 1;
            if self.have_setting == SETTING_BYTES {
                self.have_setting = 0;
                let [id_high, id_low, value @ ..] = self.setting;
                let is_window = u16::from_be_bytes([id_high, id_low]) == INITIAL_WINDOW_SIZE;
                if is_window && u32::from_be_bytes(value) > WINDOW_MAX {
                    return Err(Reason::FLOW_CONTROL_ERROR);
                }
            }
        }
        Ok(())
    }
}

fn length(header: &[u8; HEADER_BYTES]) -> usize {
    header[..3].iter().fold(0, |length, &byte| length << 8 | usize::from(byte))
}

/// What a header says by itself: frames of fixed length have it, and clients promise nothing (RFC 9113 §6.3 to §6.9, §8.4).
fn check(header: &[u8; HEADER_BYTES]) -> Result<(), Reason> {
    let length = length(header);
    let fits = match (header[3], header[4]) {
        (PUSH_PROMISE, _) => return Err(Reason::PROTOCOL_ERROR),
        (PRIORITY, _) => length == 5,
        (RST_STREAM | WINDOW_UPDATE, _) => length == 4,
        (PING, _) => length == 8,
        (SETTINGS, flags) if flags & ACK != 0 => length == 0,
        (SETTINGS, _) => length.is_multiple_of(SETTING_BYTES),
        _ => true,
    };
    if fits { Ok(()) } else { Err(Reason::FRAME_SIZE_ERROR) }
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
        if this.budget.verdict().is_some() {
            // Whoever drives the connection looks after each turn, and ends it.
            return Poll::Pending;
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, into))?;
        let followed = this.frames.follow(&into.filled()[before..], |frame| this.budget.charge(frame));
        if let Err(fault) = followed {
            this.budget.end(fault.reason);
            into.set_filled(before + fault.at);
            if fault.at == 0 {
                return Poll::Pending;
            }
        }
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
pub(super) fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
    let length = u32::try_from(payload).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
    frame.resize(HEADER_BYTES + payload, 0x11);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_they_arrive() {
        let sent = [frame(1, 4, 30), frame(0, 0, 70_000), frame(6, 0, 8), frame(4, 0, 12), frame(0, 1, 0)];
        let bytes = sent.concat();
        for size in [1, 7, 9, 10, 16_384, bytes.len()] {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for part in bytes.chunks(size) {
                let found = frames.follow(part, |header| {
                    seen.push(header[3]);
                    Ok(())
                });
                assert!(found.is_ok());
            }
            assert_eq!(seen, [1, 0, 6, 4, 0], "in parts of {size}");
        }
    }

    #[test]
    fn a_malformed_frame_ends_the_reading_before_it() {
        let window = [frame(4, 0, 0), vec![0, 4, 0x80, 0, 0, 0]].concat();
        let window = [&[0, 0, 6], &window[3..]].concat();
        for (bad, code) in [
            (frame(2, 0, 4), Reason::FRAME_SIZE_ERROR),
            (frame(3, 0, 5), Reason::FRAME_SIZE_ERROR),
            (frame(4, 0, 7), Reason::FRAME_SIZE_ERROR),
            (frame(4, ACK, 6), Reason::FRAME_SIZE_ERROR),
            (frame(6, 0, 9), Reason::FRAME_SIZE_ERROR),
            (frame(8, 0, 0), Reason::FRAME_SIZE_ERROR),
            (frame(5, 0, 8), Reason::PROTOCOL_ERROR),
            (window, Reason::FLOW_CONTROL_ERROR),
        ] {
            let good = frame(6, 0, 8);
            let bytes = [&good[..], &bad, &good].concat();
            for size in [1, 5, bytes.len()] {
                let (mut frames, mut read, mut fault) = (Frames::default(), 0, None);
                for part in bytes.chunks(size) {
                    match frames.follow(part, |_| Ok(())) {
                        Ok(()) => read += part.len(),
                        Err(found) => {
                            read += found.at;
                            fault = Some(found.reason);
                            break;
                        }
                    }
                }
                assert_eq!(fault, Some(code), "{bad:?} in parts of {size}");
                assert!(read < good.len() + bad.len(), "{read}: {bad:?} in parts of {size}");
            }
        }
    }
}
