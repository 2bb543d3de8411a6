//! When the next request is due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When requests are sent.
pub(crate) enum Pace {
    /// As soon as a connection is free.
    Closed,
    /// At fixed instants, whether or not earlier answers have come: a slow answer must not hide the wait of those behind it.
    Fixed(Schedule),
}

/// The instants of a fixed rate, and those that are due but not sent.
pub(crate) struct Schedule {
    start: Instant,
    interval_ns: f64,
    planned: u64,
    end: Instant,
    due: VecDeque<Instant>,
}

impl Schedule {
    /// `rate` requests per second from `start` to `end`.
    pub(crate) fn new(rate: f64, start: Instant, end: Instant) -> Self {
        Self { start, interval_ns: 1e9 / rate, planned: 0, end, due: VecDeque::new() }
    }

    fn next(&self) -> Instant {
        // The product loses no nanosecond before 2^53 of them, which is three months.
        self.start + Duration::from_nanos((self.planned as f64 * self.interval_ns) as u64)
    }

    /// Takes note of every instant that `now` has reached.
    fn advance(&mut self, now: Instant) {
        while self.next() <= now && self.next() < self.end {
            self.due.push_back(self.next());
            self.planned += 1;
        }
    }
}

impl Pace {
    /// Takes note of the time; must come before the other three.
    pub(crate) fn advance(&mut self, now: Instant) {
        if let Self::Fixed(schedule) = self {
            schedule.advance(now);
        }
    }

    /// The instant the next request counts from, if one is due by `now`.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Closed => Some(now),
            Self::Fixed(schedule) => schedule.due.pop_front(),
        }
    }

    /// How long nothing will be due, seen from `now`; `None`: only an answer brings the next request.
    pub(crate) fn quiet_for(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Closed => None,
            Self::Fixed(schedule) => Some(schedule.next().saturating_duration_since(now)),
        }
    }

    /// What was due and never sent.
    pub(crate) fn left(&self) -> impl Iterator<Item = Instant> {
        let schedule = match self {
            Self::Closed => None,
            Self::Fixed(schedule) => Some(schedule),
        };
        schedule.into_iter().flat_map(|schedule| schedule.due.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_rate_keeps_its_instants_however_late_it_is_asked() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::Fixed(Schedule::new(100.0, start, at(1000)));
        pace.advance(start);
        assert_eq!(pace.take(start), Some(start));
        pace.advance(at(5));
        assert_eq!(pace.take(at(5)), None);
        assert_eq!(pace.quiet_for(at(5)), Some(Duration::from_millis(5)));
        pace.advance(at(35));
        assert_eq!(pace.take(at(35)), Some(at(10)));
        assert_eq!(pace.take(at(35)), Some(at(20)));
        assert_eq!(pace.take(at(35)), Some(at(30)));
        assert_eq!(pace.take(at(35)), None);
    }

    #[test]
    fn nothing_is_due_after_the_end() {
        let start = Instant::now();
        let end = start + Duration::from_millis(25);
        let mut pace = Pace::Fixed(Schedule::new(100.0, start, end));
        pace.advance(start + Duration::from_secs(1));
        assert_eq!(pace.left().count(), 3);
    }
}
