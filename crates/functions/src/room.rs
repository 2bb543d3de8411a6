//! How many instances there may be over all functions, whichever engine's pool they lie in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Component;

/// Tables that a pool has for each place.
pub(crate) const TABLES_PER_PLACE: u32 = 4;

/// Places for instances. One with many memories or tables takes several, so that none finds the pool without them.
#[derive(Debug)]
pub(crate) struct Room {
    /// How many there are.
    places_max: usize,
    /// Places that are free.
    places: AtomicUsize,
    /// How many may still be taken by instances that are kept idle.
    idle: AtomicUsize,
    /// A place of its own for what is started to see whether it can be: that should work while all others are taken.
    start: Arc<Semaphore>,
}

/// An instance's places; free again when this is dropped.
#[derive(Debug)]
pub(crate) enum Place {
    /// To serve calls.
    Serving {
        /// Whose.
        room: Arc<Room>,
        /// How many.
        count: usize,
    },
    /// To start, once.
    Starting {
        /// Nobody else does.
        _alone: Option<OwnedSemaphorePermit>,
    },
}

impl Room {
    /// Room for that many instances, half of them idle.
    pub(crate) fn new(instances: usize) -> Self {
        let places_max = instances.max(1);
        Self {
            places_max,
            places: AtomicUsize::new(places_max),
            idle: AtomicUsize::new(instances / 2),
            start: Arc::new(Semaphore::new(1)),
        }
    }

    /// How many places an instance of a component takes.
    pub(crate) fn needed(&self, component: &Component) -> usize {
        let (tables, memories) = component
            .resources_required()
            .map_or((0, 0), |required| (required.num_tables, required.num_memories));
        (tables.div_ceil(TABLES_PER_PLACE).max(memories).max(1) as usize).min(self.places_max)
    }

    /// Places for one more instance, if they are free.
    pub(crate) fn place(self: &Arc<Self>, count: usize) -> Option<Place> {
        take(&self.places, count).then(|| Place::Serving { room: self.clone(), count })
    }

    /// Waits until nobody else starts something.
    pub(crate) async fn place_to_start(&self) -> Place {
        // Nobody closes it.
        Place::Starting { _alone: self.start.clone().acquire_owned().await.ok() }
    }

    /// Whether an instance with that many places may be kept idle, which is then counted.
    pub(crate) fn keep(&self, count: usize) -> bool {
        take(&self.idle, count)
    }

    /// Notes that so many places are no longer idle.
    pub(crate) fn unkeep(&self, count: usize) {
        self.idle.fetch_add(count, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Serving { room, count } = self {
            room.places.fetch_add(*count, Relaxed);
        }
    }
}

fn take(left: &AtomicUsize, count: usize) -> bool {
    left.try_update(Relaxed, Relaxed, |left| left.checked_sub(count)).is_ok()
}
