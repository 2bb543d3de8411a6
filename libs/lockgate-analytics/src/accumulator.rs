//! What is kept of a group's rows for one measure that is more than a count or a sum.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::bytes::{Bytes, put_bytes};
use crate::measure::Function;
use crate::sketch::{Distinct, Quantiles, Top};
use crate::{Cell, Datum, Number, key};

/// What has been seen so far.
#[derive(Clone, Debug)]
pub(crate) enum Accumulator {
    Mean { count: u64, sum: i128 },
    Min(Option<Datum>),
    Max(Option<Datum>),
    Quantiles(Box<Quantiles>),
    Distinct(Box<Distinct>),
    Top(Box<Top>),
}

impl Accumulator {
    /// Nothing seen yet; `None` for counts and sums, which are kept apart.
    pub(crate) fn new(function: Function) -> Option<Self> {
        Some(match function {
            Function::Count | Function::Sum => return None,
            Function::Mean => Self::Mean { count: 0, sum: 0 },
            Function::Min => Self::Min(None),
            Function::Max => Self::Max(None),
            Function::Quantile(_) | Function::Histogram => Self::Quantiles(Box::default()),
            Function::Distinct => Self::Distinct(Box::default()),
            Function::Top(_) => Self::Top(Box::default()),
        })
    }

    /// Adds a value; returns the bytes of memory it took, fewer than none where a longer text was given up.
    pub(crate) fn add(&mut self, cell: &Cell<'_>) -> isize {
        if cell.is_null() {
            return 0;
        }
        match (self, cell) {
            (Self::Mean { count, sum }, Cell::Number(number)) => {
                *count += 1;
                *sum = sum.saturating_add(number.0);
            }
            (Self::Min(least), cell) => return keep(least, cell, |order| order.is_lt()),
            (Self::Max(greatest), cell) => return keep(greatest, cell, |order| order.is_gt()),
            (Self::Quantiles(quantiles), Cell::Number(number)) => {
                return quantiles.add(*number).cast_signed();
            }
            (Self::Distinct(distinct), cell) => return distinct.add(cell).cast_signed(),
            (Self::Top(top), cell) => return top.add(cell).cast_signed(),
            _ => {}
        }
        0
    }

    /// Adds what another one has seen; returns the bytes of memory it took, as [`Self::add`] does.
    pub(crate) fn merge(&mut self, other: Self) -> isize {
        match (self, other) {
            (Self::Mean { count, sum }, Self::Mean { count: more, sum: other }) => {
                *count = count.saturating_add(more);
                *sum = sum.saturating_add(other);
            }
            (Self::Min(least), Self::Min(Some(other))) => {
                return keep_datum(least, other, |order| order.is_lt());
            }
            (Self::Max(greatest), Self::Max(Some(other))) => {
                return keep_datum(greatest, other, |order| order.is_gt());
            }
            (Self::Quantiles(quantiles), Self::Quantiles(other)) => {
                return quantiles.merge(&other).cast_signed();
            }
            (Self::Distinct(distinct), Self::Distinct(other)) => return distinct.merge(&other).cast_signed(),
            (Self::Top(top), Self::Top(other)) => return top.merge(*other).cast_signed(),
            _ => {}
        }
        0
    }

    /// Appends it as bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Mean { count, sum } => {
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(&sum.to_le_bytes());
            }
            Self::Min(kept) | Self::Max(kept) => {
                let mut bytes = Vec::new();
                kept.as_ref().and_then(Datum::as_cell).iter().for_each(|cell| key::put(cell, &mut bytes));
                put_bytes(&bytes, out);
            }
            Self::Quantiles(quantiles) => quantiles.write(out),
            Self::Distinct(distinct) => distinct.write(out),
            Self::Top(top) => top.write(out),
        }
    }

    /// Reads what [`Self::write`] wrote of one that was made for the same function.
    pub(crate) fn read(function: Function, bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(match Self::new(function)? {
            Self::Mean { .. } => Self::Mean { count: bytes.u64()?, sum: bytes.i128()? },
            Self::Min(_) => Self::Min(read_kept(bytes)?),
            Self::Max(_) => Self::Max(read_kept(bytes)?),
            Self::Quantiles(_) => Self::Quantiles(Box::new(Quantiles::read(bytes)?)),
            Self::Distinct(_) => Self::Distinct(Box::new(Distinct::read(bytes)?)),
            Self::Top(_) => Self::Top(Box::new(Top::read(bytes)?)),
        })
    }

    /// The result for the function the accumulator was made for.
    pub(crate) fn result(&self, function: Function) -> Datum {
        match (self, function) {
            (Self::Mean { count, sum }, _) => mean(*count, *sum),
            (Self::Min(value) | Self::Max(value), _) => value.clone().unwrap_or_default(),
            (Self::Quantiles(quantiles), Function::Quantile(millionths)) => {
                quantiles.quantile(millionths).map_or(Datum::Null, Datum::Number)
            }
            (Self::Quantiles(quantiles), Function::Histogram) => Datum::Bars(quantiles.histogram()),
            (Self::Distinct(distinct), _) => Datum::Number(Number::whole(distinct.count())),
            (Self::Top(top), Function::Top(count)) => Datum::Top(top.most_frequent(count)),
            _ => Datum::Null,
        }
    }
}

/// The outer `None`: damaged.
#[allow(clippy::option_option, reason = "nothing kept is no damage")]
fn read_kept(bytes: &mut Bytes<'_>) -> Option<Option<Datum>> {
    let kept = bytes.bytes()?;
    match kept {
        [] => Some(None),
        _ => key::is_key(kept, 1).then(|| key::data_of(kept).pop()),
    }
}

/// The mean, half rounded to even.
fn mean(count: u64, sum: i128) -> Datum {
    let count = i128::from(count);
    if count == 0 {
        return Datum::Null;
    }
    let (quotient, rest) = (sum.div_euclid(count), sum.rem_euclid(count));
    let up = rest * 2 > count || (rest * 2 == count && quotient % 2 != 0);
    Datum::Number(Number(quotient + i128::from(up)))
}

/// Keeps the better one; returns the bytes that its text takes more than that of the one before.
fn keep(kept: &mut Option<Datum>, cell: &Cell<'_>, is_better: fn(core::cmp::Ordering) -> bool) -> isize {
    let better = kept.as_ref().and_then(Datum::as_cell).is_none_or(|kept| is_better(cell.order(&kept)));
    if better { replace(kept, cell.to_datum()) } else { 0 }
}

fn keep_datum(kept: &mut Option<Datum>, other: Datum, is_better: fn(core::cmp::Ordering) -> bool) -> isize {
    match kept {
        Some(kept) if !is_better(other.cmp(kept)) => 0,
        _ => replace(kept, other),
    }
}

fn replace(kept: &mut Option<Datum>, other: Datum) -> isize {
    let before = text_bytes(kept.as_ref());
    *kept = Some(other);
    text_bytes(kept.as_ref()) - before
}

fn text_bytes(kept: Option<&Datum>) -> isize {
    match kept {
        Some(Datum::Text(text)) => text.len().cast_signed(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds values one after the other; returns the memory that is counted after each.
    fn counted(function: Function, cells: &[Cell<'_>]) -> Vec<isize> {
        let mut accumulator = Accumulator::new(function).unwrap();
        let added = |taken: &mut isize, cell| {
            *taken += accumulator.add(cell);
            Some(*taken)
        };
        cells.iter().scan(0, added).collect()
    }

    #[test]
    fn the_text_that_is_kept_is_counted() {
        let cells = ["b", "dddd", "aa", "c"].map(Cell::Text);
        assert_eq!(counted(Function::Max, &cells), [1, 4, 4, 4]);
        assert_eq!(counted(Function::Min, &cells), [1, 1, 2, 2]);
        let cells = [Cell::Text("long"), Cell::Number(Number(1)), Cell::Null];
        assert_eq!(counted(Function::Min, &cells), [4, 0, 0]);
        assert_eq!(counted(Function::Max, &cells), [4, 4, 4]);
    }

    #[test]
    fn the_text_of_another_one_is_counted_when_it_is_kept() {
        let of = |text: &str| Accumulator::Max(Some(Cell::Text(text).to_datum()));
        let mut accumulator = Accumulator::Max(None);
        let taken = ["bbb", "a", "cc"].map(|text| accumulator.merge(of(text)));
        assert_eq!(taken, [3, 0, -1]);
    }
}
