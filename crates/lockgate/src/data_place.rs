//! The data directory of a gateway that is only there to be looked at.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Names tried for a directory that nobody has.
const NAMES_TRIED: u32 = 100;

/// A data directory: given, or a temporary one that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct DataPlace {
    path: PathBuf,
    temporary: bool,
}

impl DataPlace {
    /// Takes the directory given, or makes one that nobody else has.
    pub(crate) fn new(given: Option<&Path>) -> Result<Self, Failure> {
        match given {
            Some(path) => Ok(Self { path: path.to_owned(), temporary: false }),
            None => Self::temporary("demo")
                .map_err(|failure| failure.hint("name another place with `--data DIR`")),
        }
    }

    /// Makes a directory that nobody else has, for the command of this name.
    pub(crate) fn temporary(command: &str) -> Result<Self, Failure> {
        let own = format!("lockgate-{command}-{}", std::process::id());
        // A directory that is there already is somebody's, be it one who was killed: not used, not removed.
        let mut path = std::env::temp_dir().join(&own);
        for number in 1.. {
            match std::fs::create_dir(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < NAMES_TRIED => {
                    path.set_file_name(format!("{own}-{number}"));
                }
                Err(error) => {
                    let what = format!("cannot make the directory `{}`", path.display());
                    return Err(Failure::new(what).caused_by(&error));
                }
            }
        }
        Ok(Self { path, temporary: true })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
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
