//! The data directory of a gateway that is only there to be looked at.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
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
    /// Takes the directory given, which is made if it is not there, or makes one that nobody else has.
    pub(crate) fn new(given: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = given else {
            return Self::temporary("demo")
                .map_err(|failure| failure.hint("name another place with `--data DIR`"));
        };
        private().recursive(true).create(path).map_err(|error| cannot_make(path, &error))?;
        Ok(Self { path: path.to_owned(), temporary: false })
    }

    /// Makes a directory that nobody else has, for the command of this name.
    pub(crate) fn temporary(command: &str) -> Result<Self, Failure> {
        Self::made_in(&std::env::temp_dir(), &format!("lockgate-{command}"))
    }

    /// Makes a directory in this one for what only this run needs: all else that lies here may be somebody's, or of a gateway that runs.
    pub(crate) fn of_this_run(&self, name: &str) -> Result<Self, Failure> {
        Self::made_in(&self.path, name)
    }

    /// Makes a directory that is removed when this is dropped.
    fn made_in(folder: &Path, name: &str) -> Result<Self, Failure> {
        let own = format!("{name}-{}", std::process::id());
        // A directory that is there already is somebody's, be it one who was killed: not used, not removed.
        let mut path = folder.join(&own);
        for number in 1.. {
            match private().create(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < NAMES_TRIED => {
                    path.set_file_name(format!("{own}-{number}"));
                }
                Err(error) => return Err(cannot_make(&path, &error)),
            }
        }
        Ok(Self { path, temporary: true })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes directories for their owner's eyes only, as a gateway makes its data directory.
fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn cannot_make(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot make the directory `{}`", path.display())).caused_by(error)
}

impl Drop for DataPlace {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed now is the operating system's to clear away.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn rights(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn directories_are_private_and_only_those_of_a_run_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataPlace::new(Some(&folder.path().join("data"))).unwrap();
        let own = [(); 2].map(|()| data.of_this_run("demo").unwrap());
        assert_ne!(own[0].path(), own[1].path());
        assert_eq!([data.path(), own[0].path(), own[1].path()].map(rights), [0o700; 3]);
        drop(own);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
        let temporary = DataPlace::temporary("test").unwrap();
        assert_eq!(rights(temporary.path()), 0o700);
        let (kept, gone) = (data.path().to_owned(), temporary.path().to_owned());
        drop((data, temporary));
        assert!(kept.exists() && !gone.exists());
    }
}
