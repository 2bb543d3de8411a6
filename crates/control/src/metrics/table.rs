//! The counters themselves: plain integers, found by route without allocation after first sight.

use std::sync::Arc;

use lockgate_event::{EventRef, Kind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::histogram::{FineHistogram, Histogram};
use crate::limits::METRIC_REASONS;

/// Label of what has no series of its own.
const OTHER: &str = "other";
/// Position of the series for exchanges that matched no route.
const NO_ROUTE: usize = 0;
/// Position of the series for routes beyond the limit, and for a route of that name.
const OTHER_ROUTE: usize = 1;

/// Labels of the status classes, by position in [`RouteSeries::requests`].
pub(crate) const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
/// Methods with a label of their own (RFC 9110, section 9; RFC 5789), and what stands for all others.
pub(crate) const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"];

/// What is counted of one route.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteSeries {
    pub(crate) route: Arc<str>,
    pub(crate) requests: [u64; CLASSES.len()],
    pub(crate) sums: Sums,
    pub(crate) cut_requests: u64,
    pub(crate) cuts: Sums,
    pub(crate) attempts: u64,
    pub(crate) latency: Histogram,
    pub(crate) upstream: Histogram,
}

/// What records add, or, in a `cut`, take back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Millionths of a unit.
    pub(crate) value: i128,
}

impl Sums {
    fn take(&mut self, other: &Self) {
        self.bytes_in = self.bytes_in.wrapping_add(other.bytes_in);
        self.bytes_out = self.bytes_out.wrapping_add(other.bytes_out);
        self.value = self.value.wrapping_add(other.value);
    }

    fn add(&mut self, event: &EventRef<'_>) {
        self.bytes_in = self.bytes_in.wrapping_add(event.bytes_in);
        self.bytes_out = self.bytes_out.wrapping_add(event.bytes_out);
        let value = event.value.map_or(0, |value| i128::from(value.0));
        // What a `cut` takes back is summed as an amount, whichever sign it is written with.
        let value = if event.kind == Kind::Cut { value.abs() } else { value };
        self.value = self.value.wrapping_add(value);
    }
}

impl RouteSeries {
    /// Whether a record of this route has been seen.
    pub(crate) fn is_used(&self) -> bool {
        self.cut_requests != 0 || self.requests != [0; CLASSES.len()] || self.sums != Sums::default()
    }

    /// Adds what summaries tell of another route.
    fn take(&mut self, other: &Self) {
        for (sum, count) in self.requests.iter_mut().zip(other.requests) {
            *sum = sum.wrapping_add(count);
        }
        self.sums.take(&other.sums);
        self.cuts.take(&other.cuts);
    }

    fn observe(&mut self, event: &EventRef<'_>) {
        match event.kind {
            Kind::Done => {
                self.sums.add(event);
                self.end(event);
            }
            Kind::Part => self.sums.add(event),
            Kind::Cut => {
                self.cut_requests = self.cut_requests.wrapping_add(1);
                self.cuts.add(event);
            }
        }
    }

    fn end(&mut self, event: &EventRef<'_>) {
        let requests = &mut self.requests[class_of(event.status)];
        *requests = requests.wrapping_add(1);
        self.attempts = self.attempts.wrapping_add(u64::from(event.attempts));
        self.latency.observe(event.latency_us);
        if let Some(us) = event.upstream_us {
            self.upstream.observe(us);
        }
    }
}

/// All counters. The drainer adds to them under one lock per batch.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) routes: Vec<RouteSeries>,
    pub(crate) methods: [u64; METHODS.len()],
    pub(crate) reasons: Vec<(Arc<str>, u64)>,
    pub(crate) latency: FineHistogram,
    /// What functions asked on the way, by class of the status they were answered with; nothing else counts these.
    pub(crate) asked: [u64; CLASSES.len()],
    routes_max: usize,
    route_positions: FxHashMap<Arc<str>, usize>,
    reason_positions: FxHashMap<Arc<str>, usize>,
    /// Position of the route of the last record: the next one is often the same.
    last_route: usize,
    /// What was counted of routes that have lost their series.
    pub(crate) gone: RouteSeries,
}

impl Table {
    /// Makes a table with series for at most `routes_max` routes.
    pub(crate) fn new(routes_max: usize) -> Self {
        let mut table = Self {
            routes: Vec::new(),
            methods: [0; METHODS.len()],
            reasons: vec![(OTHER.into(), 0)],
            latency: FineHistogram::default(),
            asked: [0; CLASSES.len()],
            routes_max,
            route_positions: FxHashMap::default(),
            reason_positions: FxHashMap::from_iter([(Arc::from(OTHER), 0)]),
            last_route: NO_ROUTE,
            gone: RouteSeries::default(),
        };
        table.add_route("");
        table.add_route(OTHER);
        table
    }

    /// Takes note of the routes in force. Where there are not places enough for all that have been and are, those in force get them: with names
    /// that say a release, new routes would otherwise have none in the end.
    pub(crate) fn follow<'a>(&mut self, routes: impl Iterator<Item = &'a str> + Clone) {
        let in_force: FxHashSet<&str> = routes.clone().collect();
        let is_known = |route: &&&str| self.route_positions.contains_key(**route);
        let new = in_force.len() - in_force.iter().filter(is_known).count();
        if self.routes.len() - 2 + new <= self.routes_max {
            return;
        }
        let own = self.routes.split_off(OTHER_ROUTE + 1);
        self.route_positions = FxHashMap::default();
        for series in own {
            if in_force.contains(&*series.route) {
                self.routes.push(series);
            } else {
                self.gone.take(&series);
            }
        }
        for (position, series) in self.routes.iter().enumerate() {
            self.route_positions.insert(Arc::clone(&series.route), position);
        }
        self.last_route = NO_ROUTE;
        // At once, so that what is still to come of other routes does not take the places again.
        for route in routes {
            self.route_position(route);
        }
    }

    pub(crate) fn observe(&mut self, event: &EventRef<'_>) {
        if event.parent.is_some() {
            return self.observe_asked(event);
        }
        let position = self.route_position(event.route);
        self.routes[position].observe(event);
        if event.kind == Kind::Done {
            self.end(event);
        }
    }

    /// Counts what a function asked, whose own exchange is counted as the client's.
    fn observe_asked(&mut self, event: &EventRef<'_>) {
        if event.kind == Kind::Done {
            let requests = &mut self.asked[class_of(event.status)];
            *requests = requests.wrapping_add(1);
        }
    }

    fn end(&mut self, event: &EventRef<'_>) {
        let requests = &mut self.methods[method_position(event.method)];
        *requests = requests.wrapping_add(1);
        self.latency.observe(event.latency_us);
        if let Some(reason) = event.reason {
            let position = self.reason_position(reason);
            self.reasons[position].1 = self.reasons[position].1.wrapping_add(1);
        }
    }

    fn route_position(&mut self, route: &str) -> usize {
        if *self.routes[self.last_route].route != *route {
            self.last_route = match self.route_positions.get(route) {
                Some(position) => *position,
                None if self.routes.len() - 2 < self.routes_max => self.add_route(route),
                None => OTHER_ROUTE,
            };
        }
        self.last_route
    }

    fn add_route(&mut self, route: &str) -> usize {
        let route: Arc<str> = route.into();
        let position = self.routes.len();
        self.route_positions.insert(Arc::clone(&route), position);
        self.routes.push(RouteSeries { route, ..RouteSeries::default() });
        position
    }

    fn reason_position(&mut self, reason: &str) -> usize {
        if let Some(position) = self.reason_positions.get(reason) {
            return *position;
        }
        if self.reasons.len() > METRIC_REASONS {
            return 0;
        }
        let reason: Arc<str> = reason.into();
        self.reasons.push((Arc::clone(&reason), 0));
        self.reason_positions.insert(reason, self.reasons.len() - 1);
        self.reasons.len() - 1
    }
}

fn class_of(status: u16) -> usize {
    match status / 100 {
        class @ 1..=5 => usize::from(class),
        _ => 0,
    }
}

fn method_position(method: &str) -> usize {
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1)
}

#[cfg(test)]
mod tests;
