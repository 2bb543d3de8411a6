//! What one run of the load generator found.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies up to a minute, three digits, microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// What one run found; printed as one line of JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LoadReport {
    /// Right answers within the measured time.
    pub(crate) requests: u64,
    /// Measured time, seconds.
    pub(crate) seconds: f64,
    /// Wrong answers and broken connections, at any time.
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) fault: Option<String>,
    /// Requests of a fixed rate that were due but not answered by the end.
    pub(crate) unanswered: u64,
    /// Percentiles of the time from when a request was due until its answer was whole, µs.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

/// Collects latencies and answers while a run goes on.
pub(crate) struct Tally {
    latencies: Histogram<u32>,
    requests: u64,
    errors: u64,
    fault: Option<String>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let latencies =
            Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("1 µs to 1 min is a valid range");
        Self { latencies, requests: 0, errors: 0, fault: None }
    }

    /// Forgets the answers of the warm-up; its faults stay.
    pub(crate) fn begin(&mut self) {
        self.latencies.reset();
        self.requests = 0;
    }

    /// Counts one right answer.
    pub(crate) fn answer(&mut self, latency: Duration) {
        self.requests += 1;
        self.late(latency);
    }

    /// Counts the latency, so far, of an answer that never came.
    pub(crate) fn late(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts one wrong answer.
    pub(crate) fn fault(&mut self, fault: impl FnOnce() -> String) {
        self.errors += 1;
        self.fault.get_or_insert_with(fault);
    }

    /// Whether a wrong answer was seen.
    pub(crate) fn is_faulty(&self) -> bool {
        self.errors > 0
    }

    /// The sums, over `measured` time.
    pub(crate) fn finish(self, measured: Duration, unanswered: usize) -> LoadReport {
        let at = |quantile| self.latencies.value_at_quantile(quantile);
        LoadReport {
            requests: self.requests,
            seconds: measured.as_secs_f64(),
            errors: self.errors,
            unanswered: unanswered as u64,
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.latencies.max(),
            fault: self.fault,
        }
    }
}
