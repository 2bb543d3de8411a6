//! Processor time of polls, with few calls of the system: reading a thread's own time takes as long as a tenth of a short call.
//!
//! A short poll is taken to have run all the while. It may have been interrupted, which shows as soon as the thread's time is read,
//! once in [`READ_AFTER`] of polls: what was noted too much is then left out of what the next ones took.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Longest poll that is taken to have run all the while, and longest that the thread's time is not read.
const READ_AFTER: Duration = Duration::from_millis(1);

thread_local! {
    static CLOCK: RefCell<Clock> = RefCell::new(Clock::default());
}

/// What a poll returns, and its processor time, nanoseconds.
pub(crate) fn timed<R>(poll: impl FnOnce() -> R) -> (R, u64) {
    CLOCK.with_borrow_mut(|clock| clock.begin(Instant::now(), thread_ns));
    let result = poll();
    (result, CLOCK.with_borrow_mut(|clock| clock.end(Instant::now(), thread_ns)))
}

/// Processor time so far of the poll under way on this thread, nanoseconds.
pub(crate) fn so_far() -> u64 {
    CLOCK.with_borrow(|clock| clock.taken(Instant::now(), thread_ns()))
}

/// What is known of a thread.
#[derive(Debug, Default)]
struct Clock {
    /// When the thread's time was read, and what it was.
    read: Option<(Instant, u64)>,
    /// When the poll under way, or the last one, began.
    began: Option<Instant>,
    /// Wall time of the polls since then.
    noted_ns: u64,
    /// What was noted too much until then, and not yet left out.
    excess_ns: u64,
}

impl Clock {
    fn begin(&mut self, now: Instant, read: impl FnOnce() -> u64) {
        self.began = Some(now);
        if self.read.is_none_or(|(at, _)| now.saturating_duration_since(at) >= READ_AFTER) {
            self.read(now, read());
        }
    }

    fn end(&mut self, now: Instant, read: impl FnOnce() -> u64) -> u64 {
        let wall = self.wall(now);
        let taken_ns = if wall < READ_AFTER {
            self.noted_ns += nanoseconds(wall);
            nanoseconds(wall)
        } else {
            let cpu_ns = read();
            let taken_ns = self.taken(now, cpu_ns);
            self.read(now, cpu_ns);
            taken_ns
        };
        let left_out = taken_ns.min(self.excess_ns);
        self.excess_ns -= left_out;
        taken_ns - left_out
    }

    /// Wall time of the poll under way.
    fn wall(&self, now: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
    }

    /// Processor time of the poll under way, when that of the thread is known.
    fn taken(&self, now: Instant, cpu_ns: u64) -> u64 {
        self.since_read(cpu_ns).saturating_sub(self.noted_ns).min(nanoseconds(self.wall(now)))
    }

    /// Takes a reading, and finds what was noted too much since the last one.
    fn read(&mut self, now: Instant, cpu_ns: u64) {
        self.excess_ns += self.noted_ns.saturating_sub(self.since_read(cpu_ns));
        self.noted_ns = 0;
        self.read = Some((now, cpu_ns));
    }

    /// Processor time of the thread since the last reading.
    fn since_read(&self, cpu_ns: u64) -> u64 {
        self.read.map_or(0, |(_, then_ns)| cpu_ns.saturating_sub(then_ns))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time of this thread, nanoseconds.
fn thread_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a thread does between two polls and during one, microseconds: computing, and waiting for its turn.
    type Step = [u64; 4];

    /// Processor time of all polls as it was and as it was noted, nanoseconds; and how often the thread's time was read.
    fn played(steps: &[Step]) -> (u64, u64, usize) {
        let mut clock = Clock::default();
        let (mut now, mut cpu_ns, mut reads) = (Instant::now(), 0, 0);
        let (mut real_ns, mut noted_ns) = (0, 0);
        for &[between, idle, computes, waits] in steps {
            now += Duration::from_micros(between + idle);
            cpu_ns += between * 1000;
            clock.begin(now, || {
                reads += 1;
                cpu_ns
            });
            now += Duration::from_micros(computes + waits);
            cpu_ns += computes * 1000;
            real_ns += computes * 1000;
            noted_ns += clock.end(now, || {
                reads += 1;
                cpu_ns
            });
        }
        (real_ns, noted_ns, reads)
    }

    proptest! {
        #[test]
        fn polls_that_are_not_interrupted_are_noted_as_they_are(
            steps in prop::collection::vec((0..300u64, 0..3000u64, 0..900u64).prop_map(|(b, i, c)| [b, i, c, 0]), 0..50),
        ) {
            let (real_ns, noted_ns, _) = played(&steps);
            prop_assert_eq!(real_ns, noted_ns);
        }

        #[test]
        fn in_the_end_no_more_is_noted_than_the_thread_had(
            steps in prop::collection::vec(prop::array::uniform4(0..3000u64), 0..50),
        ) {
            let (real_ns, noted_ns, _) = played(&steps);
            let between_ns: u64 = steps.iter().map(|step| step[0] * 1000).sum();
            let open_ns = 2 * nanoseconds(READ_AFTER);
            prop_assert!(noted_ns <= real_ns + between_ns + open_ns, "{noted_ns} of {real_ns}");
        }
    }

    #[test]
    fn a_long_poll_is_noted_by_the_threads_time() {
        assert_eq!(played(&[[0, 0, 5000, 7000]]), (5_000_000, 5_000_000, 2));
        let (real_ns, noted_ns, _) = played(&[[20, 0, 5, 0], [20, 0, 5000, 7000]]);
        assert_eq!(
            (real_ns, noted_ns),
            (5_005_000, 5_025_000),
            "what the thread did in between may be with it"
        );
    }

    #[test]
    fn an_interruption_is_made_good_by_those_that_follow() {
        let interrupted = [[0, 0, 10, 500], [0, 0, 10, 0]];
        assert_eq!(played(&interrupted), (20_000, 520_000, 1));
        let mut longer = interrupted.to_vec();
        longer.extend([[0, 0, 10, 0]; 200]);
        let (real_ns, noted_ns, reads) = played(&longer);
        assert_eq!((real_ns, noted_ns), (2_020_000, 2_020_000));
        assert!(reads <= 4, "{reads}");
    }
}
