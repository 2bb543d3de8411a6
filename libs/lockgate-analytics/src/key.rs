//! The key of a group as bytes: equal for equal cells, and read back when the report is made.

use alloc::vec::Vec;

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
    }
}
