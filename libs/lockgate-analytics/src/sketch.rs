//! Summaries of many values that merge in any order: quantiles, distinct values, the most frequent ones.
//!
//! Each is a function of the values it has seen, and not of their order or of how they were divided: any split gives the same answer.

mod distinct;
mod histogram;
mod quantile;
mod top;

pub(crate) use distinct::Distinct;
pub use distinct::{DISTINCT_ERROR, DISTINCT_EXACT};
pub use histogram::{Bar, HISTOGRAM_BARS_MAX};
pub use quantile::QUANTILE_ERROR;
pub(crate) use quantile::Quantiles;
pub(crate) use top::Top;
