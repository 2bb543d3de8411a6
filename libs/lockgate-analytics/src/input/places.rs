//! Files, folders and patterns as the files that are meant.

use std::borrow::ToOwned;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::vec::Vec;
use std::{fs, io};

use super::detect;

/// Stands for standard input.
pub const STANDARD_INPUT: &str = "-";
/// Where the segments of a gateway's data directory are.
const JOURNAL: &str = "journal";
const SEGMENT: &str = "segment";

/// Why what was to be read cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// There is no such file, or none that matches.
    #[error("nothing is found at `{}`", .0.display())]
    Nothing(PathBuf),
    /// A folder has no file that can be read.
    #[error("`{}` holds no file that ends in .ndjson, .jsonl, .json, .csv, .tsv, .log or .segment", .0.display())]
    NothingKnown(PathBuf),
    /// It is no pattern.
    #[error("`{pattern}` is no pattern: {what} at byte {at}")]
    Pattern {
        /// As it was given.
        pattern: std::string::String,
        /// Where it goes wrong, bytes from the start.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A folder or file cannot be looked at.
    #[error("looking at `{}`", .path.display())]
    Look {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PlacesError {
    fn look(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Look { path: path.into(), source }
    }
}

/// Finds the files that places mean, in their order, each once, under the name that comes first.
///
/// A place is a file, whatever it is called; a folder, which means the files in it and its folders whose names say that they can be read,
/// sorted; the data directory of a gateway, which means the segments of its journal; a pattern with `*`, `?`, `[…]` or `**`, whose matches
/// are sorted; or [`STANDARD_INPUT`], which stays as it is. A file that is there under the very name of a pattern is that file.
///
/// # Errors
///
/// When a place means nothing, or cannot be looked at.
pub fn expand<P: AsRef<Path>>(places: &[P]) -> Result<Vec<PathBuf>, PlacesError> {
    let mut files = Files::default();
    for place in places {
        let place = place.as_ref();
        if place.as_os_str() == STANDARD_INPUT {
            files.add(place.into());
        } else {
            match fs::metadata(place) {
                Ok(found) if found.is_dir() => files.add_all(folder(place)?),
                Ok(_) => files.add(place.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => files.add_all(matches(place)?),
                // No file can have this name, but a pattern may.
                Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                    files.add_all(matches(place)?)
                }
                Err(error) => return Err(PlacesError::look(place)(error)),
            }
        }
    }
    Ok(files.in_order)
}

/// Files in their order, each once: a file that two places mean is not counted twice, whatever it is called there.
#[derive(Default)]
struct Files {
    in_order: Vec<PathBuf>,
    known: BTreeSet<Identity>,
}

/// What tells a file from all others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// Its device and its number there.
    #[cfg(unix)]
    Number(u64, u64),
    /// Where it is: of a regular file the path without links, of what is read once, such as a pipe, the one that was written.
    Path(PathBuf),
}

impl Identity {
    #[cfg(unix)]
    fn of(file: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        match fs::metadata(file) {
            Ok(found) if found.is_file() => Self::Number(found.dev(), found.ino()),
            _ => Self::Path(file.into()),
        }
    }

    #[cfg(not(unix))]
    fn of(file: &Path) -> Self {
        let real = Some(file).filter(|file| file.is_file()).and_then(|file| file.canonicalize().ok());
        Self::Path(real.unwrap_or_else(|| file.into()))
    }
}

impl Files {
    /// Adds a file under its name as it is written, unless it is known, be it under another one.
    fn add(&mut self, file: PathBuf) {
        let is_stdin = file.as_os_str() == STANDARD_INPUT;
        let identity = if is_stdin { Identity::Path(file.clone()) } else { Identity::of(&file) };
        if self.known.insert(identity) {
            self.in_order.push(file);
        }
    }

    fn add_all(&mut self, files: Vec<PathBuf>) {
        files.into_iter().for_each(|file| self.add(file));
    }
}

/// The files a pattern matches; what a folder that it matches holds.
fn matches(pattern: &Path) -> Result<Vec<PathBuf>, PlacesError> {
    let nothing = || PlacesError::Nothing(pattern.into());
    let text = pattern.to_str().filter(|text| text.contains(['*', '?', '['])).ok_or_else(nothing)?;
    let paths = glob::glob(text).map_err(|error| PlacesError::Pattern {
        pattern: text.to_owned(),
        at: error.pos,
        what: error.msg,
    })?;
    let mut files = Vec::new();
    // `**` matches folders: their files are matched by what follows it, or meant if nothing does.
    for path in paths {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            PlacesError::Look { path, source: error.into() }
        })?;
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        match folder(&path) {
            Ok(found) => files.extend(found),
            Err(PlacesError::NothingKnown(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if files.is_empty() { Err(nothing()) } else { Ok(files) }
}

/// The files in a folder and its folders that can be read; the segments of a data directory. Links to folders are not followed.
fn folder(path: &Path) -> Result<Vec<PathBuf>, PlacesError> {
    let (mut files, mut folders) = (Vec::new(), std::vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        let segments = segments_of_data_dir(&folder)?;
        if !segments.is_empty() {
            files.extend(segments);
            continue;
        }
        for (path, kind) in entries(&folder)? {
            if kind.is_dir() {
                folders.push(path);
            } else if path.file_name().and_then(OsStr::to_str).is_some_and(detect::is_known) && path.is_file()
            {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() { Err(PlacesError::NothingKnown(path.into())) } else { Ok(files) }
}

/// The segments of a data directory; nothing if the folder is none.
fn segments_of_data_dir(folder: &Path) -> Result<Vec<PathBuf>, PlacesError> {
    let journal = folder.join(JOURNAL);
    if !journal.is_dir() {
        return Ok(Vec::new());
    }
    let is_segment = |path: &Path| path.extension() == Some(OsStr::new(SEGMENT));
    Ok(entries(&journal)?.into_iter().map(|(path, _)| path).filter(|path| is_segment(path)).collect())
}

fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, PlacesError> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
            .collect::<io::Result<Vec<_>>>()
    };
    read().map_err(PlacesError::look(folder))
}

#[cfg(test)]
mod tests;
