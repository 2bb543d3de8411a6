//! Quantiles by a histogram whose buckets grow with the values: 256 for each doubling, so that a bucket is narrower than 1/256 of what is in it.

use alloc::vec::Vec;

use crate::Number;
use crate::bytes::{Bytes, put_words};

/// Largest relative error of a quantile.
pub const QUANTILE_ERROR: f64 = 1.0 / 256.0;

/// log2 of the buckets for each doubling.
const FINENESS: u32 = 8;
/// Bits of a count: more than three years at a million values a second.
const COUNT_BITS: u32 = 48;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

/// What is known of many values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quantiles {
    least: Number,
    greatest: Number,
    /// In ascending order: the number of a bucket above the count of the values in it.
    buckets: Vec<u64>,
}

impl Quantiles {
    /// Adds a value; returns the bytes of memory it took.
    pub(crate) fn add(&mut self, number: Number) -> usize {
        let capacity = self.capacity_bytes();
        if self.buckets.is_empty() {
            (self.least, self.greatest) = (number, number);
        } else {
            self.least = self.least.min(number);
            self.greatest = self.greatest.max(number);
        }
        let bucket = bucket_of(number);
        match self.buckets.binary_search_by_key(&bucket, |entry| bucket_in(*entry)) {
            Ok(place) => self.buckets[place] = counted(self.buckets[place], 1),
            Err(place) => self.buckets.insert(place, entry(bucket, 1)),
        }
        self.capacity_bytes() - capacity
    }

    /// Adds what another one has seen; returns the bytes of memory it took.
    pub(crate) fn merge(&mut self, other: &Self) -> usize {
        if other.buckets.is_empty() {
            return 0;
        }
        let capacity = self.capacity_bytes();
        if self.buckets.is_empty() {
            self.clone_from(other);
            return self.capacity_bytes() - capacity;
        }
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        let mut merged = Vec::with_capacity(self.buckets.len().max(other.buckets.len()));
        let mut others = other.buckets.iter().copied().peekable();
        for &own in &self.buckets {
            while let Some(before) = others.next_if(|other| bucket_in(*other) < bucket_in(own)) {
                merged.push(before);
            }
            let same = others.next_if(|other| bucket_in(*other) == bucket_in(own));
            merged.push(counted(own, same.map_or(0, count_in)));
        }
        merged.extend(others);
        self.buckets = merged;
        self.capacity_bytes().saturating_sub(capacity)
    }

    /// Appends it as bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.least.0.to_le_bytes());
        out.extend_from_slice(&self.greatest.0.to_le_bytes());
        put_words(&self.buckets, out);
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let (least, greatest) = (Number(bytes.i128()?), Number(bytes.i128()?));
        let buckets = bytes.words()?;
        let is_sound = match (buckets.first(), buckets.last()) {
            (Some(first), Some(last)) => {
                let ends = [bucket_in(*first), bucket_in(*last)];
                least <= greatest
                    && ends == [bucket_of(least), bucket_of(greatest)]
                    && buckets.is_sorted_by(|a, b| bucket_in(*a) < bucket_in(*b))
            }
            _ => (least, greatest) == (Number::default(), Number::default()),
        };
        is_sound.then_some(Self { least, greatest, buckets })
    }

    /// Memory behind it and of itself, once there is something.
    fn capacity_bytes(&self) -> usize {
        match self.buckets.capacity() {
            0 => 0,
            entries => size_of::<Self>() + entries * size_of::<u64>(),
        }
    }

    /// The value that so many millionths of the values do not exceed; exact for the least and the greatest value.
    pub(crate) fn quantile(&self, millionths: u32) -> Option<Number> {
        let count: u128 = self.counts().map(|(_, count)| u128::from(count)).sum();
        let rank = (count * u128::from(millionths)).div_ceil(1_000_000).max(1);
        if rank >= count {
            return (count > 0).then_some(self.greatest);
        }
        if rank == 1 {
            return Some(self.least);
        }
        let mut seen = 0;
        let (value, _) = self.counts().find(|(_, count)| {
            seen += u128::from(*count);
            seen >= rank
        })?;
        Some(value)
    }

    /// Values that stand for the buckets, ascending, with the number of values in each.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Number, u64)> {
        self.buckets
            .iter()
            .map(|entry| (value_of(bucket_in(*entry)).clamp(self.least, self.greatest), count_in(*entry)))
    }
}

/// Buckets are numbered in the order of their values.
fn entry(bucket: i16, count: u64) -> u64 {
    (u64::from(bucket.cast_unsigned() ^ 0x8000) << COUNT_BITS) | count.min(COUNT_MAX)
}

fn bucket_in(entry: u64) -> i16 {
    ((entry >> COUNT_BITS) as u16 ^ 0x8000).cast_signed()
}

fn count_in(entry: u64) -> u64 {
    entry & COUNT_MAX
}

fn counted(own: u64, more: u64) -> u64 {
    entry(bucket_in(own), count_in(own).saturating_add(more))
}

/// Amounts below 512 millionths have buckets of their own, each doubling above has 256; negative numbers mirror them.
fn bucket_of(number: Number) -> i16 {
    let amount = number.0.unsigned_abs();
    let shift = amount.max(1).ilog2().saturating_sub(FINENESS);
    // At most 119 doublings: the number fits.
    let bucket = ((shift << FINENESS) + (amount >> shift) as u32) as i16;
    if number.0 < 0 { -bucket } else { bucket }
}

/// The value of fewest digits in a bucket, and of several the middle one.
fn value_of(bucket: i16) -> Number {
    let number = u32::from(bucket.unsigned_abs());
    let shift = (number >> FINENESS).saturating_sub(1);
    let lower = u128::from(number - (shift << FINENESS)) << shift;
    let last = lower + ((1 << shift) - 1);
    let middle = lower + (last - lower) / 2;
    let mut value = middle;
    let mut unit = 10_u128;
    while let Some(rounder) = nearest(middle, unit).filter(|value| (lower..=last).contains(value)) {
        value = rounder;
        unit = unit.saturating_mul(10);
    }
    let value = i128::try_from(value).unwrap_or(i128::MAX);
    Number(if bucket < 0 { -value } else { value })
}

fn nearest(value: u128, unit: u128) -> Option<u128> {
    let below = value / unit * unit;
    let is_below = value - below < unit - unit / 2;
    if value < unit / 2 { None } else { Some(if is_below { below } else { below.checked_add(unit)? }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[i128]) -> Quantiles {
        let mut quantiles = Quantiles::default();
        for value in values {
            quantiles.add(Number(*value));
        }
        quantiles
    }

    fn any_amount() -> impl Strategy<Value = i128> {
        (any::<i128>(), 0..128_u32).prop_map(|(amount, shift)| amount >> shift)
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(of(&[]).quantile(500_000), None);
        assert_eq!(of(&[]).counts().count(), 0);
    }

    #[test]
    fn whole_numbers_to_256_are_exact() {
        let values: Vec<_> = (0..=256).map(|number| number * 1_000_000).collect();
        let quantiles = of(&values);
        for number in 0..=256_u32 {
            // 257 values: the one of rank n + 1 is n.
            let millionths = (u64::from(number + 1) * 1_000_000 / 257) as u32;
            assert_eq!(quantiles.quantile(millionths), Some(Number::whole(number.into())), "{number}");
        }
    }

    #[test]
    fn what_is_told_has_few_digits() {
        let values: Vec<_> = (0..10_000).map(|number| number * 1_000_000).collect();
        let quantiles = of(&values);
        let told =
            [500_000, 900_000, 990_000, 999_900].map(|millionths| quantiles.quantile(millionths).unwrap());
        assert_eq!(told.map(Number::as_whole), [Some(4990), Some(9000), Some(9900), Some(9980)]);
    }

    #[test]
    fn a_few_values_take_little_memory() {
        let mut quantiles = Quantiles::default();
        let bytes: usize = [5, 5, 7, -1].into_iter().map(|number| quantiles.add(Number(number))).sum();
        assert_eq!(bytes, quantiles.capacity_bytes());
        assert!(bytes <= 128, "{bytes}");
    }

    #[test]
    fn memory_has_an_end_whatever_the_values() {
        let mut quantiles = Quantiles::default();
        let mut bytes = 0;
        for shift in 0..127 {
            for step in 0..=512 {
                let amount = (1_i128 << shift).saturating_add(((1_i128 << shift) >> 9) * step);
                bytes += quantiles.add(Number(amount)) + quantiles.add(Number(-amount));
            }
        }
        assert_eq!(bytes, quantiles.capacity_bytes());
        assert!(bytes < 1 << 20, "{bytes}");
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_its_error(
            mut values in proptest::collection::vec(any_amount(), 1..50),
            millionths in 0..=1_000_000_u32,
        ) {
            let told = of(&values).quantile(millionths).unwrap().0;
            values.sort_unstable();
            let rank = (values.len() as u64 * u64::from(millionths)).div_ceil(1_000_000).max(1) as usize;
            let exact = values[rank - 1];
            prop_assert!(told.abs_diff(exact) <= exact.unsigned_abs() / 256, "{} for {}", told, exact);
        }

        #[test]
        fn a_value_lies_in_its_bucket(amount in any_amount()) {
            let bucket = bucket_of(Number(amount));
            prop_assert_eq!(bucket_of(value_of(bucket)), bucket);
            prop_assert_eq!(bucket_in(entry(bucket, 7)), bucket);
        }

        #[test]
        fn buckets_are_in_the_order_of_values(a in any_amount(), b in any_amount()) {
            prop_assert!(a > b || bucket_of(Number(a)) <= bucket_of(Number(b)));
        }

        #[test]
        fn any_split_gives_the_same(
            values in proptest::collection::vec((any_amount(), 0..4_usize), 0..60),
        ) {
            let whole = of(&values.iter().map(|(value, _)| *value).collect::<Vec<_>>());
            let mut merged = Quantiles::default();
            let mut bytes = 0;
            for part in 0..4 {
                let of_part: Vec<_> =
                    values.iter().filter(|(_, of)| *of == part).map(|(value, _)| *value).collect();
                bytes += merged.merge(&of(&of_part));
            }
            prop_assert_eq!(&merged.buckets, &whole.buckets);
            prop_assert_eq!((merged.least, merged.greatest), (whole.least, whole.greatest));
            prop_assert!(bytes >= merged.capacity_bytes());
        }
    }
}
