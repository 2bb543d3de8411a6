//! Too much time, with work and without.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::ResponseOutparam;

use crate::answer;
use crate::query::Query;

const MS: u64 = 1_000_000;

/// Works for ever.
pub(crate) fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns).wrapping_add(1);
    }
}

/// Works for `ms` milliseconds.
pub(crate) fn busy(query: &Query<'_>, out: ResponseOutparam) {
    let end = monotonic_clock::now() + query.number("ms", 10) as u64 * MS;
    let mut turns = 0_u64;
    while monotonic_clock::now() < end {
        for _ in 0..10_000 {
            turns = black_box(turns).wrapping_add(1);
        }
    }
    answer::text(out, &format!("{turns} turns\n"));
}

/// Waits for a day.
pub(crate) fn hold() {
    wait(24 * 60 * 60 * 1000 * MS);
}

/// Waits for `ms` milliseconds.
pub(crate) fn sleep(query: &Query<'_>, out: ResponseOutparam) {
    wait(query.number("ms", 10) as u64 * MS);
    answer::text(out, "slept\n");
}

fn wait(duration_ns: u64) {
    monotonic_clock::subscribe_duration(duration_ns).block();
}
