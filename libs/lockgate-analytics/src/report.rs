//! What rows say together: one line per group.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::query::Plan;
use crate::{Datum, Measure};

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The columns: the bucket of time if asked for, the fields grouped by, the measures.
    pub columns: Vec<Column>,
    /// One row per group: by time, then the greatest first measure first, then by the fields grouped by.
    pub rows: Vec<Vec<Datum>>,
}

/// One column of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; no other column has it.
    pub name: Box<str>,
    /// What it tells.
    pub role: Role,
    /// Which measure it is, if it is one.
    pub measure: Option<Measure>,
}

/// What a column tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Start of the bucket of time.
    Time,
    /// A field grouped by.
    Group,
    /// A measure.
    Measure,
}

impl Report {
    /// Puts rows in order: by time, then the greatest first measure first, then by the fields grouped by.
    #[must_use]
    pub(crate) fn new(plan: &Plan, mut rows: Vec<Vec<Datum>>) -> Self {
        let column = |name: &str, role| Column { name: name.into(), role, measure: None };
        let field = |slot: usize| plan.columns.names().get(slot);
        let mut columns = Vec::new();
        if let Some((slot, _)) = plan.time {
            columns.extend(field(slot).map(|name| column(name, Role::Time)));
        }
        columns.extend(plan.group_names.iter().map(|name| column(name, Role::Group)));
        let first_measure = columns.len();
        columns.extend(plan.measure_names.iter().zip(&plan.measures).map(|(name, (function, slot))| {
            Column {
                name: name.clone(),
                role: Role::Measure,
                measure: Some(Measure {
                    function: *function,
                    field: slot.and_then(field).cloned(),
                    name: name.clone(),
                }),
            }
        }));
        tell_apart(&mut columns);
        let times = usize::from(plan.time.is_some());
        rows.sort_unstable_by(|a, b| {
            let by_time = a.get(..times).cmp(&b.get(..times));
            by_time.then_with(|| b.get(first_measure).cmp(&a.get(first_measure))).then_with(|| a.cmp(b))
        });
        Self { columns, rows }
    }

    /// Keeps the first rows; returns how many were left out.
    pub fn keep_first(&mut self, count: usize) -> usize {
        let left_out = self.rows.len().saturating_sub(count);
        self.rows.truncate(count);
        left_out
    }
}

/// Lets no two columns have the same name, as a field `count` and the number of rows would: the later one gets a number behind its name,
/// from 2 on.
fn tell_apart(columns: &mut [Column]) {
    for at in 1..columns.len() {
        let (before, rest) = columns.split_at_mut(at);
        let [column, after @ ..] = rest else { return };
        if before.iter().all(|other| other.name != column.name) {
            continue;
        }
        let is_free = |name: &String| before.iter().chain(&*after).all(|other| *other.name != **name);
        if let Some(name) = (2_u64..).map(|number| alloc::format!("{}_{number}", column.name)).find(is_free) {
            column.name = name.into();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! Reports for the tests of what shows them.

    use super::*;

    /// A report with these names of columns, each list divided by commas.
    pub(crate) fn report(time: &str, groups: &str, measures: &str, rows: Vec<Vec<Datum>>) -> Report {
        let columns = [(time, Role::Time), (groups, Role::Group), (measures, Role::Measure)];
        let columns = columns.into_iter().flat_map(|(names, role)| {
            let names = names.split(',').filter(|name| !name.is_empty());
            names.map(move |name| Column {
                name: name.into(),
                role,
                measure: name.parse().ok().filter(|_| role == Role::Measure),
            })
        });
        Report { columns: columns.collect(), rows }
    }

    #[track_caller]
    fn check_names(time: &str, groups: &str, measures: &str, expected: &[&str]) {
        let mut columns = report(time, groups, measures, Vec::new()).columns;
        tell_apart(&mut columns);
        assert_eq!(columns.iter().map(|column| &*column.name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_two_columns_have_the_same_name() {
        check_names("ts", "a", "count", &["ts", "a", "count"]);
        check_names("", "count", "count,sum(a)", &["count", "count_2", "sum(a)"]);
        check_names("ts", "a,ts", "", &["ts", "a", "ts_2"]);
        check_names("", "count,count_2", "count", &["count", "count_2", "count_3"]);
        check_names("", "count", "count,count_2", &["count", "count_3", "count_2"]);
        check_names("count", "count", "count", &["count", "count_2", "count_3"]);
    }
}
