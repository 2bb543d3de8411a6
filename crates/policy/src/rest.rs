//! How long a failing endpoint rests before it is tried again.

/// How long an endpoint rests: `first_ms` after the first failure in a row, doubled by each further one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestPolicy {
    /// Rest after the first failure, milliseconds.
    pub first_ms: u64,
    /// The rest grows to at most this many times `first_ms`.
    pub max_factor: u32,
}

impl RestPolicy {
    /// The instant, on the clock of `now_ms`, at which an endpoint may be tried again after `failures` failures
    /// in a row, the last of them at `now_ms`. Without a failure that is `now_ms`.
    pub fn rest_until(&self, failures: u32, now_ms: u64) -> u64 {
        let Some(doublings) = failures.checked_sub(1) else {
            return now_ms;
        };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX).min(self.max_factor.max(1));
        now_ms.saturating_add(self.first_ms.saturating_mul(u64::from(factor)))
    }
}

#[cfg(test)]
mod tests {
    use super::RestPolicy;

    #[test]
    fn the_rest_doubles_up_to_its_limit() {
        let policy = RestPolicy { first_ms: 1_000, max_factor: 16 };
        for (failures, rest_ms) in [
            (0, 0),
            (1, 1_000),
            (2, 2_000),
            (3, 4_000),
            (5, 16_000),
            (6, 16_000),
            (32, 16_000),
            (33, 16_000),
            (u32::MAX, 16_000),
        ] {
            assert_eq!(policy.rest_until(failures, 500), 500 + rest_ms, "{failures} failures");
        }
    }

    #[test]
    fn a_limit_that_is_no_power_of_two_is_kept() {
        let policy = RestPolicy { first_ms: 10, max_factor: 3 };
        assert_eq!(policy.rest_until(3, 0), 30);
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let policy = RestPolicy { first_ms: u64::MAX, max_factor: 16 };
        assert_eq!(policy.rest_until(9, 7), u64::MAX);
    }
}
