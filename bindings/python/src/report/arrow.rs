//! Reports as a table of Arrow.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray, NullArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, Field, Fields, Schema};
use lockgate_analytics::{Bar, Datum, Number, Report};

use super::kind::{Kind, as_i64};

/// Digits of a decimal, and how many of them stand behind the point.
const DECIMAL: (u8, i8) = (38, 6);

/// All rows as one batch.
pub(super) fn batch(report: &Report, kinds: &[Kind]) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (at, (column, kind)) in report.columns.iter().zip(kinds).enumerate() {
        let data: Vec<&Datum> = report.rows.iter().filter_map(|row| row.get(at)).collect();
        let array = array(kind, &data)?;
        fields.push(Field::new(&*column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn array(kind: &Kind, data: &[&Datum]) -> Result<ArrayRef, ArrowError> {
    let numbers = || data.iter().map(|datum| number(datum));
    Ok(match kind {
        Kind::Null => Arc::new(NullArray::new(data.len())),
        Kind::Bool => {
            let is = |datum: &&Datum| if let Datum::Bool(is) = datum { Some(*is) } else { None };
            Arc::new(data.iter().map(is).collect::<BooleanArray>())
        }
        Kind::Int64 => Arc::new(numbers().map(|number| as_i64(number?)).collect::<Int64Array>()),
        Kind::UInt64 => Arc::new(numbers().map(|number| number?.as_whole()).collect::<UInt64Array>()),
        Kind::Float64 => Arc::new(numbers().map(|number| Some(number?.to_f64())).collect::<Float64Array>()),
        Kind::Decimal => {
            let amounts = numbers().map(|number| Some(number?.0)).collect::<Decimal128Array>();
            Arc::new(amounts.with_precision_and_scale(DECIMAL.0, DECIMAL.1)?)
        }
        Kind::Time => {
            let moment =
                |datum: &&Datum| if let Datum::Time(us) = datum { i64::try_from(*us).ok() } else { None };
            let moments = data.iter().map(moment).collect::<TimestampMicrosecondArray>();
            Arc::new(moments.with_timezone("UTC"))
        }
        Kind::Text => {
            let text =
                |datum: &&'_ Datum| if let Datum::Text(text) = datum { Some(text.clone()) } else { None };
            Arc::new(data.iter().map(text).collect::<StringArray>())
        }
        Kind::Mixed => Arc::new(data.iter().map(|datum| written(datum)).collect::<StringArray>()),
        Kind::Top(kind) => tops(kind, data)?,
        Kind::Bars => bars(data)?,
    })
}

fn number(datum: &Datum) -> Option<Number> {
    if let Datum::Number(number) = datum { Some(*number) } else { None }
}

/// A value as text; null for null.
fn written(datum: &Datum) -> Option<String> {
    let mut text = Vec::new();
    datum.write_text(&mut text);
    String::from_utf8(text).ok().filter(|_| !matches!(datum, Datum::Null))
}

fn top_of<'d>(datum: &&'d Datum) -> &'d [(Datum, u64)] {
    if let Datum::Top(values) = datum { values } else { &[] }
}

fn bars_of<'d>(datum: &&'d Datum) -> &'d [Bar] {
    if let Datum::Bars(bars) = datum { bars } else { &[] }
}

fn tops(kind: &Kind, data: &[&Datum]) -> Result<ArrayRef, ArrowError> {
    let all = || data.iter().flat_map(top_of);
    let values: Vec<&Datum> = all().map(|(value, _)| value).collect();
    let counts = all().map(|(_, count)| count_of(*count)).collect::<Int64Array>();
    lists(
        data.iter().map(|datum| top_of(datum).len()),
        vec![("value", array(kind, &values)?), ("count", Arc::new(counts))],
    )
}

fn bars(data: &[&Datum]) -> Result<ArrayRef, ArrowError> {
    let bounds = |bound: fn(&Bar) -> Number| -> ArrayRef {
        Arc::new(data.iter().flat_map(bars_of).map(|bar| Some(bound(bar).to_f64())).collect::<Float64Array>())
    };
    let counts = data.iter().flat_map(bars_of).map(|bar| count_of(bar.count)).collect::<Int64Array>();
    lists(
        data.iter().map(|datum| bars_of(datum).len()),
        vec![
            ("lower", bounds(|bar| bar.lower)),
            ("upper", bounds(|bar| bar.upper)),
            ("count", Arc::new(counts)),
        ],
    )
}

fn count_of(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

/// Lists of records, so long each.
fn lists(
    lengths: impl Iterator<Item = usize>,
    columns: Vec<(&'static str, ArrayRef)>,
) -> Result<ArrayRef, ArrowError> {
    let field = |(name, array): &(&'static str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let fields: Fields = columns.iter().map(field).collect();
    let records = StructArray::try_new(fields, columns.into_iter().map(|(_, array)| array).collect(), None)?;
    let item = Arc::new(Field::new_list_field(records.data_type().clone(), true));
    let offsets = OffsetBuffer::<i32>::try_from_lengths(lengths)
        .map_err(|error| ArrowError::ComputeError(error.to_string()))?;
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(records), None)?))
}
