//! What the fold shares with those who watch it, wake it, and remove segments.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::Mark;
use tokio::sync::Notify;

use super::reading::Step;

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
        state.passed.as_deref().is_none_or(|passed| segment.file_name().is_none_or(|name| name > passed))
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
        if step.caught_up {
            state.behind = false;
            state.caught_up_at = state.step_began_at;
        }
        let status = &mut state.status;
        status.records += step.records;
        status.commits += u64::from(!step.fold.advances.is_empty());
        (status.lag_bytes, status.segments_held) = step.rest;
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
