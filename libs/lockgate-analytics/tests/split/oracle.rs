//! The same answers the plainest way: all rows of a group are kept, and each measure looks through them.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_analytics::{Datum, Number, parse_rfc3339};

/// Measures that are exact.
pub(crate) const MEASURES: [&str; 9] = [
    "count",
    "count(value)",
    "sum(value)",
    "min(value)",
    "max(route)",
    "mean(value)",
    "distinct(ts)",
    "top2(route)",
    "sum(route)",
];

type Admits = fn(&Row) -> bool;

/// Conditions, and what they mean.
pub(crate) const FILTERS: [(&str, Admits); 4] = [
    ("value >= 0.5", |row| matches!(row.field("value"), Datum::Number(Number(500_000..)))),
    ("route = 'orders' or user_id is null", |row| {
        row.field("route") == Datum::Text("orders".into()) || row.field("user_id") == Datum::Null
    }),
    ("not (kind in (part, cut))", |row| {
        ![Datum::Text("part".into()), Datum::Text("cut".into())].contains(&row.field("kind"))
    }),
    ("ts < '1970-01-01T00:05:00Z'", |row| moment(&row.field("ts")).is_some_and(|us| us < 300_000_000)),
];

#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) [(&'static str, Datum); 6]);

impl Row {
    pub(crate) fn get(&self, name: &str) -> Option<&Datum> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, datum)| datum)
    }

    fn field(&self, name: &str) -> Datum {
        self.get(name).cloned().unwrap_or(Datum::Null)
    }

    fn weight(&self) -> i128 {
        let is_event = self.field("id") == Datum::Text("00000000000000ab-1-0-7".into());
        match self.field("kind") {
            Datum::Text(kind) if is_event && *kind == *"part" => 0,
            Datum::Text(kind) if is_event && *kind == *"cut" => -1,
            _ => 1,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) group_by: Vec<&'static str>,
    pub(crate) measures: Vec<&'static str>,
    pub(crate) filter: Option<(&'static str, Admits)>,
    pub(crate) every: Option<&'static str>,
}

impl Question {
    pub(crate) fn column_names(&self) -> Vec<&'static str> {
        let time = self.every.map(|_| "ts");
        time.into_iter().chain(self.group_by.iter().copied()).chain(self.measures.iter().copied()).collect()
    }
}

pub(crate) fn answer(question: &Question, rows: &[Row]) -> Vec<Vec<Datum>> {
    let mut groups = BTreeMap::<Vec<Datum>, Vec<&Row>>::new();
    for row in rows.iter().filter(|row| question.filter.is_none_or(|(_, admits)| admits(row))) {
        let mut key = Vec::new();
        if let Some(every) = question.every {
            let period = BTreeMap::from([("5m", 300_000_000), ("1ms", 1000), ("1h", 3_600_000_000)])[every];
            let Some(us) = moment(&row.field("ts")) else { continue };
            key.push(Datum::Time(us / period * period));
        }
        key.extend(question.group_by.iter().map(|field| row.field(field)));
        groups.entry(key).or_default().push(row);
    }
    let mut answer: Vec<_> = groups
        .into_iter()
        .map(|(mut key, rows)| {
            let measured: Vec<_> = question.measures.iter().map(|measure| measured(measure, &rows)).collect();
            key.extend(measured);
            key
        })
        .collect();
    // The groups are in order: sorting by less and less of it keeps the rest.
    if !question.measures.is_empty() {
        let first_measure = usize::from(question.every.is_some()) + question.group_by.len();
        answer.sort_by(|a, b| b[first_measure].cmp(&a[first_measure]));
    }
    if question.every.is_some() {
        answer.sort_by(|a, b| a[0].cmp(&b[0]));
    }
    answer
}

fn measured(measure: &str, rows: &[&Row]) -> Datum {
    let (function, field) = measure.trim_end_matches(')').split_once('(').unwrap_or((measure, ""));
    let single = || {
        rows.iter()
            .filter(|row| row.weight() > 0)
            .map(|row| row.field(field))
            .filter(|datum| *datum != Datum::Null)
    };
    let amount = |datum: Datum| match datum {
        Datum::Number(number) => Some(number.0),
        _ => None,
    };
    let whole = |count: i128| Datum::Number(Number(count * 1_000_000));
    match function {
        "count" => whole(
            rows.iter()
                .filter(|row| field.is_empty() || row.field(field) != Datum::Null)
                .map(|row| row.weight())
                .sum(),
        ),
        "sum" => Datum::Number(Number(rows.iter().filter_map(|row| amount(row.field(field))).sum())),
        "min" => single().min().unwrap_or_default(),
        "max" => single().max().unwrap_or_default(),
        "mean" => mean(&single().filter_map(amount).collect::<Vec<_>>()),
        "distinct" => whole(single().collect::<BTreeSet<_>>().len() as i128),
        "top2" => {
            let mut counts = BTreeMap::<Datum, u64>::new();
            single().for_each(|datum| *counts.entry(datum).or_default() += 1);
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by(|(_, a), (_, b)| b.cmp(a));
            counts.truncate(2);
            Datum::Top(counts)
        }
        _ => unreachable!("{function}"),
    }
}

/// The number whose multiple comes nearest to the sum, the even one of two.
fn mean(amounts: &[i128]) -> Datum {
    let (count, sum) = (amounts.len() as i128, amounts.iter().sum::<i128>());
    let Some(about) = sum.checked_div(count) else { return Datum::Null };
    let distance = |mean: &i128| ((mean * count).abs_diff(sum), mean % 2 != 0);
    (about - 1..=about + 1).min_by_key(distance).map_or(Datum::Null, |mean| Datum::Number(Number(mean)))
}

fn moment(datum: &Datum) -> Option<u64> {
    match datum {
        Datum::Time(us) => Some(*us),
        Datum::Text(text) => parse_rfc3339(text.as_bytes()),
        _ => None,
    }
}
