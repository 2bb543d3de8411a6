//! A question, and what it needs of every row.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::events::EventFields;
use crate::filter::{Filter, Predicate};
use crate::measure::{Function, Measure};
use crate::time::Period;

/// The field that says when something happened, unless the question names another.
pub const TIME_FIELD: &str = "ts";

/// What is asked of rows.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which rows count.
    pub filter: Option<Filter>,
    /// Fields whose values make the groups.
    pub group_by: Vec<Box<str>>,
    /// What is measured of each group.
    pub measures: Vec<Measure>,
    /// Length of the buckets of time that divide the groups.
    pub every: Option<Period>,
    /// The field that says when a row happened.
    pub time_field: Box<str>,
}

impl Query {
    /// Usage per user: how many answers were counted, and their value.
    #[must_use]
    pub fn usage() -> Self {
        Self {
            filter: None,
            group_by: vec!["user_id".into()],
            measures: vec![
                Measure::new(Function::Count, Some("value")).named("count"),
                Measure::new(Function::Sum, Some("value")).named("total_value"),
            ],
            every: None,
            time_field: TIME_FIELD.into(),
        }
    }

    /// Makes the question ready to be asked.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut columns = Columns::default();
        let time = self.every.map(|period| (columns.slot(&self.time_field), period));
        let group_by = self.group_by.iter().map(|field| columns.slot(field)).collect();
        let predicate = self.filter.as_ref().map(|filter| filter.bind(&mut |field| columns.slot(field)));
        let mut measured =
            |measure: &Measure| (measure.function, measure.field.as_deref().map(|field| columns.slot(field)));
        let measures = self.measures.iter().map(&mut measured).collect();
        #[cfg(feature = "std")]
        let asked = columns.names.len();
        let event_fields = EventFields::of(columns.names());
        Plan {
            time,
            group_by,
            predicate,
            measures,
            event_fields,
            filter: self.filter.clone(),
            group_names: self.group_by.clone(),
            measure_names: self.measures.iter().map(|measure| measure.name.clone()).collect(),
            kind: columns.slot("kind"),
            id: columns.slot("id"),
            #[cfg(feature = "std")]
            asked,
            columns,
        }
    }
}

/// The fields a question needs, each with its place in a row.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<Box<str>>,
}

impl Columns {
    /// The place of a field, a new one if it has none.
    fn slot(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        })
    }

    /// The fields, by their places.
    #[must_use]
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The place of a field that is needed.
    #[must_use]
    pub fn place_of(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| known.as_bytes() == name)
    }
}

/// A question ready to be asked: rows have their fields in the order of [`Plan::columns`].
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) columns: Columns,
    pub(crate) time: Option<(usize, Period)>,
    pub(crate) group_by: Vec<usize>,
    pub(crate) predicate: Option<Predicate>,
    pub(crate) measures: Vec<(Function, Option<usize>)>,
    pub(crate) group_names: Vec<Box<str>>,
    pub(crate) measure_names: Vec<Box<str>>,
    /// The columns that are asked for, as fields of events.
    pub(crate) event_fields: EventFields,
    pub(crate) filter: Option<Filter>,
    pub(crate) kind: usize,
    pub(crate) id: usize,
    /// Columns that are asked for; those behind them only tell what a row counts.
    #[cfg(feature = "std")]
    pub(crate) asked: usize,
}

impl Plan {
    /// The fields a row must have, in this order.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}
