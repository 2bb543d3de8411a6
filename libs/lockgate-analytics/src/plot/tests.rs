//! Drawings of every kind of report, hostile ones included.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::report::tests::report;
use crate::{Bar, Datum, Number};

const SIZE: (u32, u32) = (800, 400);

fn number(number: u64) -> Datum {
    Datum::Number(Number::whole(number))
}

fn text(text: &str) -> Datum {
    Datum::Text(text.into())
}

#[track_caller]
fn drawn(report: &Report) -> String {
    let svg = plot_svg(report, SIZE).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    svg
}

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

fn color(place: usize) -> String {
    Hue::Series(place).hex()
}

#[test]
fn what_cannot_be_drawn_says_why() {
    assert!(drawn(&report("", "route", "count", vec![])).contains("no rows"));
    assert!(drawn(&report("ts", "route", "count", vec![])).contains("no rows"));
    assert!(drawn(&report("", "route", "", vec![vec![text("a")]])).contains("measure something"));
    assert!(drawn(&report("", "", "", vec![vec![]])).contains("measure something"));
    let rows = vec![vec![Datum::Time(0), Datum::Null]];
    assert!(drawn(&report("ts", "", "count", rows)).contains("no numbers"));
}

#[test]
fn sizes_have_bounds() {
    let empty = report("", "route", "count", vec![]);
    for size in [(239, 400), (400, 159), (10_001, 400), (400, u32::MAX), (0, 0)] {
        assert_eq!(plot_svg(&empty, size), Err(PlotError::Size(size)));
    }
    let rows: Vec<_> = (0..40).map(|place| vec![text(&"wide ".repeat(40)), number(place)]).collect();
    for size in [PLOT_SIZE_MIN, PLOT_SIZE_MAX] {
        plot_svg(&report("", "route", "count", rows.clone()), size).unwrap();
    }
}

#[test]
fn the_thirty_greatest_groups_have_bars() {
    let rows = (0..100).map(|place| vec![text(&alloc::format!("route{place}")), number(place + 1)]).collect();
    let svg = plot_svg(&report("", "route", "count", rows), (800, 800)).unwrap();
    assert_eq!(count(&svg, &alloc::format!("fill=\"{}\"", color(0))), 30);
    assert!(svg.contains("70 others are not drawn") && svg.contains("route99") && !svg.contains("route69"));
}

#[test]
fn one_row_is_enough_for_every_kind() {
    assert!(drawn(&report("", "route", "count", vec![vec![text("orders"), number(7)]])).contains("orders"));
    assert!(drawn(&report("", "", "count", vec![vec![number(0)]])).contains("count"));
    let svg = drawn(&report("ts", "", "count", vec![vec![Datum::Time(0), number(7)]]));
    assert_eq!(count(&svg, "<circle"), 1);
    let bars = vec![Bar { lower: Number(0), upper: Number(0), count: 1 }];
    assert!(drawn(&report("", "", "histogram(x)", vec![vec![Datum::Bars(bars)]])).contains("histogram(x)"));
    let top = Datum::Top(vec![(text("/a"), 2), (Datum::Null, 1)]);
    let svg = drawn(&report("", "", "top5(path)", vec![vec![top]]));
    assert!(svg.contains("/a") && svg.contains("–"));
}

#[test]
fn time_is_drawn_as_a_line_for_each_of_the_eight_greatest_groups() {
    let row = |place: u64| vec![Datum::Time(place / 20 * 60_000_000), number(place % 20), number(place % 20)];
    let svg = drawn(&report("ts", "user_id", "count", (0..10_000).map(row).collect()));
    for place in 0..8 {
        // The line itself, and in the legend.
        assert_eq!(count(&svg, &alloc::format!("stroke=\"{}\"", color(place))), 2, "{place}");
    }
    assert!(svg.contains("12 smaller groups are not drawn") && svg.contains("1970-01-01, UTC"));
}

#[test]
fn where_nothing_was_counted_a_count_is_zero_and_another_value_unknown() {
    let rows = |measure| {
        let row = |minute: u64, route| vec![Datum::Time(minute * 60_000_000), text(route), number(5)];
        let rows = vec![row(0, "a"), row(1, "a"), row(1, "b"), row(2, "b"), row(3, "a"), row(9, "a")];
        match Figure::of(&report("ts", "route", measure, rows)) {
            Figure::Lines(lines) => lines.series.into_iter().map(|series| series.pieces).collect::<Vec<_>>(),
            _ => panic!("no lines"),
        }
    };
    let minutes = |pieces: &[Vec<(f64, f64)>]| {
        let point = |(us, value): &(f64, f64)| ((us / 6e7) as u64, *value as u64);
        pieces.iter().map(|piece| piece.iter().map(point).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let counts = rows("count");
    assert_eq!(minutes(&counts[0]), [[(0, 5), (1, 5), (2, 0), (3, 5), (4, 0), (8, 0), (9, 5)]]);
    assert_eq!(minutes(&counts[1]), [[(0, 0), (1, 5), (2, 5), (3, 0), (4, 0), (8, 0), (9, 0)]]);
    let latencies = rows("p99(latency_us)");
    assert_eq!(minutes(&latencies[0]), [vec![(0, 5), (1, 5)], vec![(3, 5), (9, 5)]]);
    assert_eq!(minutes(&latencies[1]), [[(1, 5), (2, 5)]]);
}

#[test]
fn measures_of_one_field_share_a_drawing_and_others_do_not() {
    let row = |minute: u64| vec![Datum::Time(minute * 60_000_000), number(5), number(9), number(1)];
    let svg = drawn(&report("ts", "", "p50(x),p99(x),count", (0..3).map(row).collect()));
    assert!(svg.contains("p50(x)") && svg.contains("p99(x)") && !svg.contains("count"));
}

#[test]
fn three_quantiles_of_a_field_make_a_curve() {
    let row =
        |route, scale: u64| vec![text(route), number(7), number(scale), number(2 * scale), number(9 * scale)];
    let rows = vec![row("a", 10), row("b", 20)];
    let svg = drawn(&report("", "route", "count,p50(x),p99(x),p99.9(x)", rows));
    assert!(svg.contains("quantiles of x by route"));
    assert!(
        ["p50", "p99", "p99.9"].iter().all(|name| svg.contains(&alloc::format!(">\n{name}\n<"))),
        "{svg}"
    );
}

#[test]
fn texts_cannot_break_out_of_the_drawing() {
    let hostile = "</text><script>alert(1)</script>\"'&\0\x1b\u{ffff}\u{202e}";
    let rows = vec![vec![text(hostile), number(1)]];
    let svg = drawn(&report("", hostile, "count", rows));
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
    assert!(svg.chars().all(|c| c == '\n' || !(c.is_control() || matches!(c, '\u{ffff}' | '\u{202e}'))));
}

#[test]
fn dark_surroundings_have_other_colors() {
    let svg = drawn(&report("", "route", "count", vec![vec![text("a"), number(7)]]));
    assert_eq!(count(&svg, "prefers-color-scheme:dark"), 1);
    for (hue, dark) in DARK {
        assert!(svg.contains(&alloc::format!("[fill=\"{}\"]{{fill:{dark}}}", hue.hex())), "{hue:?}");
    }
    assert_eq!(
        PlotError::Size((1, 2)).to_string(),
        "a drawing of 1x2 pixels is outside 240x160 to 10000x10000"
    );
}

fn any_datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        Just(Datum::Null),
        any::<bool>().prop_map(Datum::Bool),
        any::<i128>().prop_map(|number| Datum::Number(Number(number))),
        (-5_i128..5).prop_map(|number| Datum::Number(Number(number))),
        any::<u64>().prop_map(Datum::Time),
        (0..5_u64).prop_map(Datum::Time),
        ".{0,20}".prop_map(|text| Datum::Text(text.into())),
        proptest::collection::vec((any::<i64>(), any::<u64>()), 0..4).prop_map(|values| {
            Datum::Top(
                values
                    .into_iter()
                    .map(|(value, count)| (Datum::Number(Number(value.into())), count))
                    .collect(),
            )
        }),
        proptest::collection::vec(any::<(i128, i128, u64)>(), 0..4).prop_map(|bars| {
            let bar = |(lower, upper, count)| Bar { lower: Number(lower), upper: Number(upper), count };
            Datum::Bars(bars.into_iter().map(bar).collect())
        }),
    ]
}

proptest! {
    #[test]
    fn any_report_is_drawn(
        columns in (
            proptest::sample::select(vec!["", "ts"]),
            proptest::sample::select(vec!["", "a", "a,b"]),
            proptest::sample::select(vec!["", "count", "p50(x),p90(x),p99(x)", "sum(x),histogram(x)"]),
        ),
        rows in proptest::collection::vec(proptest::collection::vec(any_datum(), 0..7), 0..8),
        size in prop_oneof![Just(PLOT_SIZE_MIN), Just(SIZE)],
    ) {
        let svg = plot_svg(&report(columns.0, columns.1, columns.2, rows), size).unwrap();
        prop_assert!(!svg.contains("NaN"), "{}", svg);
    }
}
