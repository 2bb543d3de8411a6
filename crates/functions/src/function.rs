//! A function that is loaded: who may call it now, and the instances it keeps.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use wasmtime::Engine;
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::handler::ProxyPre;

use crate::counts::Counters;
use crate::guest::{Guest, Instance};
use crate::outbound::Hooks;
use crate::room::{Place, Room};
use crate::{Counts, Settings};

/// A component that is compiled and linked, with its settings.
pub struct Function {
    engine: Engine,
    pre: ProxyPre<Guest>,
    facts: Arc<Facts>,
    values: Arc<WasiConfigVariables>,
    component_hash: String,
    /// Places for calls, of which each takes as many as its instance does of the room.
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    kept: Mutex<Vec<Instance>>,
    /// Whether the log says that its instances cannot be kept.
    told_unclean: AtomicBool,
    room: Arc<Room>,
    /// How many places of it an instance takes.
    places_each: usize,
}

/// What a function's calls are measured by, and where they are counted.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
}

impl Facts {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { settings, counters: Counters::default() })
    }
}

/// A place to run one call; it is free again when this is dropped.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

/// Why there is no place to run a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// As many calls as may wait do so already.
    #[error("all instances are in use, and the queue is full")]
    Full,
    /// No place became free in `queue_time`.
    #[error("no instance became free in `queue_time`")]
    Late,
}

impl Function {
    pub(crate) fn new(
        engine: Engine,
        pre: ProxyPre<Guest>,
        settings: Settings,
        component_hash: String,
        (room, places_each): (Arc<Room>, usize),
    ) -> Self {
        let places = settings.instances.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            engine,
            pre,
            values: Arc::new(settings.values.iter().cloned().collect()),
            facts: Facts::new(settings),
            component_hash,
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            kept: Mutex::default(),
            told_unclean: AtomicBool::new(false),
            room,
            places_each,
        }
    }

    /// What the function is allowed and given.
    pub fn settings(&self) -> &Settings {
        &self.facts.settings
    }

    /// SHA-256 of the component, in hexadecimal digits.
    pub fn component_hash(&self) -> &str {
        &self.component_hash
    }

    /// Which world it is called through: `wasi:http/proxy@0.2` or `wasi:http/service@0.3`.
    pub fn world(&self) -> &'static str {
        world(&self.pre)
    }

    /// Figures of its calls.
    pub fn counts(&self) -> Counts {
        let places = self.settings().instances.clamp(1, Semaphore::MAX_PERMITS);
        let taken = places.saturating_sub(self.places.available_permits());
        let running = taken / self.places_of_call() as usize;
        self.facts.counters.read(running, self.waiting.load(Relaxed))
    }

    /// Waits for one of the function's `instances` places, in a queue of bounded length and for a bounded time. Places are given
    /// in the order they were asked for. The permit is to be held until the last byte of the answer has been sent.
    ///
    /// # Errors
    ///
    /// [`Busy`], which is for a 503 with `Retry-After`.
    pub async fn enter(self: &Arc<Self>) -> Result<Permit, Busy> {
        let count = self.places_of_call();
        match self.places.clone().try_acquire_many_owned(count) {
            Ok(place) => return Ok(Permit { _place: place }),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {}
        }
        let waits = Waits::begin(self).ok_or_else(|| self.refused(Busy::Full))?;
        let place =
            tokio::time::timeout(self.settings().queue_time, self.places.clone().acquire_many_owned(count))
                .await;
        drop(waits);
        match place {
            Ok(Ok(place)) => Ok(Permit { _place: place }),
            Ok(Err(_)) | Err(_) => Err(self.refused(Busy::Late)),
        }
    }

    fn refused(&self, busy: Busy) -> Busy {
        self.facts.counters.failed("function_busy");
        busy
    }

    pub(crate) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    pub(crate) fn pre(&self) -> &ProxyPre<Guest> {
        &self.pre
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Of its own `instances`, how many places a call takes.
    fn places_of_call(&self) -> u32 {
        let count = self.places_each.min(self.settings().instances).max(1);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Places for an instance that serves calls.
    pub(crate) fn place(&self) -> Option<Place> {
        self.room.place(self.places_each)
    }

    /// An instance for a call: a kept one, else one that is still to be started.
    pub(crate) fn instance(&self, hooks: Hooks) -> Instance {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(mut instance) => {
                self.room.unkeep(self.places_each);
                instance.resume(hooks);
                instance
            }
            None => Instance::new(&self.engine, hooks, self.values.clone()),
        }
    }

    /// Keeps an instance for another call, where that is wanted and nothing of this one is left in it on the host's side.
    pub(crate) fn keep(&self, instance: Instance) {
        if instance.served >= self.settings().reuse {
            return;
        }
        if !instance.is_clean() {
            self.tell_unclean();
        } else if self.room.keep(self.places_each) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
    }

    /// Says once why `reuse` does not do what was hoped for.
    fn tell_unclean(&self) {
        if !self.told_unclean.swap(true, Relaxed) {
            tracing::info!(
                target: "function",
                function = &*self.settings().name,
                "an instance still held its request or other resources when it had answered, and is not used again; `reuse` helps only guests that let go of them"
            );
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("settings", self.settings())
            .field("component_hash", &self.component_hash)
            .finish_non_exhaustive()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.room.unkeep(kept.len() * self.places_each);
    }
}

/// Which world a linked component exports.
pub(crate) fn world(pre: &ProxyPre<Guest>) -> &'static str {
    match pre {
        ProxyPre::P2(_) => "wasi:http/proxy@0.2",
        ProxyPre::P3(_) => "wasi:http/service@0.3",
    }
}

/// A place in the queue.
struct Waits<'a>(&'a Function);

impl<'a> Waits<'a> {
    fn begin(function: &'a Function) -> Option<Self> {
        let queue = function.settings().queue;
        let more = |waiting: usize| (waiting < queue).then_some(waiting + 1);
        function.waiting.try_update(Relaxed, Relaxed, more).is_ok().then(|| Self(function))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}
