//! How fast requests may come: the generic cell rate algorithm, whose whole state is one time.

use std::time::Duration;

/// A rate with a burst. In any stretch of time t, the stretch's ends included, it admits at most `burst` + `requests` · t / `period`.
///
/// Times are nanoseconds of a clock that is never set back. The interval between requests is rounded up to whole nanoseconds, so
/// that rounding never admits more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval_ns: u64,
    /// What a burst takes at the rate: as far ahead of now the theoretical arrival time may get.
    tolerance_ns: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It may pass.
    Admit {
        /// The state from now on: the theoretical arrival time, when the burst will be whole again.
        tat_ns: u64,
        /// Requests that could pass right behind it.
        remaining: u64,
        /// Until one more than these could pass, nanoseconds.
        next_ns: u64,
    },
    /// It may not, and the state stays as it is.
    Refuse {
        /// Until a request can pass, nanoseconds.
        retry_ns: u64,
    },
}

impl Gcra {
    /// A rate of `requests` in a `period`, of which `burst` may come at once; both counts are at least 1.
    ///
    /// A burst that would take more than half the range of 64 bits at this rate (292 years) is cut to that.
    #[must_use]
    pub fn new(requests: u32, period: Duration, burst: u32) -> Self {
        let interval = period.as_nanos().div_ceil(u128::from(requests.max(1))).max(1);
        let most = u128::from(u64::MAX / 2);
        let interval = interval.min(most);
        let tolerance = (interval * u128::from(burst.max(1))).min(most);
        Self { interval_ns: interval as u64, tolerance_ns: tolerance as u64 }
    }

    /// Decides on a request that comes at `now_ns`, when the state is `tat_ns`; 0 is the state of whoever has not been seen.
    ///
    /// A state that is not later than now says nothing any more and may be forgotten.
    #[must_use]
    pub fn decide(&self, tat_ns: u64, now_ns: u64) -> Pace {
        let tat_ns = tat_ns.max(now_ns).saturating_add(self.interval_ns);
        let ahead_ns = tat_ns - now_ns;
        match self.tolerance_ns.checked_sub(ahead_ns) {
            Some(room_ns) => Pace::Admit {
                tat_ns,
                remaining: room_ns / self.interval_ns,
                next_ns: self.interval_ns - room_ns % self.interval_ns,
            },
            None => Pace::Refuse { retry_ns: ahead_ns - self.tolerance_ns },
        }
    }
}

#[cfg(test)]
mod tests;
