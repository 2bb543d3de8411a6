//! Saves keys beside the looks at the database, so that a disk which stalls holds up no revocation.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use store::KeyState;
use tokio::task::{JoinHandle, spawn_blocking};

use super::known::Known;
use super::saved::{SavedKeys, Unsynced};
use crate::KeySink;
use crate::limits::KEY_CHANGES_WAITING;

/// The file of saved keys, what is still to be written to it, and the threads that write and sync it.
pub(super) struct Saving {
    path: PathBuf,
    /// `None` while a thread works on it.
    saved: Option<SavedKeys>,
    working: Option<JoinHandle<(SavedKeys, Done)>>,
    /// Syncs what has been appended, while more may be.
    syncing: Option<JoinHandle<(Unsynced, io::Result<()>)>>,
    waiting: Waiting,
    /// More changed than can wait: the file is not true any more.
    overflowed: bool,
    /// Something was appended since the last sync began.
    unsynced: bool,
    outcome: Option<io::Result<()>>,
}

/// What is to be written: first all keys, then what changed since.
#[derive(Default)]
struct Waiting {
    all: Option<Arc<Vec<KeyState>>>,
    changes: Vec<KeyState>,
}

/// What a thread did to the file.
enum Done {
    /// It is as it should be, on the disk.
    Replaced(io::Result<()>),
    /// It has to be synced.
    Appended(io::Result<()>),
    /// It became shorter, or not.
    Tidied,
}

impl Saving {
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            saved: Some(SavedKeys::at(path.clone())),
            path,
            working: None,
            syncing: None,
            waiting: Waiting::default(),
            overflowed: false,
            unsynced: false,
            outcome: None,
        }
    }

    /// The file, to be read before anything is saved.
    pub(super) fn file(&mut self) -> Option<&mut SavedKeys> {
        self.saved.as_mut()
    }

    /// Reads the file on a thread for it.
    pub(super) async fn load(&mut self, sink: Arc<dyn KeySink>) -> Option<Known> {
        let mut saved = self.saved.take()?;
        let loading = spawn_blocking(move || {
            let known = super::load(&mut saved, &*sink);
            (saved, known)
        });
        let (saved, known) = loading.await.unwrap_or_else(|_| (SavedKeys::at(self.path.clone()), None));
        self.saved = Some(saved);
        known
    }

    /// Has changes appended.
    pub(super) fn append(&mut self, changes: &[KeyState]) {
        if self.waiting.changes.len() + changes.len() > KEY_CHANGES_WAITING {
            self.waiting = Waiting::default();
            self.overflowed = true;
        }
        if !self.overflowed {
            self.waiting.changes.extend_from_slice(changes);
        }
    }

    /// Has all keys there are, by growing number, take the place of what the file says.
    pub(super) fn replace(&mut self, states: Arc<Vec<KeyState>>) {
        self.waiting = Waiting { all: Some(states), changes: Vec::new() };
        self.overflowed = false;
    }

    /// Waits until the file says everything; it may have to be synced still.
    ///
    /// # Cancel safety
    /// What has begun goes on, and is looked after by the next call of this or of [`Saving::go_on`].
    pub(super) async fn written(&mut self) {
        self.begin();
        while self.working.is_some() {
            self.go_on().await;
            self.begin();
        }
    }

    /// Waits until something has been done, for ever if there is nothing to do.
    ///
    /// # Cancel safety
    /// As of [`Saving::written`].
    pub(super) async fn go_on(&mut self) {
        self.begin();
        tokio::select! {
            worked = ended(&mut self.working) => {
                let (saved, done) =
                    worked.unwrap_or_else(|gone| (SavedKeys::at(self.path.clone()), Done::Replaced(Err(gone))));
                self.saved = Some(saved);
                self.note(done);
            }
            synced = ended(&mut self.syncing), if self.saved.is_some() => {
                let Some(saved) = &mut self.saved else { return };
                let synced = synced.map(|(unsynced, outcome)| saved.synced(&unsynced, outcome));
                let outcome = synced.unwrap_or_else(|gone| Some(Err(gone)));
                if outcome.is_some() {
                    self.outcome = outcome;
                }
                if !self.unsynced && self.waiting.is_empty() {
                    self.tidy();
                }
            }
        }
    }

    /// How saving went, since this was last asked.
    pub(super) fn take_outcome(&mut self) -> Option<io::Result<()>> {
        self.outcome.take()
    }

    fn note(&mut self, done: Done) {
        match done {
            Done::Replaced(outcome) => self.outcome = Some(outcome),
            Done::Appended(Ok(())) => self.unsynced = true,
            Done::Appended(outcome) => self.outcome = Some(outcome),
            Done::Tidied => {}
        }
        if self.overflowed
            && let Some(saved) = &mut self.saved
        {
            self.overflowed = false;
            saved.discard();
            self.outcome = Some(Err(io::Error::other("more keys changed than can wait for the disk")));
        }
    }

    /// Has threads do what there is to do.
    fn begin(&mut self) {
        let Some(saved) = &self.saved else { return };
        if self.unsynced && self.syncing.is_none() {
            self.unsynced = false;
            self.syncing = saved.unsynced().map(|unsynced| {
                spawn_blocking(move || {
                    let outcome = unsynced.sync();
                    (unsynced, outcome)
                })
            });
        }
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            self.work(|saved| waiting.write(saved));
        }
    }

    fn tidy(&mut self) {
        if self.saved.as_ref().is_some_and(SavedKeys::is_mostly_history) {
            self.work(|saved| {
                saved.tidy();
                Done::Tidied
            });
        }
    }

    fn work(&mut self, work: impl FnOnce(&mut SavedKeys) -> Done + Send + 'static) {
        let Some(mut saved) = self.saved.take() else { return };
        self.working = Some(spawn_blocking(move || {
            let done = work(&mut saved);
            (saved, done)
        }));
    }

    /// Has files synced in another way.
    #[cfg(test)]
    pub(super) fn sync_with(&mut self, sync: super::saved::Sync) {
        self.saved = Some(SavedKeys::with_sync(self.path.clone(), sync));
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.all.is_none() && self.changes.is_empty()
    }

    fn write(self, saved: &mut SavedKeys) -> Done {
        if let Some(all) = self.all {
            let replaced = saved.replace(&all);
            if replaced.is_err() || self.changes.is_empty() {
                return Done::Replaced(replaced);
            }
        }
        Done::Appended(saved.append(&self.changes))
    }
}

/// Waits for a thread, if there is one, and takes it away.
async fn ended<T>(thread: &mut Option<JoinHandle<T>>) -> io::Result<T> {
    let Some(running) = thread else { return std::future::pending().await };
    let ended = running.await;
    *thread = None;
    ended.map_err(io::Error::other)
}
