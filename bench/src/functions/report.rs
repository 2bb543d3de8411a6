//! From a run's figures to table.md and plots.

mod plots;
mod table;

use std::path::Path;

use anyhow::Context;

use super::record::Run;

/// Writes table.md and the plots into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    let text = table::markdown(run)?;
    let path = directory.join("table.md");
    std::fs::write(&path, &text).with_context(|| format!("writing {}", path.display()))?;
    plots::write(run, directory)?;
    println!("{text}");
    Ok(())
}
