//! A function that is loaded: who may call it now, and the instances it keeps.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::Engine;
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::handler::ProxyPre;

use crate::counts::Counters;
use crate::entrance::Queue;
use crate::guest::{Guest, Instance};
use crate::outbound::Hooks;
use crate::room::Room;
use crate::{Counts, Settings};

/// A component that is compiled and linked, with its settings.
pub struct Function {
    engine: Engine,
    pre: ProxyPre<Guest>,
    facts: Arc<Facts>,
    values: Arc<WasiConfigVariables>,
    component_hash: String,
    pub(crate) queue: Queue,
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

impl Function {
    pub(crate) fn new(
        engine: Engine,
        pre: ProxyPre<Guest>,
        settings: Settings,
        component_hash: String,
        room: Arc<Room>,
    ) -> Self {
        Self {
            engine,
            pre,
            values: Arc::new(settings.values.iter().cloned().collect()),
            queue: Queue::new(settings.instances),
            facts: Facts::new(settings),
            component_hash,
            kept: Mutex::default(),
            told_unclean: AtomicBool::new(false),
            room,
            places_each: 1,
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
        let running = self.queue.taken() / self.places_of_call() as usize;
        self.facts.counters.read(running, self.queue.waiting())
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

    /// How many places of the room an instance takes.
    pub(crate) fn places_each(&self) -> usize {
        self.places_each
    }

    /// Notes how many places of the room an instance takes.
    pub(crate) fn take_places(&mut self, places_each: usize) {
        self.places_each = places_each;
    }

    /// Of its own `instances`, how many places a call takes.
    pub(crate) fn places_of_call(&self) -> u32 {
        let count = self.places_each.min(self.settings().instances).max(1);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// An instance that is still to be started.
    pub(crate) fn new_instance(&self, hooks: Hooks) -> Instance {
        Instance::new(&self.engine, hooks, self.values.clone())
    }

    /// An instance that was kept for another call.
    pub(crate) fn kept(&self) -> Option<Instance> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        self.room.unkeep(self.places_each);
        Some(kept)
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
            // Whoever waits for places has looked here before. It comes first.
            if self.room.is_wanted() {
                drop(self.kept());
            }
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
