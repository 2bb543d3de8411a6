//! The number of different values: exact for few, by HyperLogLog for many.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::Cell;
use crate::bytes::{Bytes, put_bytes, put_words};

/// Different values up to which their number is exact.
pub const DISTINCT_EXACT: usize = 1024;
/// Standard error beyond: two of three answers are within it, 19 of 20 within twice it.
pub const DISTINCT_ERROR: f64 = 1.04 / 64.0;

/// log2 of the number of registers; the square root of their number divides the error.
const REGISTER_BITS: u32 = 12;
const REGISTERS: usize = 1 << REGISTER_BITS;
/// Bits of a hash that are counted in a register.
const COUNTED_BITS: u32 = 64 - REGISTER_BITS;

/// Which values have been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distinct {
    /// Their hashes, ascending.
    Few(Vec<u64>),
    /// For each value of a hash's first bits, the most zeros seen behind them, plus one.
    Many(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    /// Adds a value; returns the bytes of memory it took.
    pub(crate) fn add(&mut self, cell: &Cell<'_>) -> usize {
        self.add_hash(hash_of(cell))
    }

    /// Adds what another one has seen; returns the bytes of memory it took.
    pub(crate) fn merge(&mut self, other: &Self) -> usize {
        match other {
            Self::Few(hashes) => hashes.iter().map(|hash| self.add_hash(*hash)).sum(),
            Self::Many(others) => {
                let bytes = self.make_many();
                if let Self::Many(registers) = self {
                    for (own, other) in registers.iter_mut().zip(others) {
                        *own = (*own).max(*other);
                    }
                }
                bytes
            }
        }
    }

    /// Appends it as bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Few(hashes) => {
                out.push(0);
                put_words(hashes, out);
            }
            Self::Many(registers) => {
                out.push(1);
                put_bytes(registers, out);
            }
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        match bytes.byte()? {
            0 => {
                let hashes = bytes.words()?;
                let is_sound = hashes.len() <= DISTINCT_EXACT && hashes.is_sorted_by(|a, b| a < b);
                is_sound.then_some(Self::Few(hashes))
            }
            1 => {
                let registers = bytes.boxed()?;
                let fits = |register: &u8| u32::from(*register) <= COUNTED_BITS + 1;
                (registers.len() == REGISTERS && registers.iter().all(fits)).then_some(Self::Many(registers))
            }
            _ => None,
        }
    }

    fn add_hash(&mut self, hash: u64) -> usize {
        match self {
            Self::Many(registers) => {
                register(registers, hash);
                0
            }
            Self::Few(hashes) => {
                let Err(place) = hashes.binary_search(&hash) else { return 0 };
                if hashes.len() == DISTINCT_EXACT {
                    return self.make_many() + self.add_hash(hash);
                }
                let is_first = hashes.is_empty();
                let capacity = hashes.capacity();
                hashes.insert(place, hash);
                (hashes.capacity() - capacity) * size_of::<u64>()
                    + if is_first { size_of::<Self>() } else { 0 }
            }
        }
    }

    fn make_many(&mut self) -> usize {
        let Self::Few(hashes) = self else { return 0 };
        let mut registers = vec![0; REGISTERS].into_boxed_slice();
        for hash in hashes.iter() {
            register(&mut registers, *hash);
        }
        let bytes = REGISTERS.saturating_sub(hashes.capacity() * size_of::<u64>());
        *self = Self::Many(registers);
        bytes
    }

    /// How many there are, beyond [`DISTINCT_EXACT`] about how many.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Few(hashes) => hashes.len() as u64,
            // More than a few they are in any case.
            Self::Many(registers) => estimate(registers).max(DISTINCT_EXACT as u64 + 1),
        }
    }
}

fn register(registers: &mut [u8], hash: u64) {
    let counted = hash << REGISTER_BITS;
    let zeros = counted.leading_zeros().min(COUNTED_BITS) as u8;
    let register = &mut registers[(hash >> COUNTED_BITS) as usize];
    *register = (*register).max(zeros + 1);
}

/// Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6, which is without bias for few and for many
/// values. It only multiplies, adds and divides, so that every machine gives the same.
fn estimate(registers: &[u8]) -> u64 {
    /// 1 / (2 ln 2).
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let mut counts = [0_u32; COUNTED_BITS as usize + 2];
    for register in registers {
        counts[usize::from(*register)] += 1;
    }
    let registers = registers.len() as f64;
    // No register is ever full: that would take 2^52 values.
    let mut sum = 0.0;
    for count in counts[1..].iter().rev() {
        sum = (sum + f64::from(*count)) / 2.0;
    }
    sum += registers * sigma(f64::from(counts[0]) / registers);
    (ALPHA * registers * registers / sum + 0.5) as u64
}

/// x + the sum of x^(2^k) · 2^(k−1) over all k from 1.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut sum, mut weight) = (x, 1.0);
    loop {
        x *= x;
        let next = sum + x * weight;
        if next == sum {
            return sum;
        }
        sum = next;
        weight += weight;
    }
}

/// The same on every machine and in every version: partials may have been made elsewhere.
fn hash_of(cell: &Cell<'_>) -> u64 {
    match cell {
        Cell::Null => mixed(0),
        Cell::Bool(is) => mixed(mixed(1) ^ u64::from(*is)),
        Cell::Number(number) => {
            let amount = number.0.cast_unsigned();
            mixed(mixed(mixed(2) ^ amount as u64) ^ (amount >> 64) as u64)
        }
        Cell::Time(us) => mixed(mixed(3) ^ us),
        Cell::Text(text) => {
            let (words, rest) = text.as_bytes().as_chunks::<8>();
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            let start = mixed(mixed(4) ^ text.len() as u64);
            words.iter().chain([&last]).fold(start, |hash, word| mixed(hash ^ u64::from_le_bytes(*word)))
        }
    }
}

/// A change of one bit changes every bit with an even chance; no two numbers become the same.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;
    use proptest::prelude::*;

    fn of(numbers: impl Iterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        for number in numbers {
            distinct.add(&Cell::Number(Number::whole(number)));
        }
        distinct
    }

    #[test]
    fn few_are_counted_exactly() {
        for count in [0, 1, 2, 100, DISTINCT_EXACT as u64] {
            assert_eq!(of((0..count).chain(0..count)).count(), count);
        }
    }

    #[test]
    fn many_are_counted_within_the_error() {
        let mut worst: f64 = 0.0;
        let mut sum_of_squares = 0.0;
        for run in 0..40 {
            for count in [1025, 2000, 5000, 10_000, 20_000, 50_000] {
                let start = run << 40;
                let error = of(start..start + count).count() as f64 / count as f64 - 1.0;
                sum_of_squares += error * error / 240.0;
                worst = worst.max(error.abs());
            }
        }
        assert!(sum_of_squares < (1.1 * DISTINCT_ERROR) * (1.1 * DISTINCT_ERROR), "{sum_of_squares}");
        assert!(worst < 4.0 * DISTINCT_ERROR, "{worst}");
    }

    #[test]
    fn a_hash_is_the_same_everywhere() {
        for (cell, hash) in [
            (Cell::Null, 0xe220_a839_7b1d_cdaf),
            (Cell::Bool(true), 0xe9fd_6049_d65a_f21e),
            (Cell::Number(Number(1)), 0x90b9_6b4d_d23b_d6eb),
            (Cell::Number(Number(-1)), 0xefa8_2cae_000c_0253),
            (Cell::Time(1), 0xec4c_5bee_6270_11b3),
            (Cell::Text(""), 0x743d_4fd0_e0f2_0311),
            (Cell::Text("orders"), 0x5971_a42c_82cd_c116),
            (Cell::Text("orders/12"), 0xa1f0_1252_ecb7_a194),
        ] {
            assert_eq!(hash_of(&cell), hash, "{cell:?}");
        }
    }

    #[test]
    fn texts_that_differ_in_zeros_differ() {
        let mut distinct = Distinct::default();
        for text in ["", "\0", "\0\0", "\0\0\0\0\0\0\0\0", "a", "a\0"] {
            distinct.add(&Cell::Text(text));
        }
        assert_eq!(distinct.count(), 6);
    }

    #[test]
    fn memory_is_told_and_has_an_end() {
        let mut distinct = Distinct::default();
        let bytes: usize = (0..100_000).map(|number| distinct.add(&Cell::Time(number))).sum();
        assert!((4096..16_384).contains(&bytes), "{bytes}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            count in prop_oneof![0..20_u64, 1000..1100_u64, 3000..4000_u64],
            parts in 1..5_u64,
            seed: u64,
        ) {
            let part_of = |number: u64| mixed(number ^ seed) % parts;
            let mut merged = Distinct::default();
            for part in 0..parts {
                merged.merge(&of((0..count).filter(|number| part_of(*number) == part)));
            }
            prop_assert_eq!(merged, of(0..count));
        }
    }
}
