//! What the follower of keys shares with those who watch it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::known::Known;

/// Watches the follower of keys.
#[derive(Clone)]
pub struct KeysHandle {
    shared: Arc<Shared>,
}

/// How the follower of keys is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysStatus {
    /// Whether the database answered the last time it was asked.
    pub database_up: bool,
    /// How long ago it last answered, so that the keys were what it says; before the first answer, since the start.
    pub age: Duration,
    /// Number of the last change that is in force; `None`: nothing is known of any key.
    pub number: Option<u64>,
    /// Changes put in force since the start, besides those of reading all keys.
    pub changes: u64,
    /// How often all keys have been read since the start.
    pub reloads: u64,
    /// Looks at the database that failed since the start.
    pub errors: u64,
    /// Why the last look failed, until one succeeds.
    pub last_error: Option<String>,
    /// Why the keys could not be saved, until they are.
    pub save_error: Option<String>,
}

impl KeysHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How the follower is doing.
    #[must_use]
    pub fn status(&self) -> KeysStatus {
        let state = self.shared.lock();
        KeysStatus { age: state.answered_at.elapsed(), ..state.status.clone() }
    }
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
}

struct State {
    status: KeysStatus,
    answered_at: Instant,
}

impl Default for State {
    fn default() -> Self {
        Self { status: KeysStatus::default(), answered_at: Instant::now() }
    }
}

impl Shared {
    pub(super) fn knows(&self, known: Option<&Known>) {
        self.lock().status.number = known.map(Known::number);
    }

    pub(super) fn succeeded(&self, known: Option<&Known>) {
        self.knows(known);
        let mut state = self.lock();
        state.answered_at = Instant::now();
        let status = &mut state.status;
        status.database_up = true;
        if status.last_error.take().is_some() {
            tracing::info!("keys are followed again");
        }
    }

    pub(super) fn failed(&self, error: String) {
        let status = &mut self.lock().status;
        status.database_up = false;
        status.errors += 1;
        if status.last_error.as_ref() != Some(&error) {
            tracing::error!(error, "changes of keys are not seen; known keys go on working");
        }
        status.last_error = Some(error);
    }

    pub(super) fn changed(&self, changes: u64) {
        self.lock().status.changes += changes;
    }

    pub(super) fn read_all(&self) {
        self.lock().status.reloads += 1;
    }

    pub(super) fn saved(&self, error: Option<io::Error>) {
        let error = error.map(|error| error.to_string());
        let status = &mut self.lock().status;
        if error.is_some() && status.save_error != error {
            tracing::error!(error, "keys cannot be saved; a start without the database would know none");
        }
        status.save_error = error;
    }

    /// Each change is one step, so what a panic leaves is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
