//! Where the readers of the formats put what they find.

use std::vec::Vec;

use crate::query::Plan;
use crate::{Cell, Partial, TooManyGroups};

/// Places that are kept of those where a piece is malformed.
pub(crate) const PLACES_MAX: usize = 10;

/// Reads the rows of one format. Each thread has its own, which may remember what lines look like, but no row may depend on it.
pub(crate) trait Rows {
    /// Reads a piece, which holds whole lines (or records), the last one perhaps without its end of line.
    ///
    /// # Errors
    ///
    /// When the rows make too many groups. What cannot be read is no error but told to the sink.
    fn read(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), TooManyGroups>;
}

/// What was found in the pieces a thread has read.
pub(crate) struct Sink<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) partial: Partial<'p>,
    /// Of the current piece.
    pub(crate) found: Found,
}

/// What was found in a piece beside its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Lines, ended or not.
    pub(crate) lines: u64,
    /// Lines that are malformed.
    pub(crate) malformed: u64,
    /// The first of them: number of the line in the piece, from 0, and what is wrong.
    pub(crate) places: Vec<(u64, &'static str)>,
}

impl<'p> Sink<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Self {
        Self { plan, partial: Partial::new(plan), found: Found::default() }
    }

    /// Adds a row, its cells in the order of the plan's columns.
    #[inline]
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TooManyGroups> {
        self.partial.add(cells)
    }

    /// Tells that the line with this number in the piece, from 0, cannot be read.
    #[cold]
    pub(crate) fn malformed(&mut self, line: u64, what: &'static str) {
        self.found.malformed += 1;
        if self.found.places.len() < PLACES_MAX {
            self.found.places.push((line, what));
        }
    }
}
