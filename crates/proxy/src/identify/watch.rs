//! Tunnels outlive the request that opened them: whether their keys still allow them is looked at again every second, for all of a
//! worker at once, so that a silent tunnel costs no timer of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use policy::{KeyHash, KeyRefusal};

use super::Admitted;
use crate::keys::KeyTable;
use crate::route::Route;
use crate::timers::{Slot, Timer, Timers};

/// A tunnel's right to go on.
#[derive(Debug)]
pub(crate) struct Watch {
    route: Arc<Route>,
    key: KeyHash,
    /// Wakes the tunnel's task.
    slot: Slot,
    end: Cell<Option<&'static str>>,
}

impl Watch {
    /// Why the tunnel has to end, as a token for the journal.
    pub(crate) fn end(&self) -> Option<&'static str> {
        self.end.get()
    }

    fn look(&self, keys: &KeyTable, now_us: u64) -> Option<&'static str> {
        match keys.find(&self.key, |facts| facts.check(self.route.name(), now_us)) {
            Some(Ok(())) => None,
            Some(Err(KeyRefusal::Expired)) => Some("key_expired"),
            Some(Err(KeyRefusal::Scope)) => Some("key_scope"),
            None => Some("key_revoked"),
        }
    }
}

/// The tunnels of a worker that were opened with a key. Each is held by its tunnel, too; the next look forgets those that are not.
#[derive(Debug, Default)]
pub(crate) struct Watched(RefCell<Vec<Rc<Watch>>>);

impl Watched {
    /// Watches a tunnel from now on; `None`: nobody was asked who it is for.
    pub(crate) fn watch(&self, admitted: &Admitted, timer: &Timer) -> Option<Rc<Watch>> {
        let (key, route) = (*admitted.key()?, admitted.route().clone());
        let watch = Rc::new(Watch { route, key, slot: timer.slot(), end: Cell::new(None) });
        self.0.borrow_mut().push(watch.clone());
        Some(watch)
    }

    /// Looks at every tunnel and wakes those that have to end.
    pub(crate) fn look(&self, keys: &KeyTable, now_us: u64, timers: &Timers) {
        let mut watched = self.0.borrow_mut();
        watched.retain(|watch| Rc::strong_count(watch) > 1);
        for watch in watched.iter() {
            watch.end.set(watch.end.get().or_else(|| watch.look(keys, now_us)));
            if watch.end.get().is_some() {
                timers.wake(watch.slot);
            }
        }
    }
}
