//! The most frequent values, counted exactly. Memory has no end of its own: it is told, and the partial ends it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;

use hashbrown::HashMap;

use crate::bytes::{Bytes, put_bytes, put_length};
use crate::{Cell, Datum, key};

/// What a value takes beside its own bytes: its place in the table, the allocator's share.
const VALUE_BYTES: usize = 64;
/// Room for a value's bytes that is kept between two values.
const SCRATCH_BYTES: usize = 128;

/// How often each value is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Top {
    counts: HashMap<Box<[u8]>, u64>,
    scratch: Vec<u8>,
}

impl Top {
    /// Adds a value; returns the bytes of memory it took.
    pub(crate) fn add(&mut self, cell: &Cell<'_>) -> usize {
        key::put(cell, &mut self.scratch);
        let bytes = match self.counts.get_mut(&self.scratch[..]) {
            Some(count) => {
                *count += 1;
                0
            }
            None => self.insert(self.scratch.as_slice().into(), 1),
        };
        self.scratch.clear();
        self.scratch.shrink_to(SCRATCH_BYTES);
        bytes
    }

    /// Adds what another one has seen; returns the bytes of memory it took.
    pub(crate) fn merge(&mut self, other: Self) -> usize {
        let mut bytes = 0;
        for (value, count) in other.counts {
            match self.counts.get_mut(&value) {
                Some(own) => *own = own.saturating_add(count),
                None => bytes += self.insert(value, count),
            }
        }
        bytes
    }

    /// Appends it as bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_length(self.counts.len(), out);
        for (value, count) in &self.counts {
            put_bytes(value, out);
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let mut top = Self::default();
        for _ in 0..bytes.length()? {
            let (value, count) = (bytes.bytes().filter(|value| key::is_key(value, 1))?, bytes.u64()?);
            top.counts.insert(value.into(), count);
        }
        Some(top)
    }

    fn insert(&mut self, value: Box<[u8]>, count: u64) -> usize {
        let own_bytes = if self.counts.is_empty() { size_of::<Self>() + SCRATCH_BYTES } else { 0 };
        let bytes = value.len() + VALUE_BYTES + own_bytes;
        self.counts.insert(value, count);
        bytes
    }

    /// The most frequent values, of equally frequent ones the least first.
    pub(crate) fn most_frequent(&self, count: usize) -> Vec<(Datum, u64)> {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        counts.sort_unstable_by_key(|count| Reverse(*count));
        let Some(least) = counts.get(count.saturating_sub(1)).or(counts.last()).copied() else {
            return Vec::new();
        };
        let enough = self.counts.iter().filter(|(_, count)| **count >= least);
        let mut values: Vec<_> =
            enough.filter_map(|(value, count)| Some((key::data_of(value).pop()?, *count))).collect();
        values.sort_unstable_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        values.truncate(count);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use proptest::prelude::*;

    #[test]
    fn of_equally_frequent_values_the_least_comes_first() {
        let mut top = Top::default();
        for text in ["b", "c", "a", "c"] {
            top.add(&Cell::Text(text));
        }
        top.add(&Cell::Bool(true));
        let expected = [(Datum::Text("c".into()), 2), (Datum::Bool(true), 1), (Datum::Text("a".into()), 1)];
        assert_eq!(top.most_frequent(3), expected);
        assert_eq!(Top::default().most_frequent(3), []);
    }

    #[test]
    fn memory_is_told_once_for_each_value() {
        let mut top = Top::default();
        let long = "x".repeat(10_000);
        assert!((10_000..11_000).contains(&top.add(&Cell::Text(&long))));
        assert_eq!(top.add(&Cell::Text(&long)), 0);
        assert!(top.scratch.capacity() <= SCRATCH_BYTES);
        assert_eq!(Top::default().merge(top.clone()), Top::default().add(&Cell::Text(&long)));
        assert_eq!(top.clone().merge(top), 0);
    }

    proptest! {
        #[test]
        fn any_split_gives_what_plain_counting_gives(
            values in proptest::collection::vec(("[ab]{0,2}", 0..3_usize), 0..60),
            count in 1..10_usize,
        ) {
            let mut merged = Top::default();
            for part in 0..3 {
                let mut top = Top::default();
                for (text, _) in values.iter().filter(|(_, of)| *of == part) {
                    top.add(&Cell::Text(text));
                }
                merged.merge(top);
            }
            let mut plain = BTreeMap::<&String, u64>::new();
            for (text, _) in &values {
                *plain.entry(text).or_default() += 1;
            }
            let mut plain: Vec<_> =
                plain.into_iter().map(|(text, count)| (Datum::Text(text.as_str().into()), count)).collect();
            plain.sort_by_key(|(_, count)| Reverse(*count));
            plain.truncate(count);
            prop_assert_eq!(merged.most_frequent(count), plain);
        }
    }
}
