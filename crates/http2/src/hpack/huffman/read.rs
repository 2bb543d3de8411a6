//! Coded text to bytes, one or two for each look into a table.

use super::code::{BITS, BITS_MAX, CODES, END, GROUPS, ORDER};
use crate::hpack::Malformed;

/// Bits looked at together: enough for two of the common letters, and a table of 16 KiB.
const WINDOW_BITS: usize = 12;

/// Bits that are there after more have been taken, unless the text ends.
const REFILLED_BITS: usize = 56;

/// What a window begins with.
#[derive(Clone, Copy)]
struct Step {
    symbols: [u8; 2],
    /// Symbols whose codes lie in the window as a whole; 0: the first code is longer than the window.
    count: u8,
    /// Bits of their codes.
    bits: u8,
}

static STEPS: [Step; 1 << WINDOW_BITS] = pairs(&singles());

/// The first symbol of each window.
const fn singles() -> [Step; 1 << WINDOW_BITS] {
    let mut steps = [Step { symbols: [0; 2], count: 0, bits: 0 }; 1 << WINDOW_BITS];
    let mut byte = 0;
    while byte < 256 {
        let bits = BITS[byte];
        if bits as usize <= WINDOW_BITS {
            let free = WINDOW_BITS - bits as usize;
            let mut at = (CODES[byte] as usize) << free;
            let end = at + (1 << free);
            while at < end {
                steps[at] = Step { symbols: [byte as u8, 0], count: 1, bits };
                at += 1;
            }
        }
        byte += 1;
    }
    steps
}

/// A second symbol where one has its place in the window.
const fn pairs(singles: &[Step; 1 << WINDOW_BITS]) -> [Step; 1 << WINDOW_BITS] {
    let mut steps = *singles;
    let mut window = 0;
    while window < steps.len() {
        let first = singles[window];
        let second = singles[(window << first.bits) % steps.len()];
        let bits = first.bits + second.bits;
        if first.count == 1 && second.count == 1 && bits as usize <= WINDOW_BITS {
            steps[window] = Step { symbols: [first.symbols[0], second.symbols[0]], count: 2, bits };
        }
        window += 1;
    }
    steps
}

/// Room that [`decode`] wants for a coded text of that length, bytes: the shortest code has five bits, and two symbols are written
/// where there may be one.
pub(in crate::hpack) const fn decoded_max(length: usize) -> usize {
    length.saturating_mul(8) / 5 + 2
}

/// Decodes a whole text to the front of `room`, which is as large as [`decoded_max`] says; answers the bytes written.
///
/// # Errors
/// The end of a string within it, or padding that is not at most seven bits of one (RFC 7541 §5.2).
pub(in crate::hpack) fn decode(coded: &[u8], room: &mut [u8]) -> Result<usize, Malformed> {
    let mut bits = Bits { rest: coded, next: 0, count: 0 };
    let mut out = Out { room, written: 0 };
    while bits.refill() {
        // Without asking how many bits are left: a step takes a window at most.
        for _ in 0..REFILLED_BITS / WINDOW_BITS {
            if !bits.take(&mut out)? {
                bits.take_long(&mut out)?;
                break;
            }
        }
    }
    bits.finish(out)
}

struct Out<'a> {
    room: &'a mut [u8],
    written: usize,
}

impl Out<'_> {
    #[inline]
    fn push(&mut self, symbols: [u8; 2], count: u8) -> Result<(), Malformed> {
        let place = self.room.get_mut(self.written..).and_then(<[u8]>::first_chunk_mut);
        *place.ok_or(Malformed::Huffman)? = symbols;
        self.written += usize::from(count);
        Ok(())
    }
}

struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, the first of them highest. Below `count` of them stand zeros, or what `rest` begins with.
    next: u64,
    count: usize,
}

impl Bits<'_> {
    /// Takes as many bytes as have room, so that at least [`REFILLED_BITS`] are there; `false`: fewer than eight bytes are left.
    #[inline]
    fn refill(&mut self) -> bool {
        let Some(eight) = self.rest.first_chunk() else { return false };
        self.next |= u64::from_be_bytes(*eight) >> self.count;
        let bytes = (63 - self.count) / 8;
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.count += bytes * 8;
        true
    }

    /// Takes bytes while there are some and they have room.
    #[inline]
    fn refill_at_end(&mut self) {
        while self.count <= 56
            && let Some((&byte, rest)) = self.rest.split_first()
        {
            self.next |= u64::from(byte) << (56 - self.count);
            self.rest = rest;
            self.count += 8;
        }
    }

    #[inline]
    fn step(&self) -> Step {
        STEPS[(self.next >> (64 - WINDOW_BITS)) as usize]
    }

    #[inline]
    fn skip(&mut self, bits: usize) {
        self.next <<= bits;
        self.count -= bits;
    }

    /// Decodes one or two symbols of a window; `false`: a longer code comes first.
    #[inline]
    fn take(&mut self, out: &mut Out<'_>) -> Result<bool, Malformed> {
        let step = self.step();
        self.skip(usize::from(step.bits));
        out.push(step.symbols, step.count)?;
        Ok(step.count > 0)
    }

    /// Decodes a longer code, unless it might not be there as a whole: then there is more to be had.
    #[inline]
    fn take_long(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        if self.count < BITS_MAX {
            return Ok(());
        }
        let (symbol, bits) = long(self.next);
        self.skip(bits);
        out.push([u8::try_from(symbol).map_err(|_| Malformed::Huffman)?, 0], 1)
    }

    /// Decodes what is left when fewer than eight bytes are to be taken; answers the bytes written in all.
    fn finish(mut self, mut out: Out<'_>) -> Result<usize, Malformed> {
        self.refill_at_end();
        while self.count >= BITS_MAX {
            if !self.take(&mut out)? {
                self.take_long(&mut out)?;
            }
            self.refill_at_end();
        }
        while self.count > 0 && !self.is_padding() {
            if usize::from(self.step().bits) > self.count || !self.take(&mut out)? {
                self.take_last(&mut out)?;
            }
        }
        Ok(out.written)
    }

    /// Whether only the end of the last byte is left, all ones (RFC 7541 §5.2). No code is that.
    const fn is_padding(&self) -> bool {
        self.count < 8 && self.next | u64::MAX >> self.count == u64::MAX
    }

    /// Decodes one code of the last bits.
    #[inline]
    fn take_last(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        let step = self.step();
        let [byte, _] = step.symbols;
        let (symbol, bits) = match step.count {
            0 => long(self.next),
            _ => (u16::from(byte), usize::from(BITS[usize::from(byte)])),
        };
        if bits > self.count {
            return Err(Malformed::Huffman);
        }
        self.skip(bits);
        out.push([u8::try_from(symbol).map_err(|_| Malformed::Huffman)?, 0], 1)
    }
}

/// The first symbol of bits that begin with a code longer than the window, and the bits of its code. Apart and by value,
/// so that what calls it keeps its own in registers.
#[cold]
#[inline(never)]
fn long(next: u64) -> (u16, usize) {
    for (bits, group) in GROUPS.iter().enumerate().skip(WINDOW_BITS + 1) {
        let place = ((next >> (64 - bits)) as u32).wrapping_sub(group.first);
        if place < group.count {
            return (ORDER.get((group.at + place) as usize).copied().unwrap_or(END), bits);
        }
    }
    (END, BITS_MAX)
}
