//! From a run's figures to table.md and plots.

pub(crate) mod landing;
pub(crate) mod plots;
pub(crate) mod raw;
pub(crate) mod statistics;
mod table;

use std::path::Path;

use anyhow::Context;

use crate::measure::record::Run;

/// Writes table.md and the plots into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    publish(&table::markdown(run)?, directory, || plots::write(run, directory))
}

/// Writes a page as table.md into `directory`, has the plots drawn beside it, and prints the page.
pub(crate) fn publish(
    page: &str,
    directory: &Path,
    plots: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let path = directory.join("table.md");
    std::fs::write(&path, page).with_context(|| format!("writing {}", path.display()))?;
    plots()?;
    println!("{page}");
    Ok(())
}

/// The same, from a directory's raw.json.
pub(crate) fn write_again(directory: &Path) -> anyhow::Result<()> {
    if let Ok(run) = raw::read::<crate::users::record::Run>(directory) {
        return crate::users::report::write(&run, directory);
    }
    if let Ok(run) = raw::read::<crate::functions::record::Run>(directory) {
        return crate::functions::report::write(&run, directory);
    }
    if let Ok(run) = raw::read::<crate::clients::record::Run>(directory) {
        return crate::clients::report::write(&run, directory);
    }
    if let Ok(run) = raw::read::<crate::floods::record::Run>(directory) {
        return crate::floods::report::write(&run, directory);
    }
    if let Ok(run) = raw::read::<crate::logs::LogsRun>(directory) {
        return crate::logs::write_report(&run, directory);
    }
    write(&raw::read::<Run>(directory)?, directory)
}
