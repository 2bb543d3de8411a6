//! What conditions mean, and what is said of texts that are none.

use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::Datum;
use crate::time::{moment_of, parse_rfc3339};

const MOMENT: &str = "2026-11-21T01:20:23.000000Z";

/// Fields of the row the conditions are tried on.
fn cell_of(field: &str) -> Cell<'static> {
    match field {
        "status" => Cell::Number(Number::whole(503)),
        "value" => Cell::Number("0.1".parse().unwrap()),
        "route" => Cell::Text("orders"),
        "quote" => Cell::Text("it's \"it\""),
        "digits" => Cell::Text("503"),
        "cached" => Cell::Bool(true),
        "ts" => Cell::Time(parse_rfc3339(MOMENT.as_bytes()).unwrap()),
        "printed" => Cell::Text(MOMENT),
        "seconds" => Cell::Number(Number::whole(1_795_224_023)),
        _ => Cell::Null,
    }
}

fn admits(filter: &Filter) -> bool {
    let mut row = vec![];
    let predicate = filter.bind(&mut |field| {
        row.push(cell_of(field));
        row.len() - 1
    });
    predicate.admits(&row)
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(admits(&filter), expected, "{text}");
    let printed = filter.to_string();
    assert_eq!(printed.parse(), Ok(filter.clone()), "{text}, printed as {printed}");
    assert_eq!(filter.may_admit(&|field| knows(&cell_of(field))), expected, "{text}, known before");
}

fn knows(cell: &Cell<'static>) -> Known<'static> {
    Known::OneOf(Box::leak(Box::new([*cell])))
}

#[test]
fn numbers_are_compared_exactly() {
    check("status>=500 and route=\"orders\"", true);
    check("status = 503 and status == 503.0 and status = 5.03e2", true);
    check("status != 503 or status <> 503", false);
    check("status < 503 or status > 503", false);
    check("status <= 503 and status >= 503", true);
    check("value = 0.1", true);
    check("value > -0.1", true);
    check("value = 0.10000000000000000001", true);
    check("value < 0.100001", true);
}

#[test]
fn values_of_different_kinds_are_never_equal() {
    check("digits = 503", false);
    check("digits != 503", true);
    check("digits < 504 or digits > 502", false);
    check("digits = '503'", true);
    check("status = '503'", false);
    check("status != '503'", true);
    check("status starts with '5' or status < 'a' or status > 'a'", false);
    check("cached = true and cached != false and not cached = false", true);
    check("cached = 'true' or cached = 1", false);
}

#[test]
fn texts_are_compared_byte_for_byte() {
    check("route = 'orders'", true);
    check("route = orders", true);
    check("route = Orders", false);
    check("route > 'order' and route < 'orderz'", true);
    check("quote = 'it''s \"it\"'", true);
    check(r#"quote = "it's \"it\"""#, true);
    check("route contains 'der'", true);
    check("route not contains 'der'", false);
    check("route starts with ord and route ends with 'ers'", true);
    check("route not starts with 'x' and route not ends with 'x'", true);
    check("route like 'o%s' and route not like '_'", true);
}

#[test]
fn moments_are_compared_by_time() {
    for field in ["ts", "printed", "seconds"] {
        check(&alloc::format!("{field} = '2026-11-21T01:20:23Z'"), true);
        check(&alloc::format!("{field} = '2026-11-21T02:20:23+01:00'"), true);
        check(&alloc::format!("{field} < '2026-11-21T01:20:23.5Z'"), true);
        check(&alloc::format!("{field} in ('2026-11-21T01:20:23Z')"), true);
    }
    check("route < '2026-11-21T01:20:23Z'", false);
    check("ts > 5", false);
}

#[test]
fn a_moment_has_the_same_text_wherever_it_comes_from() {
    for field in ["ts", "printed"] {
        check(&alloc::format!("{field} starts with '2026-11-21'"), true);
        check(&alloc::format!("{field} >= '2026-11-21' and {field} < '2026-11-22'"), true);
        check(&alloc::format!("{field} contains 'T01:20' and {field} like '2026-%Z'"), true);
    }
}

#[test]
fn null_fulfils_nothing_but_being_null() {
    check("nothing is null and nothing = null", true);
    check("nothing is not null or nothing != null", false);
    check("status is not null and status != null", true);
    check("nothing = 1 or nothing != 1 or nothing < 1 or nothing >= 1", false);
    check("nothing in (1) or nothing not in (1)", false);
    check("nothing contains '' or nothing not contains 'x'", false);
    check("not nothing = 1", true);
}

#[test]
fn lists_hold_any_kind() {
    check("status in (200, 503)", true);
    check("status in (200, 'orders', true)", false);
    check("route in (200, orders, true)", true);
    check("cached in (200, 'orders', true)", true);
    check("status not in (200, 204)", true);
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    check("status = 503 or status = 1 and route = x", true);
    check("(status = 503 or status = 1) and route = x", false);
    check("not status = 1 and route = orders", true);
    check("not (status = 1 or route = orders)", false);
    check("not not status = 503", true);
    check("(((status = 503)))", true);
}

#[test]
fn words_are_read_in_any_case_and_fields_as_they_are() {
    check("STATUS Is Null AND Not Status Is Not NULL", true);
    check("`status` = 503", true);
    check("`nothing there ``at all``` is null", true);
    check("like = null and contains is null and a.b-c is null", true);
    check("cached = TRUE", true);
}

#[track_caller]
fn refuse(text: &str, at: usize, what: &str) {
    let error = text.parse::<Filter>().expect_err(text);
    assert!(error.at == at && error.what.contains(what), "{text}: {error}");
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    refuse("", 0, "expected a field");
    refuse("  ", 2, "expected a field");
    refuse("status", 6, "expected a comparison such as `>= 500`");
    refuse("status 500", 7, "expected a comparison such as `>= 500`");
    refuse("status >=", 9, "expected a value");
    refuse("status >= and", 10, "expected a value");
    refuse("status = 500 route = x", 13, "expected `and`, `or` or the end");
    refuse("status = 500)", 12, "not opened");
    refuse("a = 1 and (status = 500", 10, "not closed");
    refuse("(status = 500 x", 14, "expected `and`, `or` or `)`");
    refuse("route = 'orders", 8, "not closed");
    refuse("route = \"orders", 8, "not closed");
    refuse("route = \"a\\d\"", 10, "a backslash itself");
    refuse("`` = 1", 0, "between the backticks");
    refuse("status in 500", 10, "a list such as");
    refuse("status in ()", 11, "expected a value");
    refuse("status in (1 2)", 13, "expected `,` or `)`");
    refuse("status in (null)", 11, "expected a value");
    refuse("status not 5", 11, "expected `in`");
    refuse("status is 5", 10, "expected `null`");
    refuse("route starts 'x'", 13, "expected `with`");
    refuse("route contains 5", 15, "expected a text");
    refuse("status ! 5", 7, "expected `!=`");
    refuse("a < null", 4, "neither less nor greater");
    refuse("a >= false", 5, "neither less nor greater");
    refuse("client = 127.0.0.1", 9, "`127.0.0.1` is not a number; texts stand in quotes");
    refuse("a = 1e30", 4, "beyond");
    refuse("path = /orders", 7, "texts stand in quotes");
    refuse("and = 1", 0, "expected a field");
    refuse("ä = 1", 0, "means nothing here");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| "(".repeat(depth) + "a = 1" + &")".repeat(depth);
    check(&nested(FILTER_DEPTH_MAX - 1), false);
    refuse(&nested(FILTER_DEPTH_MAX), FILTER_DEPTH_MAX, "more than 64");
    refuse(&"(".repeat(1_000_000), FILTER_DEPTH_MAX, "more than 64");
    refuse(&"not ".repeat(1_000_000), 4 * FILTER_DEPTH_MAX, "more than 64");
}

#[test]
fn a_lot_without_any_row_that_fits_is_passed_over() {
    const USERS: [Cell<'_>; 2] = [Cell::Null, Cell::Number(Number::whole(7))];
    let ranges = |field: &str| match field {
        "ts" => Known::Between(Cell::Time(1_000_000), Cell::Time(2_000_000)),
        "user_id" => Known::OneOf(&USERS),
        "status" => Known::Between(Cell::Number(Number::whole(200)), Cell::Number(Number::whole(404))),
        _ => Known::Nothing,
    };
    for (text, expected) in [
        ("ts >= '1970-01-01T00:00:01.5Z'", true),
        ("ts >= '1970-01-01T00:00:02Z'", true),
        ("ts > '1970-01-01T00:00:02Z'", false),
        ("ts < '1970-01-01T00:00:01Z'", false),
        ("ts > '1980'", false),
        ("not ts >= '1970-01-01T00:00:01Z'", false),
        ("ts > '1970-01-01T00:00:02Z' or path = x", true),
        ("ts > '1970-01-01T00:00:02Z' and path = x", false),
        ("user_id = 7 and status < 300", true),
        ("user_id = 8", false),
        ("user_id is null", true),
        ("user_id not in (7)", false),
        ("status != 200", true),
        ("status = 500", false),
        // As a moment it lies elsewhere in the order.
        ("status = '1970-01-01T00:10:00Z'", true),
    ] {
        assert_eq!(text.parse::<Filter>().unwrap().may_admit(&ranges), expected, "{text}");
    }
}

const FIELDS: [&str; 4] = ["a", "not", "with space", "b.c-d"];

fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<bool>().prop_map(Literal::Bool),
        (-3_i128..3).prop_map(|number| Literal::Number(Number(number * 500_000))),
        "[ab'\"`\\\\]{0,3}".prop_map(|text| Literal::Text { text: text.into(), moment: None }),
        Just(Literal::Text {
            text: "1970-01-01T00:00:01Z".into(),
            moment: parse_rfc3339(b"1970-01-01T00:00:01Z")
        }),
    ]
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    proptest::sample::select(vec![Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn any_test() -> impl Strategy<Value = Condition<Box<str>>> {
    let text = || "[ab%_']{0,3}".prop_map(Box::<str>::from);
    let negatable = prop_oneof![
        Just(Relation::Null),
        proptest::collection::vec(any_literal(), 1..4).prop_map(Relation::In),
        text().prop_map(Relation::Contains),
        text().prop_map(Relation::StartsWith),
        text().prop_map(Relation::EndsWith),
        text().prop_map(Relation::Like),
    ];
    let compared = (any_comparison(), any_literal()).prop_filter_map("no order", |(comparison, literal)| {
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        (is_equality || !matches!(literal, Literal::Bool(_)))
            .then_some((false, Relation::Compared(comparison, literal)))
    });
    (proptest::sample::select(&FIELDS), prop_oneof![compared, (any::<bool>(), negatable)]).prop_map(
        |(field, (is_negated, relation))| Condition::Test(Test { field: field.into(), is_negated, relation }),
    )
}

fn any_filter() -> impl Strategy<Value = Filter> {
    any_test()
        .prop_recursive(4, 24, 4, |inner| {
            let parts = || proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                parts().prop_map(Condition::Or),
                parts().prop_map(Condition::And),
                inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            ]
        })
        .prop_map(Filter)
}

const CELLS: [Cell<'static>; 12] = [
    Cell::Null,
    Cell::Bool(true),
    Cell::Bool(false),
    Cell::Number(Number(-500_000)),
    Cell::Number(Number(0)),
    Cell::Number(Number(1_000_000)),
    Cell::Time(1_000_000),
    Cell::Time(0),
    Cell::Text("1970-01-01T01:00:01+01:00"),
    Cell::Text(""),
    Cell::Text("a'"),
    Cell::Text("ab"),
];

/// What the documentation of [`Filter`] says, with nothing spared.
fn means(condition: &Condition<Box<str>>, row: &dyn Fn(&str) -> Cell<'static>) -> bool {
    match condition {
        Condition::Or(parts) => parts.iter().filter(|part| means(part, row)).count() > 0,
        Condition::And(parts) => parts.iter().filter(|part| !means(part, row)).count() == 0,
        Condition::Not(inner) => !means(inner, row),
        Condition::Test(test) => {
            let cell = row(&test.field);
            if test.relation == Relation::Null {
                return (cell == Cell::Null) != test.is_negated;
            }
            cell != Cell::Null && relation_means(&test.relation, &cell) != test.is_negated
        }
    }
}

fn relation_means(relation: &Relation, cell: &Cell<'static>) -> bool {
    let text = match cell {
        Cell::Text(text) => Some((*text).to_owned()),
        Cell::Time(us) => Some(lockgate_event::Timestamp::from_unix_us(*us).to_string()),
        _ => None,
    };
    let ask = |question: &dyn Fn(&str) -> bool| text.as_deref().is_some_and(question);
    let equals = |literal: &Literal| compared_means(Comparison::Equal, literal, cell, text.as_deref());
    match relation {
        Relation::Null => false,
        Relation::Compared(comparison, literal) => {
            compared_means(*comparison, literal, cell, text.as_deref())
        }
        Relation::In(literals) => literals.iter().any(equals),
        Relation::Contains(part) => ask(&|text| text.contains(&**part)),
        Relation::StartsWith(start) => ask(&|text| text.starts_with(&**start)),
        Relation::EndsWith(end) => ask(&|text| text.ends_with(&**end)),
        Relation::Like(pattern) => ask(&|text| like_means(text, pattern)),
    }
}

fn like_means(text: &str, pattern: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('%') => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| like_means(&text[at..], &pattern[1..])),
        Some(wanted) => text.chars().next().is_some_and(|c| {
            (wanted == '_' || wanted == c) && like_means(&text[c.len_utf8()..], &pattern[wanted.len_utf8()..])
        }),
    }
}

fn compared_means(
    comparison: Comparison,
    literal: &Literal,
    cell: &Cell<'static>,
    cell_text: Option<&str>,
) -> bool {
    let (cell, literal) = match (literal, cell) {
        (Literal::Bool(literal), Cell::Bool(is)) => (Datum::Bool(*is), Datum::Bool(*literal)),
        (Literal::Number(literal), Cell::Number(number)) => (Datum::Number(*number), Datum::Number(*literal)),
        (Literal::Text { text, moment }, cell) => match (moment, moment_of(cell), cell_text) {
            (Some(literal), Some(us), _) => (Datum::Time(us), Datum::Time(*literal)),
            (_, _, Some(own)) => (Datum::Text(own.into()), Datum::Text(text.clone())),
            _ => return comparison == Comparison::NotEqual,
        },
        _ => return comparison == Comparison::NotEqual,
    };
    match comparison {
        Comparison::Equal => cell == literal,
        Comparison::NotEqual => cell != literal,
        Comparison::Less => cell < literal,
        Comparison::LessOrEqual => cell <= literal,
        Comparison::Greater => cell > literal,
        Comparison::GreaterOrEqual => cell >= literal,
    }
}

proptest! {
    #[test]
    fn any_text_is_a_condition_or_an_error(text in ".{0,40}") {
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(text.is_char_boundary(error.at), "{error}");
        }
    }

    #[test]
    fn any_words_are_a_condition_or_an_error(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "a", "not", "and", "or", "(", ")", "in", ",", "is", "null", "=", "<", "'x'", "\"y\"", "5", "-", "`b`",
            "like", "starts", "with", "true", "'", "\\", "é",
        ]), 0..12)
    ) {
        let text = words.join(" ");
        match text.parse::<Filter>() {
            Ok(filter) => prop_assert_eq!(filter.to_string().parse(), Ok(filter)),
            Err(error) => prop_assert!(text.is_char_boundary(error.at), "{}", error),
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(filter in any_filter()) {
        prop_assert_eq!(filter.to_string().parse(), Ok(filter));
    }

    #[test]
    fn a_row_is_admitted_as_the_condition_means(filter in any_filter(), cells in proptest::array::uniform4(0..CELLS.len())) {
        let row = |field: &str| CELLS[cells[FIELDS.iter().position(|known| *known == field).unwrap()]];
        let predicate = filter.bind(&mut |field| FIELDS.iter().position(|known| *known == field).unwrap());
        let cells = cells.map(|cell| CELLS[cell]);
        prop_assert_eq!(predicate.admits(&cells), means(&filter.0, &row));
    }

    #[test]
    fn no_row_that_fits_is_passed_over(filter in any_filter(), cells in proptest::array::uniform4(0..CELLS.len())) {
        let place = |field: &str| FIELDS.iter().position(|known| *known == field).unwrap();
        let cells = cells.map(|cell| CELLS[cell]);
        let known = |field: &str| match field {
            "a" => Known::Nothing,
            "not" => Known::OneOf(&CELLS),
            "b.c-d" if matches!(cells[3], Cell::Number(_)) => {
                Known::Between(Cell::Number(Number(-500_000)), Cell::Number(Number(1_000_000)))
            }
            "b.c-d" if matches!(cells[3], Cell::Time(_)) => Known::Between(Cell::Time(0), Cell::Time(1_000_000)),
            _ => Known::Nothing,
        };
        if filter.bind(&mut |field| place(field)).admits(&cells) {
            prop_assert!(filter.may_admit(&known));
        }
    }
}
