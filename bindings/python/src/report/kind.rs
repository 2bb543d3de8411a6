//! What a column holds, and with it which type its values have in Arrow and in Python.
//!
//! | column | Arrow | Python |
//! |---|---|---|
//! | `count`, `distinct` | `int64` | `int` |
//! | `mean`, quantiles, bounds of histograms | `float64` | `float` |
//! | other numbers: sums, least and greatest values, fields | the first that says all of them exactly: `int64`, `uint64`, `float64`, `decimal128(38, 6)` | `int`, `float`, `Decimal` |
//!
//! A column of values of different kinds is text in Arrow, and has each value as it is in Python.

use lockgate_analytics::{Datum, Function, Number, Report};

/// Millionths in one.
const ONE: i128 = 1_000_000;
/// The first number of millionths that has more digits than `decimal128` has.
const DECIMAL_END: u128 = 10_u128.pow(38);

/// What a column holds, nulls apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but nulls.
    Null,
    Bool,
    Int64,
    UInt64,
    Float64,
    Decimal,
    Time,
    Text,
    /// Values of several kinds.
    Mixed,
    /// Values with how often each is there.
    Top(Box<Self>),
    Bars,
}

impl Kind {
    /// What a column of a report holds.
    pub(super) fn of_column(report: &Report, column: usize) -> Self {
        let data = || report.rows.iter().filter_map(|row| row.get(column));
        let measure = report.columns[column].measure.as_ref();
        match measure.map(|measure| measure.function) {
            Some(Function::Count | Function::Distinct) => Self::Int64,
            Some(Function::Mean | Function::Quantile(_)) => Self::Float64,
            Some(Function::Histogram) => Self::Bars,
            Some(Function::Top(_)) => {
                let values =
                    data().filter_map(|datum| if let Datum::Top(all) = datum { Some(all) } else { None });
                Self::Top(Box::new(Self::of_data(values.flatten().map(|(value, _)| value))))
            }
            Some(Function::Sum) => Self::of_numbers(data()),
            Some(Function::Min | Function::Max) | None => Self::of_data(data()),
        }
    }

    fn of_data<'d>(data: impl Iterator<Item = &'d Datum> + Clone) -> Self {
        let mut kinds = data.clone().filter_map(|datum| match datum {
            Datum::Null => None,
            Datum::Bool(_) => Some(Self::Bool),
            Datum::Number(_) => Some(Self::Int64),
            Datum::Time(_) => Some(Self::Time),
            Datum::Text(_) => Some(Self::Text),
            Datum::Top(_) | Datum::Bars(_) => Some(Self::Mixed),
        });
        let Some(first) = kinds.next() else { return Self::Null };
        if kinds.any(|kind| kind != first) {
            return Self::Mixed;
        }
        if first == Self::Int64 { Self::of_numbers(data) } else { first }
    }

    /// The first kind that says all numbers exactly.
    fn of_numbers<'d>(data: impl Iterator<Item = &'d Datum> + Clone) -> Self {
        let numbers =
            data.filter_map(|datum| if let Datum::Number(number) = datum { Some(*number) } else { None });
        let all = |says: fn(Number) -> bool| numbers.clone().all(says);
        if all(|number| as_i64(number).is_some()) {
            Self::Int64
        } else if all(|number| number.as_whole().is_some()) {
            Self::UInt64
        } else if all(|number| Number::from_f64(number.to_f64()) == Some(number)) {
            Self::Float64
        } else if all(|number| number.0.unsigned_abs() < DECIMAL_END) {
            Self::Decimal
        } else {
            Self::Mixed
        }
    }
}

/// The whole number this is, if it is one of 64 bits.
pub(super) fn as_i64(number: Number) -> Option<i64> {
    if number.0 % ONE == 0 { i64::try_from(number.0 / ONE).ok() } else { None }
}
