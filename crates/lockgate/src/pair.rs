//! A certificate and its key as files.

mod renames;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tls::SelfSigned;

use crate::failure::Failure;
use renames::Renames;

/// Where a certificate and its key lie.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What becomes of files that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// They stay, and nothing is made.
    Keep,
    /// The new ones take their places, both or none.
    Replace,
}

impl Pair {
    /// `certificate.pem` and `key.pem` in a folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    /// Makes a self-signed certificate and writes both files, the key for its owner's eyes only. When it fails, both places are as
    /// they were.
    ///
    /// # Errors
    /// A name that no certificate can have, or a file that cannot be written; also one that is there and to be kept.
    pub(crate) fn self_signed(&self, names: &[String], days: u32, existing: Existing) -> Result<(), Failure> {
        let made = tls::self_signed(names, days)
            .map_err(|why| Failure::new("no certificate can be made for these names").because(why))?;
        let paths = [&self.key, &self.certificate];
        paths.into_iter().try_for_each(|path| look(path, existing))?;
        match existing {
            Existing::Keep => self.write(&made),
            Existing::Replace => self.replace(&made),
        }
    }

    /// Writes both files, neither of which is there, or none.
    fn write(&self, made: &SelfSigned) -> Result<(), Failure> {
        write_new(&self.key, &made.key, 0o600)?;
        write_new(&self.certificate, &made.certificate, 0o644).inspect_err(|_| remove(&self.key))
    }

    /// Writes both files elsewhere, moves those that are there aside and the new ones into their places.
    fn replace(&self, made: &SelfSigned) -> Result<(), Failure> {
        let (new, old) = (self.beside("new"), self.beside("old"));
        new.write(made)?;
        let mut renames = Renames::default();
        let moved = renames
            .aside(&self.key, &old.key)
            .and_then(|()| renames.aside(&self.certificate, &old.certificate))
            .and_then(|()| renames.rename(&new.key, &self.key))
            .and_then(|()| renames.rename(&new.certificate, &self.certificate));
        if let Err((path, error)) = moved {
            renames.undo();
            new.remove();
            return Err(cannot_write(&path, &error));
        }
        old.remove();
        Ok(())
    }

    /// The same places under names that nobody else takes.
    fn beside(&self, what: &str) -> Self {
        let beside = |path: &Path| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.{what}", std::process::id()));
            path.with_file_name(name)
        };
        Self { certificate: beside(&self.certificate), key: beside(&self.key) }
    }

    fn remove(&self) {
        remove(&self.key);
        remove(&self.certificate);
    }
}

/// Shows that a file can get this place, as far as that is seen beforehand. A link counts, wherever it leads.
fn look(path: &Path, existing: Existing) -> Result<(), Failure> {
    match (fs::symlink_metadata(path), existing) {
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        (Err(error), _) => Err(cannot_write(path, &error)),
        (Ok(_), Existing::Keep) => Err(cannot_write(path, &io::ErrorKind::AlreadyExists.into())),
        (Ok(found), Existing::Replace) if found.is_dir() => {
            Err(cannot_write(path, &io::ErrorKind::IsADirectory.into()))
        }
        (Ok(_), Existing::Replace) => Ok(()),
    }
}

/// Writes a file that is not there; one that could not be written to its end is removed.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = made.map_err(|error| cannot_write(path, &error))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        remove(path);
        cannot_write(path, &error)
    })
}

/// Removes a file; one that cannot be removed has to stay.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("cannot write `{}`", path.display())).caused_by(error);
    let exists = error.kind() == io::ErrorKind::AlreadyExists;
    failure.hint(exists.then_some("`--force` replaces what is there"))
}

#[cfg(test)]
mod tests;
