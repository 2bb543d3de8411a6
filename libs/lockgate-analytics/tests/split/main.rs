//! The one law: however rows are divided, and in whatever order the parts are merged, the report is the same, and what a plain sum says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod oracle;

use lockgate_analytics::{Cell, Datum, Number, Partial, Plan, Query, ReadPartialError, Report};
use oracle::{FILTERS, MEASURES, Question, Row};
use proptest::prelude::*;
use proptest::sample::Index;

fn any_row() -> impl Strategy<Value = Row> {
    let number =
        |range: std::ops::Range<i128>| range.prop_map(|amount| Datum::Number(Number(amount * 250_000)));
    let text =
        |texts: &'static [&str]| proptest::sample::select(texts).prop_map(|text| Datum::Text(text.into()));
    (
        prop_oneof![Just(Datum::Null), number(0..12)],
        prop_oneof![
            Just(Datum::Null),
            text(&["orders", "", "a,\"b\""]),
            Just(Datum::Bool(true)),
            number(0..2)
        ],
        prop_oneof![4 => number(-9..9), 1 => text(&["x", "y"]), 1 => Just(Datum::Null)],
        prop_oneof![
            (0..4_u64).prop_map(|step| Datum::Time(step * 200_000_000)),
            text(&["1970-01-01T00:03:20Z", "1970-01-01T01:00:00.000001+01:00", "later"]),
            Just(Datum::Null),
        ],
        prop_oneof![3 => text(&["done"]), 1 => text(&["part"]), 1 => text(&["cut"]), 1 => Just(Datum::Null)],
        prop_oneof![3 => text(&["00000000000000ab-1-0-7"]), 1 => text(&["mine"]), 1 => number(0..1)],
    )
        .prop_map(|(user_id, route, value, ts, kind, id)| {
            Row([
                ("user_id", user_id),
                ("route", route),
                ("value", value),
                ("ts", ts),
                ("kind", kind),
                ("id", id),
            ])
        })
}

fn any_question() -> impl Strategy<Value = Question> {
    (
        proptest::sample::subsequence(vec!["user_id", "route", "missing"], 0..=3),
        proptest::sample::subsequence(MEASURES.to_vec(), 0..=MEASURES.len()),
        proptest::option::of(proptest::sample::select(&FILTERS[..])),
        proptest::option::of(proptest::sample::select(vec!["5m", "1ms", "1h"])),
    )
        .prop_map(|(group_by, measures, filter, every)| Question { group_by, measures, filter, every })
}

fn query(question: &Question) -> Query {
    Query {
        filter: question.filter.map(|(text, _)| text.parse().unwrap()),
        group_by: question.group_by.iter().map(|field| (*field).into()).collect(),
        measures: question.measures.iter().map(|text| text.parse().unwrap()).collect(),
        every: question.every.map(|text| text.parse().unwrap()),
        time_field: "ts".into(),
    }
}

fn cells<'r>(plan: &Plan, row: &'r Row) -> Vec<Cell<'r>> {
    let cell = |name: &str| row.get(name).and_then(Datum::as_cell).unwrap_or(Cell::Null);
    plan.columns().names().iter().map(|name| cell(name)).collect()
}

fn partial<'p, 'r>(plan: &'p Plan, rows: impl Iterator<Item = &'r Row>) -> Partial<'p> {
    let mut partial = Partial::new(plan);
    rows.for_each(|row| partial.add(&cells(plan, row)).unwrap());
    partial
}

/// Divides the rows as `parts` says, and merges two of the parts, wherever they stand, until there is one.
fn in_parts(plan: &Plan, rows: &[Row], parts: &[usize], picks: &[Index]) -> Report {
    let mut partials: Vec<_> = (0..5)
        .map(|part| partial(plan, rows.iter().zip(parts).filter(|(_, of)| **of == part).map(|(row, _)| row)))
        .collect();
    for pick in picks {
        let taken = partials.swap_remove(pick.index(partials.len()));
        if partials.is_empty() {
            return taken.report();
        }
        let at = pick.index(partials.len());
        // As from another thread, or as from another process.
        if at % 2 == 0 {
            partials[at].merge(taken).unwrap();
        } else {
            partials[at].merge_bytes(&bytes_of(&taken)).unwrap();
        }
    }
    unreachable!("as many picks as parts")
}

fn bytes_of(partial: &Partial<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    partial.write(&mut bytes);
    bytes
}

/// A question whose partials hold something of every kind.
const EVERYTHING: [&str; 9] = [
    "count",
    "sum(value)",
    "mean(value)",
    "min(value)",
    "max(route)",
    "p90(value)",
    "histogram(value)",
    "distinct(value)",
    "top3(route)",
];

/// Their partials look alike: only what is asked tells them apart.
#[test]
fn a_partial_of_another_question_is_refused() {
    let asked = Question {
        group_by: vec!["route"],
        measures: vec!["sum(value)", "max(value)"],
        filter: None,
        every: Some("1h"),
    };
    let ours = query(&asked);
    let plan = ours.plan();
    let bytes = bytes_of(&Partial::new(&plan));
    let condition = |text: &str| Query { filter: Some(text.parse().unwrap()), ..ours.clone() };
    let measures =
        |texts: [&str; 2]| Query { measures: texts.map(|text| text.parse().unwrap()).into(), ..ours.clone() };
    let others = [
        Query { group_by: vec!["user_id".into()], ..ours.clone() },
        measures(["sum(user_id)", "max(value)"]),
        measures(["sum(value)", "min(value)"]),
        Query { every: Some("5m".parse().unwrap()), ..ours.clone() },
        Query { time_field: "at".into(), ..ours.clone() },
        condition("value > 1"),
    ];
    for other in others {
        let other = other.plan();
        assert_eq!(Partial::new(&other).merge_bytes(&bytes), Err(ReadPartialError::Foreign));
    }
    let (one, same) =
        (condition("value>1 and route = 'a'").plan(), condition("(value > 1) AND route=\"a\"").plan());
    assert_eq!(Partial::new(&same).merge_bytes(&bytes_of(&Partial::new(&one))), Ok(()));
}

proptest! {
    #[test]
    fn a_partial_reads_back_as_it_was_written_and_what_is_cut_or_changed_never_panics(
        rows in proptest::collection::vec(any_row(), 0..40),
        at in any::<Index>(),
        change in 1_u8..,
    ) {
        let measures = EVERYTHING.map(|text| text.parse().unwrap()).into();
        let plan = Query { measures, group_by: vec!["user_id".into(), "route".into()], ..Query::usage() }.plan();
        let written = partial(&plan, rows.iter());
        let bytes = bytes_of(&written);
        let mut read = Partial::new(&plan);
        read.merge_bytes(&bytes).unwrap();
        prop_assert_eq!((read.rows(), read.timeless(), read.report()), (written.rows(), written.timeless(), written.report()));

        let at = at.index(bytes.len());
        let cut = Partial::new(&plan).merge_bytes(&bytes[..at]);
        prop_assert_eq!(cut, Err(ReadPartialError::Foreign));
        let mut changed = bytes.clone();
        changed[at] ^= change;
        let mut read = Partial::new(&plan);
        if read.merge_bytes(&changed).is_ok() {
            prop_assert!(read.report().rows.iter().all(|row| row.len() == 2 + EVERYTHING.len()));
        }
        let other = Query::usage().plan();
        prop_assert_eq!(Partial::new(&other).merge_bytes(&bytes), Err(ReadPartialError::Foreign));
    }

    #[test]
    fn any_split_gives_the_same_report(
        rows in proptest::collection::vec((any_row(), 0..5_usize), 0..60),
        question in any_question(),
        picks in any::<[Index; 5]>(),
    ) {
        let (rows, parts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let mut query = query(&question);
        query.measures.extend(["p90(value)", "histogram(value)"].map(|text| text.parse().unwrap()));
        let plan = query.plan();
        let whole = partial(&plan, rows.iter());
        prop_assert_eq!(whole.rows(), rows.len() as u64);
        prop_assert_eq!(in_parts(&plan, &rows, &parts, &picks), whole.report());
    }

    #[test]
    fn rows_added_at_once_are_rows_added_one_by_one(
        rows in proptest::collection::vec(any_row(), 0..200),
        question in any_question(),
    ) {
        let plan = query(&question).plan();
        let mut at_once = Partial::new(&plan);
        let all: Vec<_> = rows.iter().flat_map(|row| cells(&plan, row)).collect();
        at_once.add_rows(&all).unwrap();
        prop_assert_eq!(at_once.rows(), rows.len() as u64);
        prop_assert_eq!(at_once.report(), partial(&plan, rows.iter()).report());
    }

    #[test]
    fn a_report_says_what_plain_counting_says(
        rows in proptest::collection::vec(any_row(), 0..60),
        question in any_question(),
    ) {
        let report = partial(&query(&question).plan(), rows.iter()).report();
        let names: Vec<_> = report.columns.iter().map(|column| &*column.name).collect();
        prop_assert_eq!(names, question.column_names());
        prop_assert_eq!(report.rows, oracle::answer(&question, &rows));
    }

    #[test]
    fn quantiles_are_within_their_error_of_plain_counting(
        values in proptest::collection::vec((0..3_u64, -1_000_000_000_i128..100_000_000_000), 1..80),
        percent in 0..=100_u32,
    ) {
        let query = Query {
            measures: vec![format!("p{percent}(value)").parse().unwrap(), "count".parse().unwrap()],
            ..Query::usage()
        };
        let rows: Vec<_> = values
            .iter()
            .map(|(user, value)| {
                let user = Datum::Number(Number::whole(*user));
                let value = Datum::Number(Number(*value));
                let rest = ["route", "ts", "kind", "id"].map(|name| (name, Datum::Null));
                let [route, ts, kind, id] = rest;
                Row([("user_id", user), ("value", value), route, ts, kind, id])
            })
            .collect();
        for row in partial(&query.plan(), rows.iter()).report().rows {
            let mut of_user: Vec<_> =
                values.iter().filter(|(user, _)| row[0] == Datum::Number(Number::whole(*user))).collect();
            of_user.sort_unstable_by_key(|(_, value)| *value);
            let rank = (of_user.len() * percent as usize).div_ceil(100).max(1);
            let exact = of_user[rank - 1].1;
            let Datum::Number(Number(told)) = row[1] else { panic!("no quantile of some values") };
            prop_assert!(told.abs_diff(exact) <= exact.unsigned_abs() / 256, "{} for {}", told, exact);
        }
    }
}
