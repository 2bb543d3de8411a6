//! What counting one event costs: `cargo run --release -p control --example metrics_cost`.

#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use control::{LiveEvents, Metrics};
use lockgate_event::{EventId, EventRef, Value};

/// Events of one batch, about what a drainer finds after some milliseconds of load.
const BATCH: usize = 512;
const BATCHES: usize = 4000;
/// The best of so many runs: what disturbs a run only makes it longer.
const RUNS: usize = 5;

fn main() {
    for routes in [1, 10, 1000, 5000] {
        let names: Vec<String> = (0..routes).map(|number| format!("route-{number}")).collect();
        let batch: Vec<_> = (0..BATCH).map(|number| event(&names[number * 7919 % routes], number)).collect();
        let (mut metrics, _handle) = Metrics::new();
        let ns = best(|| metrics.observe(black_box(&batch).iter().copied()));
        println!("metrics, {routes:>4} routes by turns: {ns:6.1} ns per event");
    }
    let batch: Vec<_> = (0..BATCH).map(|number| event("orders", number)).collect();
    let (mut live, _events) = LiveEvents::new();
    let ns = best(|| live.publish(black_box(&batch).iter().copied()));
    println!("live events, nobody watching:  {ns:6.3} ns per event");
}

/// Nanoseconds per event of the best run.
fn best(mut read: impl FnMut()) -> f64 {
    let run = |_| {
        let began = Instant::now();
        (0..BATCHES).for_each(|_| read());
        began.elapsed().as_nanos() as f64 / (BATCH * BATCHES) as f64
    };
    (0..RUNS).map(run).fold(f64::INFINITY, f64::min)
}

fn event(route: &str, number: usize) -> EventRef<'_> {
    let failed = number.is_multiple_of(50);
    EventRef {
        id: EventId { node: 1, boot: 1, worker: 0, sequence: number as u64 },
        route,
        user_id: None,
        key_id: None,
        value: (!failed).then_some(Value::ONE),
        method: if number.is_multiple_of(4) { "POST" } else { "GET" },
        status: if failed { 502 } else { 200 },
        reason: failed.then_some("upstream_timeout"),
        latency_us: 100 + (number as u64 * 37) % 3000,
        upstream_us: Some(80 + (number as u64 * 31) % 2500),
        ..EventRef::EXAMPLE
    }
}
