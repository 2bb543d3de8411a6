//! What the fold shares with those who watch it, wake it, and remove segments.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::Mark;
use tokio::sync::Notify;

use super::reading::Step;
use crate::limits::{UNREADABLE_RETRY, UNREADABLE_TRIES};

/// Watches the fold.
#[derive(Clone)]
pub struct MeteringHandle {
    shared: Arc<Shared>,
}

/// How the fold is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeteringStatus {
    /// Records folded since the start.
    pub records: u64,
    /// Transactions committed since the start.
    pub commits: u64,
    /// Attempts that failed since the start.
    pub errors: u64,
    /// What went wrong last, until it has gone right again.
    pub last_error: Option<String>,
    /// How long the usage has not been all of what the segments hold; 0 when it is.
    pub lag: Duration,
    /// Bytes of segments that are not in the usage, as of the last step.
    pub lag_bytes: u64,
    /// Segments that are not in the usage to their end and so are not removed, the live one included.
    pub segments_held: u64,
    /// Those of them that could not be read when they were last tried.
    pub segments_unreadable: u64,
    /// The mark that moved last.
    pub folded_to: Option<Mark>,
}

impl MeteringHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How the fold is doing.
    #[must_use]
    pub fn status(&self) -> MeteringStatus {
        let state = self.shared.lock();
        let is_behind = state.behind || self.shared.written.load(Ordering::Relaxed);
        let lag = if is_behind { state.caught_up_at.elapsed() } else { Duration::ZERO };
        MeteringStatus { lag, ..state.status.clone() }
    }
}

/// Between the fold, the journal's drainer, and who watches.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) wake: Notify,
    /// Something was written since the last step began.
    written: AtomicBool,
    state: Mutex<State>,
}

struct State {
    status: MeteringStatus,
    /// Something is not in the usage.
    behind: bool,
    caught_up_at: Instant,
    step_began_at: Instant,
    /// Name of the last segment that is in the usage to its end.
    passed: Option<OsString>,
    /// Segments before it that could not be read to their end, by name.
    unreadable: HashMap<OsString, Tries>,
    /// Those that have failed so often that what can be read of them has to do.
    given_up: HashSet<OsString>,
}

/// How often a segment could not be read, and when last.
struct Tries {
    count: u32,
    last_at: tokio::time::Instant,
}

impl Default for State {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            status: MeteringStatus::default(),
            behind: true,
            caught_up_at: now,
            step_began_at: now,
            passed: None,
            unreadable: HashMap::new(),
            given_up: HashSet::new(),
        }
    }
}

impl State {
    /// A segment could not be read. Tries that follow each other closely, as when commits fail, are one.
    fn tried(&mut self, name: &OsString) {
        let now = tokio::time::Instant::now();
        let tries = self.unreadable.entry(name.clone()).or_insert(Tries { count: 0, last_at: now });
        if tries.count > 0 && now.duration_since(tries.last_at) < UNREADABLE_RETRY {
            return;
        }
        *tries = Tries { count: tries.count + 1, last_at: now };
        if tries.count == UNREADABLE_TRIES {
            self.given_up.insert(name.clone());
        }
    }
}

impl Shared {
    /// Something has been written.
    pub(super) fn wakes(&self) {
        self.written.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether a segment is not yet in the usage to its end. Before the first commit none is known to be.
    pub(super) fn needs(&self, segment: &Path) -> bool {
        let state = self.lock();
        let Some(name) = segment.file_name() else { return true };
        state.passed.as_deref().is_none_or(|passed| name > passed) || state.unreadable.contains_key(name)
    }

    /// Names of segments that have failed so often that what can be read of them has to do.
    pub(super) fn given_up(&self) -> HashSet<OsString> {
        self.lock().given_up.clone()
    }

    pub(super) fn begins(&self) {
        let mut state = self.lock();
        let written = self.written.swap(false, Ordering::Relaxed);
        state.behind |= written;
        state.step_began_at = Instant::now();
    }

    pub(super) fn committed(&self, step: &Step) {
        let mut state = self.lock();
        if let Some(passed) = &step.passed {
            state.passed = Some(passed.clone());
        }
        for name in &step.unreadable {
            state.tried(name);
        }
        if step.caught_up {
            state.unreadable.retain(|name, _| step.all_unreadable.contains(name));
        }
        if step.caught_up && state.unreadable.is_empty() {
            state.behind = false;
            state.caught_up_at = state.step_began_at;
        }
        let unreadable = state.unreadable.len() as u64;
        let status = &mut state.status;
        status.records += step.records;
        status.commits += u64::from(!step.fold.advances.is_empty());
        (status.lag_bytes, status.segments_held) = (step.rest.0, step.rest.1 + unreadable);
        status.segments_unreadable = unreadable;
        let mark = |advance: &store::Advance| Mark { segment: advance.segment, offset: advance.to };
        status.folded_to = step.fold.advances.last().map(mark).or(status.folded_to);
        if status.last_error.take().is_some() {
            tracing::info!("the journal is folded into usage again");
        }
    }

    pub(super) fn failed(&self, error: String) {
        let mut state = self.lock();
        state.behind = true;
        state.status.errors += 1;
        if state.status.last_error.as_ref() != Some(&error) {
            tracing::error!(
                error,
                "the journal cannot be folded into usage; nothing is lost, it is tried again"
            );
        }
        state.status.last_error = Some(error);
    }

    pub(super) fn measured(&self, lag_bytes: u64, segments: u64) {
        let status = &mut self.lock().status;
        (status.lag_bytes, status.segments_held) = (lag_bytes, segments);
    }

    /// Each change is one step, so what a panic leaves is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
