//! Renames that are all undone when one of them fails.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Renames that were done, from where to where.
#[derive(Debug, Default)]
pub(super) struct Renames(Vec<(PathBuf, PathBuf)>);

impl Renames {
    /// Renames a file.
    ///
    /// # Errors
    /// The place that could not be taken, and why.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
        fs::rename(from, to).map_err(|error| (to.to_owned(), error))?;
        self.0.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    /// Renames a file if there is one.
    ///
    /// # Errors
    /// The file that could not be moved, and why.
    pub(super) fn aside(&mut self, from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
        match self.rename(from, to) {
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err((_, error)) => Err((from.to_owned(), error)),
            Ok(()) => Ok(()),
        }
    }

    /// Takes back what was done, the last first. What cannot be taken back stays beside its place.
    pub(super) fn undo(self) {
        for (from, to) in self.0.into_iter().rev() {
            let _ = fs::rename(to, from);
        }
    }
}
