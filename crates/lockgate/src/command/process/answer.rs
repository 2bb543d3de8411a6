//! The answer as text.

use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use lockgate_analytics::{
    Report, Role, TableStyle, plot_svg, write_csv, write_json, write_ndjson, write_table,
};
use terminal_size::{Width, terminal_size_of};

use super::Format;
use crate::failure::Failure;

/// Width and height of a drawing, pixels.
const DRAWING: (u32, u32) = (960, 540);

/// Keeps the first rows; of each bucket of time, if there are any.
pub(super) fn keep_first(report: &mut Report, count: usize) {
    let has_times = report.columns.first().is_some_and(|column| column.role == Role::Time);
    if !has_times {
        report.keep_first(count);
        return;
    }
    let (mut bucket, mut seen) = (None, 0);
    report.rows.retain(|row| {
        if bucket.as_ref() != row.first() {
            bucket = row.first().cloned();
            seen = 0;
        }
        seen += 1;
        seen <= count
    });
}

/// A report as it is printed.
pub(super) fn written(report: &Report, format: Format) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    match format {
        Format::Table if report.rows.is_empty() => {}
        Format::Table => write_table(report, &style(), &mut out),
        Format::Json => write_json(report, &mut out),
        Format::Ndjson => write_ndjson(report, &mut out),
        Format::Csv => write_csv(report, &mut out),
        Format::Svg => out.extend_from_slice(drawn(report)?.as_bytes()),
    }
    Ok(out)
}

fn drawn(report: &Report) -> Result<String, Failure> {
    plot_svg(report, DRAWING).map_err(|error| Failure::new("the answer cannot be drawn").caused_by(&error))
}

/// As wide and as colorful as standard output is.
fn style() -> TableStyle {
    let out = io::stdout();
    let width = terminal_size_of(&out).filter(|_| out.is_terminal());
    TableStyle {
        width: width.map(|(Width(columns), _)| columns.into()),
        color: AutoStream::choice(&out) != ColorChoice::Never,
        bars: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockgate_analytics::Query;
    use lockgate_analytics::input::{Input, Options, Source, analyze};

    #[test]
    fn the_first_are_kept_of_each_period() {
        let lines =
            (0..30).map(|at| format!("{{\"ts\":{},\"a\":{}}}\n", at / 10, at % 7)).collect::<String>();
        let query = Query {
            group_by: vec!["a".into()],
            measures: vec!["count".parse().unwrap()],
            every: "1s".parse().ok(),
            ..Query::usage()
        };
        let plan = query.plan();
        let input = Input { name: "lines".into(), source: Source::Bytes(lines.as_bytes()) };
        let mut report = analyze(&plan, vec![input], Options::default(), &()).unwrap().partial.report();
        assert_eq!(report.rows.len(), 21);
        let all = report.rows.clone();
        keep_first(&mut report, 2);
        let expected: Vec<_> = all.chunks(7).flat_map(|bucket| &bucket[..2]).cloned().collect();
        assert_eq!(report.rows, expected);
    }
}
