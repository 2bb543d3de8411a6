//! Reports as JSON (RFC 8259): numbers exact, moments as RFC 3339 texts.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::{Datum, Number, Report};

/// Appends one JSON array with an object per row, one on each line.
pub fn write_json(report: &Report, out: &mut Vec<u8>) {
    let names = names(report);
    out.push(b'[');
    for (place, row) in report.rows.iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b",\n ");
        }
        write_row(&names, row, out);
    }
    out.extend_from_slice(b"]\n");
}

/// Appends one JSON object per line.
pub fn write_ndjson(report: &Report, out: &mut Vec<u8>) {
    let names = names(report);
    for row in &report.rows {
        write_row(&names, row, out);
        out.push(b'\n');
    }
}

/// The names of the columns as they stand in every object.
fn names(report: &Report) -> Vec<Vec<u8>> {
    let name = |text: &str| {
        let mut name = Vec::new();
        write_text(text, &mut name);
        name.push(b':');
        name
    };
    report.columns.iter().map(|column| name(&column.name)).collect()
}

fn write_row(names: &[Vec<u8>], row: &[Datum], out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (name, datum)) in names.iter().zip(row).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        write_datum(datum, out);
    }
    out.push(b'}');
}

fn write_datum(datum: &Datum, out: &mut Vec<u8>) {
    match datum {
        Datum::Null => out.extend_from_slice(b"null"),
        Datum::Bool(_) | Datum::Number(_) => datum.write_text(out),
        Datum::Time(_) => {
            out.push(b'"');
            datum.write_text(out);
            out.push(b'"');
        }
        Datum::Text(text) => write_text(text, out),
        Datum::Top(values) => write_list(values, out, |(value, count), out| {
            out.extend_from_slice(b"{\"value\":");
            write_datum(value, out);
            write_count(*count, out);
        }),
        Datum::Bars(bars) => write_list(bars, out, |bar, out| {
            out.extend_from_slice(b"{\"lower\":");
            bar.lower.write(out);
            out.extend_from_slice(b",\"upper\":");
            bar.upper.write(out);
            write_count(bar.count, out);
        }),
    }
}

fn write_list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_count(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"count\":");
    Number::whole(count).write(out);
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            // DEL may stand as it is, but a terminal takes it for a command.
            0..0x20 | 0x7f => {
                // Writing to memory cannot fail.
                let _ = write!(Bytes(out), "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bar;
    use crate::report::tests::report;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use proptest::prelude::*;

    fn json(report: &Report) -> String {
        let mut out = Vec::new();
        write_json(report, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn usage_reads_as_an_array_of_users() {
        let row = |user, count, total: &str| {
            vec![user, Datum::Number(Number::whole(count)), Datum::Number(total.parse().unwrap())]
        };
        let rows = vec![
            row(Datum::Number(Number::whole(1)), 3, "4.5"),
            row(Datum::Null, 1, "18446744073709551615.5"),
        ];
        let report = report("", "user_id", "count,total_value", rows);
        let expected = "[{\"user_id\":1,\"count\":3,\"total_value\":4.5},\n \
                        {\"user_id\":null,\"count\":1,\"total_value\":18446744073709551615.5}]\n";
        assert_eq!(json(&report), expected);
    }

    #[test]
    fn moments_and_lists_have_their_form() {
        let bars = vec![Bar { lower: Number(0), upper: Number(500_000), count: 2 }];
        let top = vec![(Datum::Text("/a".into()), 7), (Datum::Null, 1)];
        let rows = vec![vec![Datum::Time(1_500_000), Datum::Bool(true), Datum::Top(top), Datum::Bars(bars)]];
        let report = report("ts", "cached", "top,bars", rows);
        assert_eq!(
            json(&report),
            "[{\"ts\":\"1970-01-01T00:00:01.500000Z\",\"cached\":true,\
             \"top\":[{\"value\":\"/a\",\"count\":7},{\"value\":null,\"count\":1}],\
             \"bars\":[{\"lower\":0,\"upper\":0.5,\"count\":2}]}]\n"
        );
    }

    #[test]
    fn no_rows_are_an_empty_array_and_no_lines() {
        let report = report("", "user_id", "count", vec![]);
        let mut lines = Vec::new();
        write_ndjson(&report, &mut lines);
        assert_eq!((json(&report).as_str(), lines.len()), ("[]\n", 0));
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(name in "[^,]{1,10}", texts in proptest::collection::vec(".{0,20}", 0..5)) {
            let rows = texts.iter().map(|text| vec![Datum::Text(text.as_str().into())]).collect();
            let report = report("", &name, "", rows);
            let mut lines = Vec::new();
            write_ndjson(&report, &mut lines);
            let lines = String::from_utf8(lines).unwrap();
            let read: Vec<serde_json::Value> =
                lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let expected: Vec<_> = texts.iter().map(|text| serde_json::json!({ name.as_str(): text })).collect();
            prop_assert_eq!(&read, &expected);
            prop_assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&json(&report)).unwrap(), expected);
        }

        #[test]
        fn numbers_stay_exact(amount: i128) {
            let report = report("", "", "n", vec![vec![Datum::Number(Number(amount))]]);
            prop_assert_eq!(json(&report), alloc::format!("[{{\"n\":{}}}]\n", Number(amount).to_string()));
        }
    }
}
