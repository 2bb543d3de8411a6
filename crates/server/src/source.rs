//! Where the configuration comes from, so that it can be read again.

use std::path::{Path, PathBuf};

use config::{Diagnostics, Loaded, ProcessEnvironment};

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file, which is watched.
    File(PathBuf),
    /// A text that does not change.
    Text {
        /// What messages call it.
        name: String,
        /// Paths in it are relative to this folder.
        base_dir: PathBuf,
        /// The configuration itself.
        text: String,
    },
}

impl ConfigSource {
    /// Reads it, with `$NAME` from the environment of the process.
    ///
    /// # Errors
    /// All problems at once; a file that cannot be read is one of them.
    pub fn load(&self) -> Result<Loaded, Diagnostics> {
        match self {
            Self::File(path) => config::load_file(path, &ProcessEnvironment),
            Self::Text { name, base_dir, text } => {
                config::load_text(name, base_dir, text, &ProcessEnvironment)
            }
        }
    }

    /// The file to watch.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Text { .. } => None,
        }
    }
}
