//! The file of saved keys: each change is appended, and when too much of it is history it is written anew.

mod format;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use policy::{KeyFacts, KeyHash};
use rustc_hash::FxHashMap;
use store::KeyState;

use super::known;

pub(crate) use self::format::{ReadSaved, read};
use self::format::{put_header, put_state};

/// Records that may be history whatever the number of keys.
const HISTORY_MIN: usize = 4096;
/// Records written at once.
const WRITE_BYTES: usize = 1 << 20;

/// Makes what was written to a file safe from a crash of the machine.
pub(super) type Sync = Arc<dyn Fn(&File) -> io::Result<()> + Send + std::marker::Sync>;

/// The file, which may not exist.
pub(super) struct SavedKeys {
    path: PathBuf,
    sync: Sync,
    /// Open for appending; `None`: the file is not there, or cannot be relied on.
    file: Option<Arc<File>>,
    /// Records in the file, and how many there were when all of them were needed.
    records: usize,
    needed: usize,
}

/// A file to which something was appended.
pub(super) struct Unsynced {
    file: Arc<File>,
    sync: Sync,
}

impl Unsynced {
    pub(super) fn sync(&self) -> io::Result<()> {
        (self.sync)(&self.file)
    }
}

/// What was saved.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) recent: VecDeque<KeyState>,
    pub(super) keys: Vec<(KeyHash, KeyFacts)>,
}

impl SavedKeys {
    pub(super) fn at(path: PathBuf) -> Self {
        Self::with_sync(path, Arc::new(File::sync_data))
    }

    pub(super) fn with_sync(path: PathBuf, sync: Sync) -> Self {
        Self { path, sync, file: None, records: 0, needed: 0 }
    }

    /// Reads the file, and cuts off a record that was not written to its end; `None` when there is no file.
    pub(super) fn load(&mut self) -> io::Result<Option<Loaded>> {
        let bytes = match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let ReadSaved { states, whole_bytes } = read(&bytes).map_err(io::Error::other)?;
        let file = OpenOptions::new().append(true).open(&self.path)?;
        if whole_bytes < bytes.len() {
            file.set_len(whole_bytes as u64)?;
        }
        self.file = Some(Arc::new(file));
        self.records = states.len();
        let mut recent = VecDeque::new();
        states.iter().for_each(|state| known::remember(&mut recent, state));
        let keys = keys_of(newest(states));
        self.needed = keys.len();
        Ok(Some(Loaded { recent, keys }))
    }

    /// Appends changes; the file survives the process at once, and the machine once it is synced. When it fails, the file is removed.
    pub(super) fn append(&mut self, changes: &[KeyState]) -> io::Result<()> {
        let mut bytes = Vec::new();
        changes.iter().for_each(|state| put_state(state, &mut bytes));
        let appended = match &self.file {
            Some(file) => (&**file).write_all(&bytes),
            None => Err(io::Error::other("there is no file to append to")),
        };
        self.records += changes.len();
        appended.inspect_err(|_| self.discard())
    }

    /// What may have to be synced; that can be done while more is appended.
    pub(super) fn unsynced(&self) -> Option<Unsynced> {
        let file = Arc::clone(self.file.as_ref()?);
        Some(Unsynced { file, sync: Arc::clone(&self.sync) })
    }

    /// Notes that a file was synced, unless another one has taken its place. When it could not be, it is removed.
    pub(super) fn synced(&mut self, unsynced: &Unsynced, outcome: io::Result<()>) -> Option<io::Result<()>> {
        let is_this = self.file.as_ref().is_some_and(|file| Arc::ptr_eq(file, &unsynced.file));
        is_this.then(|| outcome.inspect_err(|_| self.discard()))
    }

    /// Whether more than half of the file is history.
    pub(super) fn is_mostly_history(&self) -> bool {
        self.file.is_some() && self.records > self.needed * 2 + HISTORY_MIN
    }

    /// Writes the file anew without its history.
    pub(super) fn tidy(&mut self) {
        if let Err(error) = self.forget_history() {
            tracing::warn!(%error, "the saved keys cannot be written anew and keep their history");
            self.needed = self.records;
        }
    }

    fn forget_history(&mut self) -> io::Result<()> {
        let bytes = std::fs::read(&self.path)?;
        let states = read(&bytes).map_err(io::Error::other)?.states;
        let mut recent = VecDeque::new();
        states.iter().for_each(|state| known::remember(&mut recent, state));
        let oldest = recent.front().map_or(0, |state| state.number);
        let mut states = newest(states);
        states.retain(|state| state.facts.is_some() || state.number >= oldest);
        states.sort_unstable_by_key(|state| state.number);
        self.rewrite(&states)
    }

    /// Makes these states, by growing number, all that is saved. When it fails, the file is removed.
    pub(super) fn replace(&mut self, states: &[KeyState]) -> io::Result<()> {
        self.rewrite(states).inspect_err(|_| self.discard())
    }

    /// Makes another file, which takes the place of the old one at once; when it fails, the old one stays.
    fn rewrite(&mut self, states: &[KeyState]) -> io::Result<()> {
        let mut unnamed = self.path.clone().into_os_string();
        unnamed.push(".new");
        let unnamed = PathBuf::from(unnamed);
        remove(&unnamed)?;
        let written = write_file(&unnamed, states, &self.sync)
            .and_then(|file| std::fs::rename(&unnamed, &self.path).map(|()| file));
        self.file = Some(Arc::new(written.inspect_err(|_| drop(remove(&unnamed)))?));
        self.records = states.len();
        self.needed = states.len();
        self.sync_dir()
    }

    /// A file that is not true any more must not be read by the next start.
    pub(super) fn discard(&mut self) {
        self.file = None;
        let removed = remove(&self.path).and_then(|()| self.sync_dir());
        if let Err(error) = removed {
            tracing::error!(path = %self.path.display(), %error, "outdated saved keys cannot be removed");
        }
    }

    fn sync_dir(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }
}

fn write_file(path: &Path, states: &[KeyState], sync: &Sync) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    let mut bytes = Vec::with_capacity(WRITE_BYTES);
    put_header(&mut bytes);
    for state in states {
        put_state(state, &mut bytes);
        if bytes.len() >= WRITE_BYTES {
            file.write_all(&bytes)?;
            bytes.clear();
        }
    }
    file.write_all(&bytes)?;
    sync(&file)?;
    Ok(file)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The last state of each key.
fn newest(states: Vec<KeyState>) -> Vec<KeyState> {
    let mut newest = FxHashMap::with_capacity_and_hasher(states.len(), rustc_hash::FxBuildHasher);
    for state in states {
        newest.insert(state.hash, state);
    }
    newest.into_values().collect()
}

/// The keys that are not revoked.
pub(super) fn keys_of(states: Vec<KeyState>) -> Vec<(KeyHash, KeyFacts)> {
    states.into_iter().filter_map(|state| Some((state.hash, state.facts?))).collect()
}

#[cfg(test)]
mod tests;
