//! What tables look like.

use alloc::vec;

use super::*;
use crate::report::tests::report;

fn table(report: &Report, style: TableStyle) -> String {
    let mut out = Vec::new();
    write_table(report, &style, &mut out);
    String::from_utf8(out).unwrap()
}

fn number(text: &str) -> Datum {
    Datum::Number(text.parse().unwrap())
}

fn text(text: &str) -> Datum {
    Datum::Text(text.into())
}

fn routes() -> Report {
    let row = |route, count: &str, value: &str| vec![route, number(count), number(value)];
    let rows = vec![
        row(text("orders"), "1600", "12.25"),
        row(text("a route with a long name"), "700", "-3"),
        row(Datum::Null, "1", "0.5"),
    ];
    report("", "route", "count,value", rows)
}

#[test]
fn columns_are_aligned_and_points_stand_below_each_other() {
    assert_eq!(
        table(&routes(), TableStyle::default()),
        "route                     count  value\n\
         orders                     1600  12.25\n\
         a route with a long name    700  -3\n\
         -                             1   0.5\n"
    );
}

#[test]
fn bars_show_the_first_measure() {
    assert_eq!(
        table(&routes(), TableStyle { bars: true, ..TableStyle::default() }),
        "route                     count                value\n\
         orders                     1600  ████████████  12.25\n\
         a route with a long name    700  █████▎        -3\n\
         -                             1  ▏              0.5\n"
    );
}

#[test]
fn a_narrow_table_cuts_texts_and_then_leaves_out_bars() {
    let narrow = |width| table(&routes(), TableStyle { bars: true, width: Some(width), color: false });
    assert_eq!(
        narrow(44),
        "route             count                value\n\
         orders             1600  ████████████  12.25\n\
         a route with a …    700  █████▎        -3\n\
         -                     1  ▏              0.5\n"
    );
    for (width, has_bars) in [(40, true), (39, false), (26, false), (0, false)] {
        let table = narrow(width);
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert_eq!(table.contains('█'), has_bars, "{width}");
        assert!(widest <= width.max(26), "{width}: {table}");
    }
}

#[test]
fn colors_are_for_names_and_bars() {
    let rows = vec![vec![text("a"), number("2")], vec![text("b"), number("0")]];
    let table =
        table(&report("", "route", "count", rows), TableStyle { bars: true, color: true, width: None });
    assert_eq!(
        table,
        "\x1b[1mroute  count\x1b[0m\n\
         a          2  \x1b[36m████████████\x1b[0m\n\
         b          0  \x1b[36m\x1b[0m\n"
    );
}

#[test]
fn a_cell_cannot_steer_the_terminal() {
    let rows = vec![vec![text("\x1b[2Jx\n\u{202e}y"), number("1")]];
    assert_eq!(
        table(&report("", "a\tb", "count", rows), TableStyle::default()),
        "a\\tb                   count\n\
         \\u{1b}[2Jx\\n\\u{202e}y      1\n"
    );
}

#[test]
fn lists_moments_and_histograms_are_short() {
    let bar = |lower, upper, count| Bar { lower: Number(lower), upper: Number(upper), count };
    let bars = vec![bar(1_000_000, 2_000_000, 8), bar(2_000_000, 3_000_000, 0), bar(3_000_000, 4_500_000, 1)];
    let top = vec![(text("/a"), 7), (number("2"), 1)];
    let rows = vec![
        vec![Datum::Time(60_000_000), Datum::Top(top), Datum::Bars(bars)],
        vec![Datum::Time(1), Datum::Top(vec![]), Datum::Bars(vec![])],
    ];
    assert_eq!(
        table(&report("ts", "", "top,histogram", rows), TableStyle::default()),
        "ts                           top            histogram\n\
         1970-01-01T00:01:00Z         /a (7), 2 (1)  1 █ ▁ 4.5\n\
         1970-01-01T00:00:00.000001Z                 -\n"
    );
}

#[test]
fn without_rows_there_are_the_names() {
    let empty = report("", "route", "count", vec![]);
    assert_eq!(table(&empty, TableStyle { bars: true, ..TableStyle::default() }), "route  count\n");
}
