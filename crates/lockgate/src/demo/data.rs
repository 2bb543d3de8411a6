//! The demonstration's data directory.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A data directory: given, or a temporary one that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct DataPlace {
    path: PathBuf,
    temporary: bool,
}

impl DataPlace {
    /// Takes the directory given, or makes one that nobody else has.
    pub(super) fn new(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = given {
            return Ok(Self { path: path.to_owned(), temporary: false });
        }
        let path = std::env::temp_dir().join(format!("lockgate-demo-{}", std::process::id()));
        // A directory that is there already is somebody's: not used, not removed.
        std::fs::create_dir(&path).map_err(|error| {
            Failure::new(format!("cannot make the directory `{}`", path.display()))
                .caused_by(&error)
                .hint("name another place with `--data DIR`")
        })?;
        Ok(Self { path, temporary: true })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataPlace {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed now is the operating system's to clear away.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
