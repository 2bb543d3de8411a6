//! What rows say together: one line per group.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::Datum;
use crate::query::Plan;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The columns: the bucket of time if asked for, the fields grouped by, the measures.
    pub columns: Vec<Column>,
    /// One row per group, in the order of [`Report::new`].
    pub rows: Vec<Vec<Datum>>,
}

/// One column of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Box<str>,
    /// What it tells.
    pub role: Role,
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
        let column = |role| move |name: &Box<str>| Column { name: name.clone(), role };
        let mut columns = Vec::new();
        if let Some((slot, _)) = plan.time {
            columns.extend(plan.columns.names().get(slot).map(column(Role::Time)));
        }
        columns.extend(plan.group_names.iter().map(column(Role::Group)));
        let first_measure = columns.len();
        columns.extend(plan.measure_names.iter().map(column(Role::Measure)));
        let times = usize::from(plan.time.is_some());
        rows.sort_by(|a, b| {
            let key = |row: &'_ [Datum]| {
                (row.get(..times).map(<[Datum]>::to_vec), Reverse(row.get(first_measure).cloned()))
            };
            key(a).cmp(&key(b)).then_with(|| a.cmp(b))
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
