//! What a look at a file shows without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Differs once a file has been written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// Of the file as it is now; `None`: it is not there.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self { modified: (meta.mtime(), meta.mtime_nsec()), bytes: meta.len(), inode: meta.ino() })
    }
}

/// A file that was read for a configuration. Two are equal when they are at the same place.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// Where it is.
    pub path: PathBuf,
    /// As it was just before it was read.
    pub stamp: Option<Stamp>,
}

impl ReadFile {
    /// Of a file that is about to be read.
    pub(crate) fn before(path: PathBuf) -> Self {
        Self { stamp: Stamp::of(&path), path }
    }
}

impl PartialEq for ReadFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}
