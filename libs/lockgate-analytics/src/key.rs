//! The key of a group as bytes: equal for equal cells, and read back when the report is made.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::{Cell, Datum, Number};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const WHOLE: u8 = 3;
const NUMBER: u8 = 4;
const TIME: u8 = 5;
const TEXT: u8 = 6;

/// Appends a cell.
#[inline]
pub(crate) fn put(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => out.push(NULL),
        Cell::Bool(false) => out.push(FALSE),
        Cell::Bool(true) => out.push(TRUE),
        Cell::Number(number) => put_number(*number, out),
        Cell::Time(us) => {
            out.push(TIME);
            out.extend_from_slice(&us.to_le_bytes());
        }
        Cell::Text(text) => {
            out.push(TEXT);
            // Input is read in pieces far smaller than this.
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn put_number(number: Number, out: &mut Vec<u8>) {
    match i64::try_from(number.0) {
        Ok(short) => {
            let mut bytes = [WHOLE; 9];
            bytes[1..].copy_from_slice(&short.to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        Err(_) => {
            out.push(NUMBER);
            out.extend_from_slice(&number.0.to_le_bytes());
        }
    }
}

/// A key in two words, where it is short; what tells a long one from most others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedKey([u64; 2]);

/// Second word of keys that are too long.
const LONG: u64 = u64::MAX;
/// Longest key that is packed as it is, bytes; the sixteenth is for the length.
const PACKED_MAX: usize = 15;

impl PackedKey {
    /// The key of a single cell, where that is a number of common size.
    #[inline(always)]
    pub(crate) fn of_number(cell: &Cell<'_>) -> Option<Self> {
        let Cell::Number(number) = cell else { return None };
        let short = i64::try_from(number.0).ok()?;
        Some(Self([short.cast_unsigned(), WHOLE.into()]))
    }

    /// Packs a key.
    #[inline]
    pub(crate) fn of(key: &[u8], hash: impl FnOnce(&[u8]) -> u64) -> Self {
        match key {
            [WHOLE, number @ ..] if number.len() == 8 => {
                Self([number.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)), WHOLE.into()])
            }
            _ if key.len() <= PACKED_MAX => {
                let mut bytes = [0; 16];
                bytes[..key.len()].copy_from_slice(key);
                let word = u128::from_le_bytes(bytes);
                Self([word as u64, (word >> 64) as u64 | (key.len() as u64 + 1) << 56])
            }
            _ => Self([hash(key), LONG]),
        }
    }

    /// Whether equal packed keys may still differ.
    #[inline(always)]
    pub(crate) fn is_long(self) -> bool {
        self.0[1] == LONG
    }
}

impl Hash for PackedKey {
    #[inline(always)]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0[0]);
        hasher.write_u64(self.0[1]);
    }
}

/// Whether bytes are a key of so many cells, written as [`put`] writes them.
pub(crate) fn is_key(bytes: &[u8], cells: usize) -> bool {
    let data = data_of(bytes);
    let mut written = Vec::with_capacity(bytes.len());
    data.iter().filter_map(Datum::as_cell).for_each(|cell| put(&cell, &mut written));
    data.len() == cells && written == bytes
}

/// Reads back the cells of a key.
pub(crate) fn data_of(mut key: &[u8]) -> Vec<Datum> {
    let mut data = Vec::new();
    while let Some((datum, rest)) = datum_of(key) {
        data.push(datum);
        key = rest;
    }
    data
}

fn datum_of(key: &[u8]) -> Option<(Datum, &[u8])> {
    let (&tag, rest) = key.split_first()?;
    Some(match tag {
        NULL => (Datum::Null, rest),
        FALSE => (Datum::Bool(false), rest),
        TRUE => (Datum::Bool(true), rest),
        WHOLE => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (Datum::Number(Number(i64::from_le_bytes(*bytes).into())), rest)
        }
        NUMBER => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (Datum::Number(Number(i128::from_le_bytes(*bytes))), rest)
        }
        TIME => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (Datum::Time(u64::from_le_bytes(*bytes)), rest)
        }
        TEXT => {
            let (bytes, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*bytes) as usize)?;
            (Datum::Text(core::str::from_utf8(text).ok()?.into()), rest)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_datum() -> impl Strategy<Value = Datum> {
        prop_oneof![
            Just(Datum::Null),
            any::<bool>().prop_map(Datum::Bool),
            any::<i64>().prop_map(|number| Datum::Number(Number(number.into()))),
            any::<i128>().prop_map(|number| Datum::Number(Number(number))),
            any::<u64>().prop_map(Datum::Time),
            ".{0,20}".prop_map(|text| Datum::Text(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn a_key_gives_back_its_cells(data in proptest::collection::vec(any_datum(), 0..6)) {
            let mut key = Vec::new();
            data.iter().filter_map(Datum::as_cell).for_each(|cell| put(&cell, &mut key));
            prop_assert_eq!(data_of(&key), data);
        }

        #[test]
        fn keys_are_packed_alike_only_if_they_are_equal(a in proptest::collection::vec(0_u8..7, 0..17), b in proptest::collection::vec(0_u8..7, 0..17)) {
            let pack = |key: &[u8]| PackedKey::of(key, |_| 0);
            prop_assert!(pack(&a) != pack(&b) || a == b || pack(&a).is_long());
            prop_assert_eq!(pack(&a).is_long(), a.len() > PACKED_MAX);
        }

        #[test]
        fn a_number_is_packed_as_its_key_is(number: i64) {
            let cell = Cell::Number(Number(number.into()));
            let mut key = Vec::new();
            put(&cell, &mut key);
            prop_assert_eq!(PackedKey::of_number(&cell), Some(PackedKey::of(&key, |_| 0)));
        }
    }
}
