//! What the scripts and the judges of both sides of a connection of HTTP/2 have in common.

use proxy::fuzz::h2::{End, Travel};

/// Largest window (RFC 9113 §6.9.1), bytes.
pub(super) const WINDOW_MAX: u64 = (1 << 31) - 1;

/// How many bytes travel at once.
const PIECES: [usize; 16] = [1 << 20, 1, 2, 3, 5, 9, 10, 17, 24, 33, 64, 100, 1_000, 4_096, 16_393, 1 << 16];

/// Bytes of the fuzzer, and zeros behind them.
pub(super) struct Input<'d>(pub(super) &'d [u8]);

impl Input<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    /// One of sixteen.
    pub(super) fn one_of(&mut self, choices: &[u32; 16]) -> u32 {
        choices[usize::from(self.byte() % 16)]
    }
}

/// How bytes travel, from the front of the input, and its first byte, which says more.
pub(super) fn travel(input: &mut Input<'_>) -> (u8, Travel) {
    let (form, pieces, turns) = (input.byte(), input.byte(), input.byte());
    let travel = Travel {
        end: [End::Silence, End::Silence, End::Close, End::Fail][usize::from(form >> 4 & 3)],
        read_bytes: PIECES[usize::from(pieces & 15)],
        write_bytes: PIECES[usize::from(pieces >> 4)],
        is_fickle: form & 0x40 != 0,
        turns: u32::from(turns % 8),
    };
    (form, travel)
}

/// What is left of a stream's window, bytes.
pub(super) fn room(stream_window: i64, widened: u64, sent: u64) -> i64 {
    stream_window + widened.cast_signed() - sent.cast_signed()
}

/// The number at the front of a payload; its first bit means nothing (RFC 9113 §4.1, §6.9).
pub(super) fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(*payload.first_chunk().expect("a number")) & 0x7fff_ffff
}
