//! Who may call a function now: as many as its `instances`, and those of all functions together, with one bounded queue in front.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockgate_event::EventId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Function;
use crate::guest::Instance;
use crate::log::RequestId;
use crate::room::Place;

/// How often a function's log says at most that a call was turned away: there may be as many of them as there are requests.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// A place to run one call.
pub struct Permit {
    /// What it runs in: an instance that was kept, with its place, or a place for a new one.
    pub(crate) kept: Option<Instance>,
    pub(crate) place: Option<Place>,
    /// Of the function's own.
    pub(crate) own: OwnedSemaphorePermit,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("is_kept", &self.kept.is_some()).finish_non_exhaustive()
    }
}

/// Why there is no place to run a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// As many calls as may wait do so already.
    #[error("all `instances` of the function are in use, and its `queue` is full")]
    Full,
    /// No place of the function's own became free in `queue_time`.
    #[error("all `instances` of the function are in use, and none became free in its `queue_time`")]
    Late,
    /// There was no place of those that all functions share, and none became free in `queue_time` where the call could wait.
    #[error("all `instances` of `[functions]`, which all functions share, are in use")]
    NoRoom,
}

/// A function's own places, and who waits for one.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Places for calls, of which each takes as many as its instance does of the room.
    places: Arc<Semaphore>,
    places_max: usize,
    waiting: AtomicUsize,
    told: Mutex<Told>,
}

/// When the log said last that a call was turned away, and how many have been since.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    untold: u64,
}

impl Queue {
    pub(crate) fn new(instances: usize) -> Self {
        let places_max = instances.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places_max)),
            places_max,
            waiting: AtomicUsize::new(0),
            told: Mutex::default(),
        }
    }

    /// Places that are not free.
    pub(crate) fn taken(&self) -> usize {
        self.places_max.saturating_sub(self.places.available_permits())
    }

    /// Calls that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// How many were turned away unseen, if the log is to speak now.
    fn speak(&self) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told.at.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY) {
            told.untold += 1;
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

impl Function {
    /// Waits for a place among the function's `instances` and among those of all functions, in a queue of bounded length and for a
    /// bounded time. Places are given in the order they were asked for.
    ///
    /// # Errors
    ///
    /// [`Busy`], which is for a 503 with `Retry-After`; it is counted, and in the log if that has not been said just now.
    pub async fn enter(&self, id: EventId) -> Result<Permit, Busy> {
        let entered = self.try_enter().await;
        if let Err(busy) = entered {
            self.facts().counters.failed("function_busy");
            if let Some(untold) = self.queue.speak() {
                let (function, request) = (&*self.settings().name, RequestId(Some(id)));
                tracing::warn!(target: "function", function, %request, reason = "function_busy", untold, "{busy}");
            }
        }
        entered
    }

    async fn try_enter(&self) -> Result<Permit, Busy> {
        let count = self.places_of_call();
        let mut own = self.queue.places.clone().try_acquire_many_owned(count).ok();
        if let Some(taken) = own.take() {
            match self.lodge(taken) {
                Ok(permit) => return Ok(permit),
                Err(taken) => own = Some(taken),
            }
        }
        let why = Cell::new(if own.is_some() { Busy::NoRoom } else { Busy::Late });
        let full = if own.is_some() && self.settings().queue == 0 { Busy::NoRoom } else { Busy::Full };
        let _waits = Waits::begin(self).ok_or(full)?;
        let waiting = async {
            let own = match own {
                Some(own) => own,
                // Nobody closes it.
                None => self.queue.places.clone().acquire_many_owned(count).await.map_err(|_| Busy::Late)?,
            };
            why.set(Busy::NoRoom);
            let waits = self.room().wait();
            // An instance may have become free in between; of those that come later, those who wait here go first.
            match self.lodge(own) {
                Ok(permit) => Ok(permit),
                Err(own) => {
                    Ok(Permit { kept: None, place: Some(waits.place(self.places_each()).await), own })
                }
            }
        };
        let waited = tokio::time::timeout(self.settings().queue_time, waiting).await;
        waited.unwrap_or_else(|_| Err(why.get()))
    }

    /// What a call runs in, if there is something at once.
    fn lodge(&self, own: OwnedSemaphorePermit) -> Result<Permit, OwnedSemaphorePermit> {
        if let Some(kept) = self.kept() {
            return Ok(Permit { kept: Some(kept), place: None, own });
        }
        match self.room().try_place(self.places_each()) {
            Some(place) => Ok(Permit { kept: None, place: Some(place), own }),
            None => Err(own),
        }
    }
}

/// A place in the queue.
struct Waits<'a>(&'a Queue);

impl<'a> Waits<'a> {
    fn begin(function: &'a Function) -> Option<Self> {
        let queue = function.settings().queue;
        let more = |waiting: usize| (waiting < queue).then_some(waiting + 1);
        function.queue.waiting.try_update(Relaxed, Relaxed, more).is_ok().then(|| Self(&function.queue))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}
