//! Metrics as a reader of the journal: one half counts on the drainer's thread, the other shows what was counted.

mod exposition;
mod families;
mod histogram;
mod process;
mod reference;
mod summary;
mod table;
mod text;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{Batch, EventReader};
use lockgate_event::EventRef;

use crate::gateway::{Gateway, Readiness};
use crate::limits::METRIC_ROUTES;
use crate::live::LiveEvents;

use self::exposition::Figures;
use self::process::Process;
use self::summary::Interval;
use self::table::Table;

pub use self::reference::metrics_reference;
pub use self::summary::Summary;
pub(crate) use self::text::MEDIA_TYPE;

/// The counting half: a reader of the journal. One lock per batch, no allocation once a route has been seen.
pub struct Metrics {
    table: Arc<Mutex<Table>>,
}

/// The showing half; clones show the same counts.
#[derive(Clone)]
pub struct MetricsHandle {
    table: Arc<Mutex<Table>>,
    interval: Arc<Mutex<Interval>>,
}

impl Metrics {
    /// Makes both halves, with series of their own for at most [`METRIC_ROUTES`] routes.
    #[allow(clippy::new_ret_no_self, reason = "one half without the other is of no use")]
    pub fn new() -> (Self, MetricsHandle) {
        Self::with_routes_max(METRIC_ROUTES)
    }

    /// Makes both halves, with series of their own for at most `routes_max` routes; the rest count as `other`.
    pub fn with_routes_max(routes_max: usize) -> (Self, MetricsHandle) {
        let table = Arc::new(Mutex::new(Table::new(routes_max)));
        let handle = MetricsHandle { table: Arc::clone(&table), interval: Arc::default() };
        (Self { table }, handle)
    }

    /// Counts `events` under one lock.
    pub fn observe<'a>(&mut self, events: impl Iterator<Item = EventRef<'a>>) {
        let mut table = locked(&self.table);
        events.for_each(|event| table.observe(&event));
    }
}

impl EventReader for Metrics {
    fn read(&mut self, batch: &Batch<'_>) {
        self.observe(batch.iter());
    }
}

impl MetricsHandle {
    /// Takes note of the routes in force, which come first where there are too many for a series each.
    pub fn follow_routes<'a>(&self, in_force: impl Iterator<Item = &'a str> + Clone) {
        locked(&self.table).follow(in_force);
    }

    /// Renders the Prometheus text format. Counters are copied first, so the drainer waits for the copy only.
    pub(crate) fn render(&self, gateway: &dyn Gateway, live: &LiveEvents) -> String {
        let figures = Figures {
            table: locked(&self.table).clone(),
            gauges: gateway.gauges(),
            upstreams: gateway.upstreams(),
            functions: gateway.functions(),
            ready: gateway.readiness() == Readiness::Ready,
            live: live.counts(),
            process: Process::read(),
        };
        figures.render()
    }

    /// Sums over all routes, and what happened since the last call.
    pub fn summary(&self) -> Summary {
        let table = locked(&self.table).clone();
        locked(&self.interval).next(&table)
    }
}

/// Counts stay usable after a panic elsewhere: each is written in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
