//! From a run's figures to table.md and plots.

mod goals;
mod plots;
mod table;

use std::path::Path;

use super::record::Run;
use crate::report::publish;

/// Writes table.md and the plots into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    publish(&table::markdown(run)?, directory, || plots::write(run, directory))
}
