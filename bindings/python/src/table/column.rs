//! Columns of Arrow as cells, read where they are.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use lockgate_analytics::input::LINE_BYTES_MAX;
use lockgate_analytics::{Cell, Number};

use crate::report::{TIME_END_US, TOO_LARGE, TOO_LONG};

const SECOND_US: i128 = 1_000_000;
const DAY_US: i128 = 86_400 * SECOND_US;

/// From here on, numbers of 32 bits leave whole numbers out.
const WHOLE_SINGLE_END: f64 = 16_777_216.0;

/// What a row says in a column: a cell, or what is wrong with it.
type Said<'a> = Result<Cell<'a>, &'static str>;
/// Reads the rows of a column by their numbers.
pub(super) type Column<'a> = Box<dyn Fn(usize) -> Said<'a> + 'a>;

/// Whether a column of this type says values.
pub(super) fn says_values(kind: &DataType) -> bool {
    use DataType as D;
    match kind {
        D::Dictionary(_, values) => !matches!(**values, D::Dictionary(..)) && says_values(values),
        D::Null | D::Boolean | D::Utf8 | D::LargeUtf8 | D::Utf8View => true,
        D::Timestamp(..) | D::Date32 | D::Date64 => true,
        kind => kind.is_numeric(),
    }
}

/// Whether a column holds what must be looked at before it is believed: texts, and keys of a dictionary.
pub(super) fn is_to_be_checked(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..))
}

/// The rows of a column, of a type that [says values](says_values).
pub(super) fn column(array: &dyn Array) -> Column<'_> {
    use DataType as D;
    match array.data_type() {
        D::Boolean => cells(array.as_boolean(), |is| Ok(Cell::Bool(is))),
        D::Int8 => integers::<Int8Type>(array),
        D::Int16 => integers::<Int16Type>(array),
        D::Int32 => integers::<Int32Type>(array),
        D::Int64 => integers::<Int64Type>(array),
        D::UInt8 => integers::<UInt8Type>(array),
        D::UInt16 => integers::<UInt16Type>(array),
        D::UInt32 => integers::<UInt32Type>(array),
        D::UInt64 => {
            cells(array.as_primitive::<UInt64Type>(), |number| Ok(Cell::Number(Number::whole(number))))
        }
        D::Float16 => cells(array.as_primitive::<Float16Type>(), |number| single(number.to_f32())),
        D::Float32 => cells(array.as_primitive::<Float32Type>(), single),
        D::Float64 => cells(array.as_primitive::<Float64Type>(), |number| float(number, Number::from_f64)),
        D::Decimal32(_, scale) => decimals::<Decimal32Type>(array, *scale),
        D::Decimal64(_, scale) => decimals::<Decimal64Type>(array, *scale),
        D::Decimal128(_, scale) => decimals::<Decimal128Type>(array, *scale),
        D::Decimal256(_, scale) => decimals::<Decimal256Type>(array, *scale),
        D::Timestamp(TimeUnit::Second, _) => moments::<TimestampSecondType>(array, |at| at * SECOND_US),
        D::Timestamp(TimeUnit::Millisecond, _) => moments::<TimestampMillisecondType>(array, |at| at * 1000),
        D::Timestamp(TimeUnit::Microsecond, _) => moments::<TimestampMicrosecondType>(array, |at| at),
        D::Timestamp(TimeUnit::Nanosecond, _) => {
            moments::<TimestampNanosecondType>(array, |at| at.div_euclid(1000))
        }
        D::Date32 => moments::<Date32Type>(array, |day| day * DAY_US),
        D::Date64 => moments::<Date64Type>(array, |at| at * 1000),
        D::Utf8 => cells(array.as_string::<i32>(), text),
        D::LargeUtf8 => cells(array.as_string::<i64>(), text),
        D::Utf8View => cells(array.as_string_view(), text),
        D::Dictionary(keys, _) => dictionary(array, keys),
        _ => Box::new(|_| Ok(Cell::Null)),
    }
}

/// The values of an array by `cell`; null for null.
fn cells<'a, A>(array: A, cell: impl Fn(A::Item) -> Said<'a> + 'a) -> Column<'a>
where
    A: ArrayAccessor + 'a,
{
    Box::new(move |row| if array.is_null(row) { Ok(Cell::Null) } else { cell(array.value(row)) })
}

fn text(text: &str) -> Said<'_> {
    if text.len() > LINE_BYTES_MAX { Err(TOO_LONG) } else { Ok(Cell::Text(text)) }
}

fn integers<'a, T: ArrowPrimitiveType>(array: &'a dyn Array) -> Column<'a>
where
    i64: From<T::Native>,
{
    cells(array.as_primitive::<T>(), |number| Ok(Cell::Number(Number::from(i64::from(number)))))
}

fn single<'a>(number: f32) -> Said<'a> {
    // Its own shortest decimal form, not that of the longer number which it also is.
    float(number.into(), |long| {
        if long.fract() == 0.0 && long.abs() < WHOLE_SINGLE_END {
            Number::from_f64(long)
        } else {
            format!("{number:e}").parse().ok()
        }
    })
}

/// What is no number is nothing: pandas has no other word for it.
fn float<'a>(number: f64, read: impl Fn(f64) -> Option<Number>) -> Said<'a> {
    if !number.is_finite() {
        return Ok(Cell::Null);
    }
    read(number).map(Cell::Number).ok_or(TOO_LARGE)
}

fn decimals<'a, T: DecimalType>(array: &'a dyn Array, scale: i8) -> Column<'a>
where
    T::Native: std::fmt::Display,
{
    cells(array.as_primitive::<T>(), move |digits| {
        let written = format!("{digits}e{}", -i16::from(scale));
        written.parse().map(Cell::Number).map_err(|_| TOO_LARGE)
    })
}

fn moments<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, us: impl Fn(i128) -> i128 + 'a) -> Column<'a>
where
    i128: From<T::Native>,
{
    let moment = move |at| match u64::try_from(us(i128::from(at))) {
        Ok(us @ 0..TIME_END_US) => Cell::Time(us),
        _ => Cell::Null,
    };
    cells(array.as_primitive::<T>(), move |at| Ok(moment(at)))
}

fn dictionary<'a>(array: &'a dyn Array, kind: &DataType) -> Column<'a> {
    let dictionary = array.as_any_dictionary();
    let keys = dictionary.keys();
    let values = column(dictionary.values());
    match kind {
        DataType::Int8 => through(keys.as_primitive::<Int8Type>(), values),
        DataType::Int16 => through(keys.as_primitive::<Int16Type>(), values),
        DataType::Int32 => through(keys.as_primitive::<Int32Type>(), values),
        DataType::UInt8 => through(keys.as_primitive::<UInt8Type>(), values),
        DataType::UInt16 => through(keys.as_primitive::<UInt16Type>(), values),
        DataType::UInt32 => through(keys.as_primitive::<UInt32Type>(), values),
        DataType::UInt64 => through(keys.as_primitive::<UInt64Type>(), values),
        _ => through(keys.as_primitive::<Int64Type>(), values),
    }
}

/// Values by their keys, which have been checked to lie within.
fn through<'a, T: ArrowPrimitiveType>(keys: &'a PrimitiveArray<T>, values: Column<'a>) -> Column<'a>
where
    usize: TryFrom<T::Native>,
{
    cells(keys, move |key| usize::try_from(key).map_or(Ok(Cell::Null), &values))
}
