//! Summaries of many values that merge in any order: quantiles, distinct values, the most frequent ones.

use alloc::vec::Vec;

use crate::{Cell, Datum, Number};

/// Largest relative error of a quantile.
pub const QUANTILE_ERROR: f64 = 1.0 / 256.0;
/// Different values up to which their number is exact.
pub const DISTINCT_EXACT: usize = 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Quantiles {}

impl Quantiles {
    /// Adds a value; returns the bytes of memory it took.
    pub(crate) fn add(&mut self, _number: Number) -> usize {
        0
    }
    pub(crate) fn merge(&mut self, _other: &Self) -> usize {
        0
    }
    pub(crate) fn quantile(&self, _millionths: u32) -> Option<Number> {
        None
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Distinct {}

impl Distinct {
    pub(crate) fn add(&mut self, _cell: &Cell<'_>) -> usize {
        0
    }
    pub(crate) fn merge(&mut self, _other: &Self) -> usize {
        0
    }
    pub(crate) fn count(&self) -> u64 {
        0
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Top {}

impl Top {
    pub(crate) fn add(&mut self, _cell: &Cell<'_>) -> usize {
        0
    }
    pub(crate) fn merge(&mut self, _other: Self) -> usize {
        0
    }
    pub(crate) fn most_frequent(&self, _count: usize) -> Vec<(Datum, u64)> {
        Vec::new()
    }
}
