//! What other threads may see of a worker. Each figure has one writer, so that counting is a load and a store.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Worker;
use crate::hooks::ProxyHttp;

/// Figures of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerGauges {
    in_flight: AtomicU64,
    tunnels: AtomicU64,
    connections: AtomicU64,
    refused_unrecorded: AtomicU64,
    meter_unreadable: AtomicU64,
}

impl WorkerGauges {
    /// Exchanges being served, tunnels included.
    pub fn exchanges_in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Tunnels open.
    pub fn tunnels_open(&self) -> u64 {
        self.tunnels.load(Ordering::Relaxed)
    }

    /// Client connections open.
    pub fn connections_open(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests refused for want of room in the journal, which are counted here and nowhere else.
    pub fn requests_refused_unrecorded(&self) -> u64 {
        self.refused_unrecorded.load(Ordering::Relaxed)
    }

    /// Responses that count as nothing because the header that says how much is missing or is no number of at least 0.
    pub fn responses_meter_unreadable(&self) -> u64 {
        self.meter_unreadable.load(Ordering::Relaxed)
    }

    pub(crate) fn meter_unreadable(&self) {
        add(&self.meter_unreadable, 1);
    }

    pub(crate) fn refused_unrecorded(&self) {
        add(&self.refused_unrecorded, 1);
    }

    pub(crate) fn tunnel(&self) -> Counted<'_> {
        Counted::new(&self.tunnels)
    }

    pub(crate) fn connection(&self) -> Counted<'_> {
        Counted::new(&self.connections)
    }
}

fn add(figure: &AtomicU64, change: u64) {
    figure.store(figure.load(Ordering::Relaxed).wrapping_add(change), Ordering::Relaxed);
}

/// Something that is counted for as long as it is there.
#[derive(Debug)]
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(figure: &'a AtomicU64) -> Self {
        add(figure, 1);
        Self(figure)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        add(self.0, 1_u64.wrapping_neg());
    }
}

/// An exchange being served.
pub(crate) type InFlight<'a> = Counted<'a>;

impl<P: ProxyHttp> Worker<P> {
    pub(crate) fn in_flight(&self) -> InFlight<'_> {
        Counted::new(&self.gauges.in_flight)
    }
}
