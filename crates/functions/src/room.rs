//! How many instances there may be over all functions, whichever engine's pool they lie in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Component;

/// Tables that a pool has for each place.
pub(crate) const TABLES_PER_PLACE: u32 = 4;

/// Stacks that a pool of the async component model has for each place: that of the one task that most components run at a time, and
/// one on which the engine hands over what the host has answered meanwhile.
pub(crate) const STACKS_PER_PLACE: u32 = 2;

/// Places for instances. One with many memories, tables or stacks takes several, so that none finds the pool without them. Who waits for
/// places gets them in turn.
#[derive(Debug)]
pub(crate) struct Room {
    /// How many there are.
    places_max: usize,
    /// Places that are free.
    places: Arc<Semaphore>,
    /// How many may still be taken by instances that are kept idle.
    idle: AtomicUsize,
    /// Who waits for places.
    waiting: AtomicUsize,
    /// A place of its own for what is started to see whether it can be: that should work while all others are taken.
    start: Arc<Semaphore>,
}

/// An instance's places; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _places: Option<OwnedSemaphorePermit>,
}

/// What an instance takes of its pool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Memories, of which a garbage-collected heap is one.
    pub(crate) memories: u32,
    pub(crate) tables: u32,
    pub(crate) stacks: u32,
}

impl Needs {
    /// Of a component's instances, apart from their heaps.
    pub(crate) fn of(component: &Component, stacks: u32) -> Self {
        let required = component.resources_required();
        let (memories, tables) =
            required.map_or((0, 0), |required| (required.num_memories, required.num_tables));
        Self { memories, tables, stacks }
    }
}

impl Room {
    /// Room for that many instances, half of them idle.
    pub(crate) fn new(instances: usize) -> Self {
        let places_max = instances.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places_max,
            places: Arc::new(Semaphore::new(places_max)),
            idle: AtomicUsize::new(instances / 2),
            waiting: AtomicUsize::new(0),
            start: Arc::new(Semaphore::new(1)),
        }
    }

    /// How many places an instance takes.
    pub(crate) fn needed(&self, needs: Needs) -> usize {
        let (tables, stacks) =
            (needs.tables.div_ceil(TABLES_PER_PLACE), needs.stacks.div_ceil(STACKS_PER_PLACE));
        (needs.memories.max(tables).max(stacks).max(1) as usize).min(self.places_max)
    }

    /// Places for one more instance, if they are free and nobody waits for them.
    pub(crate) fn try_place(&self, count: usize) -> Option<Place> {
        let places = self.places.clone().try_acquire_many_owned(permits(count)).ok()?;
        Some(Place { _places: Some(places) })
    }

    /// Notes that somebody is about to wait for places, until what is returned is dropped.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, SeqCst);
        Waiting(self)
    }

    /// Whether somebody waits for places.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(SeqCst) > 0
    }

    /// Waits until nobody else starts something.
    pub(crate) async fn place_to_start(&self) -> Place {
        // Nobody closes it.
        Place { _places: self.start.clone().acquire_owned().await.ok() }
    }

    /// Whether an instance with that many places may be kept idle, which is then counted.
    pub(crate) fn keep(&self, count: usize) -> bool {
        self.idle.try_update(Relaxed, Relaxed, |left| left.checked_sub(count)).is_ok()
    }

    /// Notes that so many places are no longer idle.
    pub(crate) fn unkeep(&self, count: usize) {
        self.idle.fetch_add(count, Relaxed);
    }
}

/// Somebody who waits for places.
pub(crate) struct Waiting<'a>(&'a Room);

impl Waiting<'_> {
    /// Waits for places.
    pub(crate) async fn place(&self, count: usize) -> Place {
        // Nobody closes it.
        Place { _places: self.0.places.clone().acquire_many_owned(permits(count)).await.ok() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

fn permits(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
