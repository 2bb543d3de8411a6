//! Readers inside the process, called by the drainer with what it has just written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Batch;

/// Sees every record once it is part of the journal.
///
/// Called on the drainer's thread: it must be quick and must not block, or the rings fill. One that panics is removed.
pub trait EventReader: Send {
    /// Looks at the records of one block.
    fn read(&mut self, batch: &Batch<'_>);

    /// Whether a segment must stay although [`JournalOptions::keep_bytes`](crate::JournalOptions::keep_bytes) or its age would have it
    /// removed: for a reader that reads the files later. What stays holds every later segment, too.
    fn needs(&self, segment: &Path) -> bool {
        let _ = segment;
        false
    }
}

impl<F: FnMut(&Batch<'_>) + Send> EventReader for F {
    fn read(&mut self, batch: &Batch<'_>) {
        self(batch);
    }
}

/// Names a reader that was added later, so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionId(u64);

/// All readers of a journal.
#[derive(Default)]
pub(crate) struct Readers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    active: Vec<(SubscriptionId, Box<dyn EventReader>)>,
    /// Added or removed while the drainer had taken `active` away to call them.
    removed: Vec<SubscriptionId>,
}

impl Readers {
    pub(crate) fn add(&self, reader: Box<dyn EventReader>) -> SubscriptionId {
        let mut state = self.lock();
        let id = SubscriptionId(state.next);
        state.next += 1;
        state.active.push((id, reader));
        id
    }

    /// Gives back what was removed, unless the drainer is calling it: then it is ended by a thread of its own.
    pub(crate) fn remove(&self, id: SubscriptionId) -> Option<Box<dyn EventReader>> {
        let mut state = self.lock();
        let place = state.active.iter().position(|(other, _)| *other == id);
        match place {
            Some(place) => Some(state.active.remove(place).1),
            None => {
                state.removed.push(id);
                None
            }
        }
    }

    /// Shows every batch to every reader. The lock is not held meanwhile, so a reader may add and remove readers.
    pub(crate) fn show<'a>(&self, batches: &(impl Iterator<Item = Batch<'a>> + Clone)) {
        let mut taken = std::mem::take(&mut self.lock().active);
        taken.retain_mut(|(id, reader)| {
            let shown =
                catch_unwind(AssertUnwindSafe(|| batches.clone().for_each(|batch| reader.read(&batch))));
            if shown.is_err() {
                tracing::error!(reader = id.0, "a journal reader panicked and has been removed");
            }
            shown.is_ok()
        });
        let mut state = self.lock();
        taken.append(&mut state.active);
        let removed = std::mem::take(&mut state.removed);
        let (gone, stay) = taken.into_iter().partition(|(id, _)| removed.contains(id));
        state.active = stay;
        drop(state);
        end_apart(gone);
    }

    /// Whether any reader needs a segment still. For the drainer, whose own calls of readers are over by then.
    pub(crate) fn need(&self, segment: &Path) -> bool {
        self.lock().active.iter().any(|(_, reader)| reader.needs(segment))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops readers on a thread of its own: some write what they hold before they end, and the drainer does not wait for that.
fn end_apart(gone: Vec<(SubscriptionId, Box<dyn EventReader>)>) {
    if !gone.is_empty() {
        // Without a thread, they are dropped here.
        let _ = thread::Builder::new().name("reader-end".into()).spawn(move || drop(gone));
    }
}
