//! One field of one row, borrowed from the input, and the same kept.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;

use lockgate_event::Timestamp;

use crate::{Bar, Number};

/// One field of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing is there.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A moment, microseconds since 1970-01-01T00:00:00Z.
    Time(u64),
    /// A text.
    Text(&'a str),
}

/// A [`Cell`] that owns its text, or the result of a measure.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A moment, microseconds since 1970-01-01T00:00:00Z.
    Time(u64),
    /// A text.
    Text(Box<str>),
    /// Values with how often each is there, the most frequent first.
    Top(Vec<(Datum, u64)>),
    /// A histogram: its bars from least to greatest.
    Bars(Vec<Bar>),
}

impl Cell<'_> {
    /// Keeps the cell.
    #[must_use]
    pub fn to_datum(&self) -> Datum {
        match *self {
            Self::Null => Datum::Null,
            Self::Bool(is) => Datum::Bool(is),
            Self::Number(number) => Datum::Number(number),
            Self::Time(us) => Datum::Time(us),
            Self::Text(text) => Datum::Text(text.into()),
        }
    }

    /// Whether anything is there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The order of cells: nothing, then what is false or true, numbers, moments, texts; each kind in its own order.
    #[must_use]
    pub fn order(&self, other: &Cell<'_>) -> Ordering {
        match (self, other) {
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
            (Cell::Number(a), Cell::Number(b)) => a.cmp(b),
            (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Cell::Null => 0,
            Cell::Bool(_) => 1,
            Cell::Number(_) => 2,
            Cell::Time(_) => 3,
            Cell::Text(_) => 4,
        }
    }
}

impl Datum {
    /// Borrows it as a cell; a list is none.
    #[must_use]
    pub fn as_cell(&self) -> Option<Cell<'_>> {
        Some(match self {
            Self::Null => Cell::Null,
            Self::Bool(is) => Cell::Bool(*is),
            Self::Number(number) => Cell::Number(*number),
            Self::Time(us) => Cell::Time(*us),
            Self::Text(text) => Cell::Text(text),
            Self::Top(_) | Self::Bars(_) => return None,
        })
    }

    /// Appends it as plain text: nothing for null, moments by RFC 3339.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Bool(is) => out.extend_from_slice(if *is { b"true" } else { b"false" }),
            Self::Number(number) => number.write(out),
            Self::Time(us) => Timestamp::from_unix_us(*us).write_rfc3339(out),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Top(values) => {
                for (place, (value, count)) in values.iter().enumerate() {
                    start_item(place, out);
                    value.write_text(out);
                    write_count(*count, out);
                }
            }
            Self::Bars(bars) => {
                for (place, bar) in bars.iter().enumerate() {
                    start_item(place, out);
                    bar.lower.write(out);
                    out.extend_from_slice("…".as_bytes());
                    bar.upper.write(out);
                    write_count(bar.count, out);
                }
            }
        }
    }
}

fn start_item(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.extend_from_slice(b", ");
    }
}

fn write_count(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b" (");
    Number::whole(count).write(out);
    out.push(b')');
}
