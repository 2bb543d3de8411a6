//! Reports as comma-separated values (RFC 4180).

use alloc::vec::Vec;

use crate::{Datum, Report};

/// Appends comma-separated values with a header (RFC 4180). Nothing stands for null, `""` for a text without characters.
pub fn write_csv(report: &Report, out: &mut Vec<u8>) {
    for (place, column) in report.columns.iter().enumerate() {
        separate(place, out);
        let start = out.len();
        out.extend_from_slice(column.name.as_bytes());
        quote(start, out);
    }
    out.extend_from_slice(b"\r\n");
    for row in &report.rows {
        for (place, datum) in row.iter().enumerate() {
            separate(place, out);
            let start = out.len();
            datum.write_text(out);
            if !matches!(datum, Datum::Null) {
                quote(start, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

/// Puts what was appended from `start` in quotes where it must be.
fn quote(start: usize, out: &mut Vec<u8>) {
    let field = &out[start..];
    if !field.is_empty() && !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return;
    }
    let field = field.to_vec();
    out.truncate(start);
    out.push(b'"');
    for byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;
    use crate::report::tests::report;
    use alloc::string::String;
    use alloc::vec;
    use proptest::prelude::*;

    fn csv(report: &Report) -> String {
        let mut out = Vec::new();
        write_csv(report, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_means_something_to_readers_is_quoted() {
        let text = |text: &str| Datum::Text(text.into());
        let rows = vec![
            vec![text("a,b"), Datum::Number(Number(-500_000))],
            vec![text("say \"x\""), Datum::Null],
            vec![text("two\r\nlines"), Datum::Bool(false)],
            vec![text(""), Datum::Time(0)],
            vec![text("=1+1"), Datum::Top(vec![(text("x"), 2), (text("y"), 1)])],
        ];
        assert_eq!(
            csv(&report("", "the \"path\"", "value", rows)),
            "\"the \"\"path\"\"\",value\r\n\
             \"a,b\",-0.5\r\n\
             \"say \"\"x\"\"\",\r\n\
             \"two\r\nlines\",false\r\n\
             \"\",1970-01-01T00:00:00.000000Z\r\n\
             =1+1,\"x (2), y (1)\"\r\n"
        );
    }

    #[test]
    fn without_rows_there_is_the_header() {
        assert_eq!(csv(&report("", "user_id", "count", vec![])), "user_id,count\r\n");
    }

    /// Fields of a text as RFC 4180 divides it.
    fn fields(text: &str) -> Vec<Vec<String>> {
        let mut rows = vec![vec![String::new()]];
        let mut is_quoted = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let row = rows.last_mut().unwrap();
            match c {
                '"' if is_quoted && chars.next_if_eq(&'"').is_some() => row.last_mut().unwrap().push('"'),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => row.push(String::new()),
                '\r' if !is_quoted && chars.next_if_eq(&'\n').is_some() => rows.push(vec![String::new()]),
                c => row.last_mut().unwrap().push(c),
            }
        }
        rows.pop();
        rows
    }

    proptest! {
        #[test]
        fn any_texts_are_read_back(
            texts in proptest::collection::vec("[a,\"\r\n =]{0,6}", 2..8)
        ) {
            let rows: Vec<Vec<String>> = texts.chunks_exact(2).map(<[String]>::to_vec).collect();
            let data = rows.iter().map(|row| row.iter().map(|text| Datum::Text(text.as_str().into())).collect());
            let read = fields(&csv(&report("", "a,b", "", data.collect())));
            prop_assert_eq!(&read[1..], rows);
        }
    }
}
