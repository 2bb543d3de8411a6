//! One worker: a thread with its own runtime, connections, pools, timers and journal ring.

mod command;
mod gauges;
mod run;

#[cfg(feature = "functions")]
use std::cell::OnceCell;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use journal::{Reservation, RingWriter};
use lockgate_event::{EventId, EventRef};
use message::{Request, Response};
use policy::WeightedChoice;
use rustc_hash::FxHashMap;

#[cfg(feature = "functions")]
pub(crate) use command::spawn;
pub use command::{Drained, WorkerHandle, spawn_worker};
pub(crate) use gauges::InFlight;
pub use gauges::WorkerGauges;

use crate::clock::Clock;
#[cfg(feature = "functions")]
use crate::function::Letterbox;
use crate::h2::StreamTasks;
use crate::hooks::ProxyHttp;
use crate::identify::Watched;
use crate::limits::{ARENA_BYTES_KEPT, STATES_KEPT};
use crate::route::Route;
use crate::snapshot::Plane;
use crate::timers::Timers;
use crate::upstream::{Pools, SharedPools, Upstream};

/// What a worker's tasks share. Nothing here is seen by another thread but `plane` and `gauges`.
#[derive(Debug)]
pub(crate) struct Worker<P: ProxyHttp> {
    pub(crate) plane: Arc<Plane>,
    pub(crate) hooks: P,
    pub(crate) timers: Rc<Timers>,
    pub(crate) pools: Pools,
    pub(crate) shared: SharedPools,
    pub(crate) clock: Clock,
    pub(crate) gauges: Arc<WorkerGauges>,
    /// Tunnels whose keys are looked at again and again.
    pub(crate) watched: Watched,
    ring: RefCell<Option<RingWriter>>,
    /// The next id when there is no journal.
    unrecorded: Cell<EventId>,
    #[allow(clippy::vec_box, reason = "a box moves between the table and an exchange without its content")]
    states: RefCell<Vec<Box<State>>>,
    pub(crate) stream_tasks: StreamTasks<P>,
    /// Each weighted route's place in its round, with the route it was made for.
    rounds: RefCell<FxHashMap<usize, (Arc<Route>, WeightedChoice)>>,
    /// Where function threads put their answers, once there is one.
    #[cfg(feature = "functions")]
    pub(crate) letterbox: OnceCell<Letterbox>,
    draining: Cell<bool>,
}

/// The heads of one exchange, used again by the next.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) request: Request,
    pub(crate) response: Response,
}

impl<P: ProxyHttp> Worker<P> {
    pub(crate) fn new(
        plane: Arc<Plane>,
        hooks: P,
        ring: Option<RingWriter>,
        gauges: Arc<WorkerGauges>,
    ) -> Self {
        Self {
            plane,
            hooks,
            gauges,
            timers: Rc::default(),
            pools: Pools::default(),
            shared: SharedPools::default(),
            clock: Clock::new(),
            watched: Watched::default(),
            ring: RefCell::new(ring),
            unrecorded: Cell::new(first_unrecorded_id()),
            states: RefCell::default(),
            stream_tasks: StreamTasks::default(),
            rounds: RefCell::default(),
            #[cfg(feature = "functions")]
            letterbox: OnceCell::new(),
            draining: Cell::new(false),
        }
    }

    /// Reserves the id of an exchange that starts now.
    pub(crate) fn next_id(&self) -> EventId {
        match self.ring.borrow_mut().as_mut() {
            Some(ring) => ring.next_id(),
            None => {
                let id = self.unrecorded.get();
                self.unrecorded.set(EventId { sequence: id.sequence + 1, ..id });
                id
            }
        }
    }

    /// Puts a record into the ring; answers whether it found room.
    pub(crate) fn record(&self, event: &EventRef<'_>, reservation: Option<&mut Reservation>) -> bool {
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else { return true };
        match reservation {
            Some(reservation) => ring.write_reserved(reservation, event).is_ok(),
            None => ring.write(event).is_ok(),
        }
    }

    /// Sets room aside; `None`: there is none, or the disk is full. Without a journal nothing has to be set aside.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<Option<Reservation>> {
        match self.ring.borrow_mut().as_mut() {
            None => Some(None),
            Some(ring) if !ring.accepting() => None,
            Some(ring) => ring.reserve(bytes).ok().map(Some),
        }
    }

    /// Gives room back.
    pub(crate) fn release(&self, reservation: Reservation) {
        if let Some(ring) = self.ring.borrow_mut().as_mut() {
            ring.release(reservation);
        }
    }

    /// Chooses among a route's upstreams by weight.
    pub(crate) fn weigh(&self, route: &Arc<Route>) -> Option<Arc<Upstream>> {
        if let [(only, _)] = route.upstreams.as_slice() {
            return Some(only.clone());
        }
        let mut rounds = self.rounds.borrow_mut();
        let start = || {
            let weights: Vec<u16> = route.upstreams.iter().map(|(_, weight)| *weight).collect();
            (route.clone(), WeightedChoice::new(&weights))
        };
        let round = rounds.entry(route.index).or_insert_with(start);
        if !Arc::ptr_eq(&round.0, route) {
            *round = start();
        }
        let chosen = round.1.pick()?;
        route.upstreams.get(chosen).map(|(upstream, _)| upstream.clone())
    }

    /// Looks whether the keys of all tunnels still allow them.
    pub(crate) fn look_at_tunnels(&self) {
        self.watched.look(self.plane.keys(), self.clock.wall_us(Instant::now()), &self.timers);
    }

    /// Heads to decode into.
    pub(crate) fn take_state(&self) -> Box<State> {
        self.states.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes heads back for the next exchange.
    pub(crate) fn put_state(&self, mut state: Box<State>) {
        state.request.fields.shrink_to(ARENA_BYTES_KEPT);
        state.response.fields.shrink_to(ARENA_BYTES_KEPT);
        let mut states = self.states.borrow_mut();
        if states.len() < STATES_KEPT {
            states.push(state);
        }
    }

    /// Gives back heads that have not been needed since the last call.
    fn trim_states(&self) {
        let mut states = self.states.borrow_mut();
        let keep = states.len() / 2;
        states.truncate(keep);
        states.shrink_to(keep);
    }

    /// Whether connections are to be closed after the exchange they serve.
    pub(crate) fn draining(&self) -> &Cell<bool> {
        &self.draining
    }
}

/// Where a worker without a journal starts to count: ids are unique all the same, by a random number in the place of the node's.
fn first_unrecorded_id() -> EventId {
    let mut node = [0; 8];
    // Without randomness ids are only unique within the worker, which is all that the request goes on needing.
    let _ = getrandom::fill(&mut node);
    EventId { node: u64::from_le_bytes(node), boot: 0, worker: 0, sequence: 0 }
}
