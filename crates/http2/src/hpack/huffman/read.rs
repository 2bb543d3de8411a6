//! Coded text to bytes, one or two for each look into a table.

use super::code::{BITS, BITS_MAX, CODES, END, GROUPS, ORDER};
use crate::hpack::Malformed;

/// Bits looked at together: enough for two of the common letters, and a table of 16 KiB.
const WINDOW_BITS: usize = 12;

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
    bits.refill();
    while bits.count >= BITS_MAX {
        while bits.count >= BITS_MAX {
            bits.take(&mut out)?;
        }
        bits.refill();
    }
    bits.finish(&mut out)?;
    Ok(out.written)
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
    /// Takes bytes while there are some and they have room: from then on at least 56 bits are there, or all that are left.
    #[inline]
    fn refill(&mut self) {
        if let Some(eight) = self.rest.first_chunk() {
            self.next |= u64::from_be_bytes(*eight) >> self.count;
            let bytes = (63 - self.count) / 8;
            self.rest = self.rest.get(bytes..).unwrap_or_default();
            self.count += bytes * 8;
            return;
        }
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

    /// Decodes one or two symbols of at least [`BITS_MAX`] bits.
    #[inline]
    fn take(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        let step = self.step();
        let bits = if step.count == 0 {
            let (symbol, bits) = long(self.next);
            let byte = u8::try_from(symbol).map_err(|_| Malformed::Huffman)?;
            out.push([byte, 0], 1)?;
            bits
        } else {
            out.push(step.symbols, step.count)?;
            usize::from(step.bits)
        };
        self.next <<= bits;
        self.count -= bits;
        Ok(())
    }

    /// Decodes the last bits, fewer than [`BITS_MAX`], as if ones followed them: padding is then the only code that is not there as
    /// a whole and yet all ones.
    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        self.next |= u64::MAX >> self.count;
        while self.count > 0 {
            let step = self.step();
            let [byte, _] = step.symbols;
            let (symbol, bits) = match step.count {
                0 => long(self.next),
                _ => (u16::from(byte), usize::from(BITS[usize::from(byte)])),
            };
            if bits > self.count {
                let is_padding = self.count < 8 && self.next == u64::MAX;
                return if is_padding { Ok(()) } else { Err(Malformed::Huffman) };
            }
            let byte = u8::try_from(symbol).map_err(|_| Malformed::Huffman)?;
            out.push([byte, 0], 1)?;
            self.next = !(!self.next << bits);
            self.count -= bits;
        }
        Ok(())
    }
}

/// The first symbol of bits that begin with a code longer than the window, and the bits of its code.
#[cold]
fn long(next: u64) -> (u16, usize) {
    for (bits, group) in GROUPS.iter().enumerate().skip(WINDOW_BITS + 1) {
        let place = ((next >> (64 - bits)) as u32).wrapping_sub(group.first);
        if place < group.count {
            return (ORDER.get((group.at + place) as usize).copied().unwrap_or(END), bits);
        }
    }
    (END, BITS_MAX)
}
