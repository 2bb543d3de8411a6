//! Questions about events: filter, group, measure. Partial answers merge into the same report however the work was split.
//!
//! A [`Query`] is made ready as a [`Plan`], which says the fields a row needs. Rows are added to a [`Partial`]; partials of the same plan
//! merge in any order; a [`Report`] is what one says in the end. **Fold, then merge, is the one law**: threads, files, segments and nodes
//! all use it, and any split gives the same report.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! # #[cfg(feature = "std")] {
//! use lockgate_analytics::input::{Input, Options, Source, analyze};
//! use lockgate_analytics::{Query, write_json};
//!
//! let lines = b"{\"user_id\":1,\"value\":2.5}\n{\"user_id\":1,\"value\":2}\n";
//! let query = Query {
//!     measures: vec!["count".parse()?, "max(value)".parse()?],
//!     filter: Some("user_id is not null".parse()?),
//!     ..Query::usage()
//! };
//! let plan = query.plan();
//! let input = Input { name: "lines".into(), source: Source::Bytes(lines) };
//! let outcome = analyze(&plan, vec![input], Options::default(), &())?;
//! let mut json = Vec::new();
//! write_json(&outcome.partial.report(), &mut json);
//! assert_eq!(json, b"[{\"user_id\":1,\"count\":2,\"max(value)\":2.5}]\n");
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! The plainest question, usage per user, is one call: [`aggregate_events`].
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod accumulator;
mod bytes;
mod causes;
mod cell;
#[cfg(feature = "configuration")]
mod configuration;
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
#[cfg(feature = "std")]
mod swar;
mod time;
mod write;

pub use causes::with_causes;
pub use cell::{Cell, Datum};
#[cfg(feature = "configuration")]
pub use configuration::{Configuration, ConfigurationError, read_configuration};
pub use events::{AggregateStats, UserId, aggregate_events};
pub use filter::{FILTER_DEPTH_MAX, Filter, Known, ParseFilterError, Predicate};
pub use measure::{Function, Measure, ParseMeasureError};
pub use number::{Number, ParseNumberError};
pub use partial::{GROUP_BYTES_MAX, GROUPS_MAX, Partial, ReadPartialError, TooManyGroups};
#[cfg(feature = "plot")]
pub use plot::{PLOT_SIZE_MAX, PLOT_SIZE_MIN, PlotError, plot_svg};
pub use query::{Columns, Plan, Query, TIME_FIELD};
pub use report::{Column, Report, Role};
pub use sketch::{Bar, DISTINCT_ERROR, DISTINCT_EXACT, HISTOGRAM_BARS_MAX, QUANTILE_ERROR};
pub use time::{ParsePeriodError, Period, moment_of, parse_common_log, parse_rfc3339};
pub use write::{TableStyle, write_csv, write_json, write_ndjson, write_table};
