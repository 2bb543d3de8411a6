//! Follows the keys in the store, tells the data plane, and keeps a copy in the data directory for a start without the database.
//!
//! Changes are numbered in the order of their commits. Each look asks for what follows the change before the last one known, so that the last
//! one is in the answer: if it is not as it was, the database is another one, or was restored from a backup, and all keys are read anew.

mod known;
mod saved;
mod saving;
mod status;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use policy::KeyHash;
use rustc_hash::FxHashMap;
use store::{KeyState, Store, StoreError};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use self::known::{Known, News};
use self::saved::SavedKeys;
use self::saving::Saving;
use self::status::Shared;
use crate::chain::chain_of;
use crate::limits::{KEY_CALL, KEY_LISTEN_RETRY, KEY_PAGE, KEY_POLL, KEY_SAVE_RETRY, KEY_SAVE_WAIT};
use crate::{KeyHint, KeySink};

pub use self::status::{KeysHandle, KeysStatus};

/// Follows the keys; to be run once.
pub struct KeyFollower {
    store: Arc<dyn Store>,
    sink: Arc<dyn KeySink>,
    hint: KeyHint,
    shared: Arc<Shared>,
    saving: Saving,
    loaded: bool,
    /// `None`: nothing, all keys are to be read.
    known: Option<Known>,
    /// Whether the database may have become another one since the last look.
    doubt: bool,
    /// When what could not be saved is to be saved again.
    save_again_at: Option<Instant>,
}

/// Why a look at the store failed.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("keys cannot be followed")]
    Store(#[from] StoreError),
    #[error("the database does not answer")]
    TimedOut,
    #[error("the thread that puts keys in force is gone")]
    Gone,
}

impl KeyFollower {
    /// Makes a follower that tells `sink` of the keys in `store`, keeps them in the file `saved`, and looks when `hint` is given, when another
    /// node tells of a change, and every [`KEY_POLL`].
    pub fn new(store: Arc<dyn Store>, sink: Arc<dyn KeySink>, saved: PathBuf, hint: KeyHint) -> Self {
        Self {
            store,
            sink,
            hint,
            shared: Arc::default(),
            saving: Saving::at(saved),
            loaded: false,
            known: None,
            doubt: true,
            save_again_at: None,
        }
    }

    /// Tells how it goes.
    #[must_use]
    pub fn handle(&self) -> KeysHandle {
        KeysHandle::new(Arc::clone(&self.shared))
    }

    /// Puts the saved keys in force, if there are any. It reads a file: [`KeyFollower::run`] does the same first, unless it has been done.
    pub fn load(&mut self) {
        self.loaded = true;
        let Some(saved) = self.saving.file() else { return };
        self.known = load(saved, &*self.sink);
        self.shared.knows(self.known.as_ref());
    }

    /// Follows until it is asked to stop.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let told = Arc::<Notify>::default();
        let listening = listen(Arc::clone(&self.store), Arc::clone(&told));
        tokio::select! {
            never = self.follow(&told) => match never {},
            never = listening => match never {},
            () = shutdown => {}
        }
    }

    async fn follow(&mut self, told: &Notify) -> Infallible {
        if !self.loaded {
            self.loaded = true;
            let sink = Arc::clone(&self.sink);
            self.known = self.saving.load(sink).await;
            self.shared.knows(self.known.as_ref());
        }
        loop {
            match self.look().await {
                Ok(()) => self.shared.succeeded(self.known.as_ref()),
                Err(error) => {
                    self.doubt = true;
                    self.shared.failed(chain_of(&error));
                }
            }
            self.rest(told).await;
        }
    }

    /// Waits until it is time for another look.
    async fn rest(&mut self, told: &Notify) {
        let mut longest = std::pin::pin!(sleep(KEY_POLL));
        loop {
            tokio::select! {
                () = self.hint.wait() => return,
                () = told.notified() => return,
                () = longest.as_mut() => return,
                () = self.saving.go_on() => self.note_saving(),
            }
        }
    }

    /// Puts in force what has changed.
    async fn look(&mut self) -> Result<(), FollowError> {
        if self.hint.takes_other_database() {
            self.known = None;
        }
        if self.save_again_at.is_some_and(|at| at <= Instant::now()) {
            return self.read_all().await;
        }
        loop {
            let Some(known) = &self.known else { return self.read_all().await };
            let states = self.changes(known.anchor(self.doubt)).await?;
            let was_last = states.len() < KEY_PAGE as usize;
            match known.news(states, self.doubt) {
                News::Changes(changes) => {
                    self.doubt = false;
                    self.apply(changes).await?;
                }
                News::OtherDatabase => {
                    tracing::warn!(
                        "the database does not go on from the keys that are known; they are all read anew"
                    );
                    return self.read_all().await;
                }
            }
            if was_last {
                return Ok(());
            }
        }
    }

    async fn changes(&self, after: u64) -> Result<Vec<KeyState>, FollowError> {
        let states = timeout(KEY_CALL, self.store.key_changes(after, KEY_PAGE)).await;
        Ok(states.map_err(|_| FollowError::TimedOut)??)
    }

    /// Changes single keys. They are in the file before they are in force, so that no revoked key comes back, as long as the disk does not stall.
    async fn apply(&mut self, changes: Vec<KeyState>) -> Result<(), FollowError> {
        let Some(known) = &mut self.known else { return Ok(()) };
        if changes.is_empty() {
            return Ok(());
        }
        known.add(&changes);
        self.saving.append(&changes);
        self.wait_for_saving().await;
        let sink = Arc::clone(&self.sink);
        let count = changes.len() as u64;
        let changes: Vec<_> = changes.into_iter().map(|state| (state.hash, state.facts)).collect();
        spawn_blocking(move || sink.apply(changes)).await.map_err(|_| FollowError::Gone)?;
        self.shared.changed(count);
        Ok(())
    }

    /// Reads every key and makes them all there are.
    async fn read_all(&mut self) -> Result<(), FollowError> {
        let mut states = FxHashMap::<KeyHash, KeyState>::default();
        let mut number = 0;
        let mut recent = VecDeque::new();
        loop {
            let page = self.changes(number).await?;
            let was_last = page.len() < KEY_PAGE as usize;
            for state in page {
                number = state.number;
                known::remember(&mut recent, &state);
                states.insert(state.hash, state);
            }
            if was_last {
                break;
            }
        }
        let known = Known::new(recent);
        let tombs = known.oldest();
        states.retain(|_, state| state.facts.is_some() || state.number >= tombs);
        let sorting = spawn_blocking(move || {
            let mut states: Vec<_> = states.into_values().collect();
            states.sort_unstable_by_key(|state| state.number);
            Arc::new(states)
        });
        let states = sorting.await.map_err(|_| FollowError::Gone)?;
        self.saving.replace(Arc::clone(&states));
        self.wait_for_saving().await;
        let sink = Arc::clone(&self.sink);
        let replacing = spawn_blocking(move || sink.replace(saved::keys_of(Arc::unwrap_or_clone(states))));
        replacing.await.map_err(|_| FollowError::Gone)?;
        self.known = Some(known);
        self.doubt = false;
        self.shared.read_all();
        Ok(())
    }

    /// A disk that stalls may keep the file back, but not what is in force.
    async fn wait_for_saving(&mut self) {
        // What is not written in time is written later.
        let _ = timeout(KEY_SAVE_WAIT, self.saving.written()).await;
        self.note_saving();
    }

    /// A copy that is not true any more has been removed: without the database no key is better than a revoked one.
    fn note_saving(&mut self) {
        let Some(outcome) = self.saving.take_outcome() else { return };
        self.save_again_at = match &outcome {
            Ok(()) => None,
            Err(_) => {
                self.save_again_at.filter(|at| *at > Instant::now()).or(Some(Instant::now() + KEY_SAVE_RETRY))
            }
        };
        self.shared.saved(outcome.err());
    }
}

/// Puts the saved keys in force.
fn load(saved: &mut SavedKeys, sink: &dyn KeySink) -> Option<Known> {
    match saved.load() {
        Ok(Some(loaded)) => {
            let known = Known::new(loaded.recent);
            tracing::info!(keys = loaded.keys.len(), "saved keys are in force");
            sink.replace(loaded.keys);
            Some(known)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!(
                error = chain_of(&error),
                "the saved keys cannot be read; none is known before the database answers"
            );
            None
        }
    }
}

/// Hears of changes that other nodes make.
async fn listen(store: Arc<dyn Store>, told: Arc<Notify>) -> Infallible {
    loop {
        if let Ok(mut listener) = store.listen().await {
            // Whatever happened before has been missed.
            told.notify_one();
            while listener.changed().await.is_ok() {
                told.notify_one();
            }
        }
        sleep(KEY_LISTEN_RETRY).await;
    }
}

#[cfg(test)]
mod tests;
