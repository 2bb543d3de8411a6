//! A few figures over all routes, for a line that is printed again and again.

use std::time::{Duration, Instant};

use super::histogram::FineHistogram;
use super::table::Table;

/// Sums over all routes since the start, and the interval since the summary before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Exchanges ended.
    pub requests_total: u64,
    /// Exchanges ended, by class of the status sent: none, 1xx, 2xx, 3xx, 4xx, 5xx.
    pub requests_by_class: [u64; 6],
    /// Request body bytes received.
    pub bytes_in_total: u64,
    /// Response body bytes sent, without those a failed write took back.
    pub bytes_out_total: u64,
    /// Time since the summary before; zero in the first.
    pub interval: Duration,
    /// Exchanges ended in the interval.
    pub interval_requests: u64,
    /// Half of the interval's exchanges took no longer, to a sixteenth; `None` without any.
    pub interval_p50: Option<Duration>,
    /// 99 of 100 of the interval's exchanges took no longer, to a sixteenth; `None` without any.
    pub interval_p99: Option<Duration>,
}

/// Where the interval began.
#[derive(Debug, Default)]
pub(crate) struct Interval {
    began: Option<Instant>,
    latency: FineHistogram,
}

impl Interval {
    /// Ends this interval with a summary and begins the next.
    pub(crate) fn next(&mut self, table: &Table) -> Summary {
        let latency = table.latency.since(&self.latency);
        let quantile = |permille| latency.quantile_us(permille).map(Duration::from_micros);
        let now = Instant::now();
        let summary = Summary {
            interval: self.began.map_or(Duration::ZERO, |began| now.duration_since(began)),
            interval_requests: latency.count(),
            interval_p50: quantile(500),
            interval_p99: quantile(990),
            ..totals(table)
        };
        *self = Self { began: Some(now), latency: table.latency.clone() };
        summary
    }
}

fn totals(table: &Table) -> Summary {
    let mut summary = Summary::default();
    for series in table.routes.iter().chain([&table.gone]) {
        for (sum, count) in summary.requests_by_class.iter_mut().zip(series.requests) {
            *sum = sum.wrapping_add(count);
        }
        let bytes_in = series.sums.bytes_in.wrapping_sub(series.cuts.bytes_in);
        let bytes_out = series.sums.bytes_out.wrapping_sub(series.cuts.bytes_out);
        summary.bytes_in_total = summary.bytes_in_total.wrapping_add(bytes_in);
        summary.bytes_out_total = summary.bytes_out_total.wrapping_add(bytes_out);
    }
    summary.requests_total = summary.requests_by_class.iter().fold(0, |sum, count| sum.wrapping_add(*count));
    summary
}

#[cfg(test)]
mod tests {
    use lockgate_event::{EventRef, Kind};

    use crate::Metrics;
    use crate::testing::event;

    #[test]
    fn what_was_counted_of_routes_that_lost_their_series_stays_in_the_totals() {
        let (mut metrics, handle) = Metrics::with_routes_max(1);
        metrics.observe([EventRef { bytes_out: 70, ..event() }].into_iter());
        handle.follow_routes(["another"].into_iter());
        metrics.observe([EventRef { route: "another", bytes_out: 30, ..event() }].into_iter());
        let summary = handle.summary();
        assert_eq!((summary.requests_total, summary.bytes_out_total), (2, 100));
    }

    #[test]
    fn a_summary_has_totals_and_the_interval_since_the_one_before() {
        let (mut metrics, handle) = Metrics::new();
        let slow = EventRef { latency_us: 5_000_000, status: 502, bytes_out: 70, ..event() };
        let cut = EventRef { kind: Kind::Cut, bytes_out: 30, ..event() };
        metrics.observe([slow, cut].into_iter());
        let first = handle.summary();
        assert_eq!((first.requests_total, first.interval_requests), (1, 1));
        assert_eq!((first.requests_by_class, first.bytes_out_total), ([0, 0, 0, 0, 0, 1], 40));

        metrics.observe((0..99).map(|_| EventRef { latency_us: 100, ..event() }));
        let second = handle.summary();
        assert_eq!((second.requests_total, second.interval_requests), (100, 99));
        let p99 = second.interval_p99.unwrap().as_micros();
        assert!((100..=106).contains(&p99), "{p99}");

        let third = handle.summary();
        assert_eq!((third.requests_total, third.interval_requests, third.interval_p50), (100, 0, None));
    }
}
