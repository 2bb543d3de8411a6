//! Questions about events: filter, group, measure. Partial answers merge into the same report however the work was split.
//!
//! A [`Query`] is made ready as a [`Plan`], which says the fields a row needs. Rows are added to a [`Partial`]; partials of the same plan
//! merge in any order; a [`Report`] is what one says in the end. **Fold, then merge, is the one law**: threads, files, segments and nodes
//! all use it, and any split gives the same report.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod accumulator;
mod cell;
mod events;
mod filter;
#[cfg(feature = "std")]
pub mod input;
mod key;
mod measure;
mod number;
mod partial;
#[cfg(feature = "plot")]
mod plot;
mod query;
mod report;
mod sketch;
mod time;
mod write;

pub use cell::{Cell, Datum};
pub use events::{AggregateStats, UserId, aggregate_events};
pub use filter::{FILTER_DEPTH_MAX, Filter, Known, ParseFilterError, Predicate};
pub use measure::{Function, Measure, ParseMeasureError};
pub use number::{Number, ParseNumberError};
pub use partial::{GROUP_BYTES_MAX, GROUPS_MAX, Partial, TooManyGroups};
#[cfg(feature = "plot")]
pub use plot::{PLOT_SIZE_MAX, PLOT_SIZE_MIN, PlotError, plot_svg};
pub use query::{Columns, Plan, Query, TIME_FIELD};
pub use report::{Column, Report, Role};
pub use sketch::{Bar, DISTINCT_ERROR, DISTINCT_EXACT, HISTOGRAM_BARS_MAX, QUANTILE_ERROR};
pub use time::{ParsePeriodError, Period, moment_of, parse_common_log, parse_rfc3339};
pub use write::{TableStyle, write_csv, write_json, write_ndjson, write_table};
