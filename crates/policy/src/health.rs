//! When an endpoint that is checked is out, and when it is back.

/// What checks say of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HealthState {
    /// No check has ended yet: it is used as a healthy one.
    #[default]
    Unchecked,
    /// It is used.
    Healthy,
    /// It is left alone as long as there is another.
    Out,
}

/// How many checks in a row it takes to change what is believed of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthPolicy {
    /// Failed ones, until a healthy endpoint is out; at least 1.
    pub failures: u32,
    /// Passed ones, until it is back; at least 1.
    pub successes: u32,
}

/// What is believed of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    state: HealthState,
    /// The last checks in a row that contradict the state.
    against: u32,
}

impl Health {
    /// What is believed at present.
    pub fn state(&self) -> HealthState {
        self.state
    }

    /// Takes the result of a check. The first one decides alone: nothing is known yet that it could contradict.
    pub fn checked(&mut self, passed: bool, policy: HealthPolicy) {
        let (after, enough) = match passed {
            true => (HealthState::Healthy, policy.successes),
            false => (HealthState::Out, policy.failures),
        };
        self.against = if self.state == after { 0 } else { self.against.saturating_add(1) };
        if self.state == HealthState::Unchecked || self.against >= enough.max(1) {
            *self = Self { state: after, against: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HealthState::{Healthy, Out};
    use super::{Health, HealthPolicy, HealthState};

    /// The states after checks that passed (`+`) and failed (`-`).
    fn check(failures: u32, successes: u32, checks: &str, expected: &[HealthState]) {
        let mut health = Health::default();
        assert_eq!(health.state(), HealthState::Unchecked);
        let policy = HealthPolicy { failures, successes };
        let found: Vec<_> = checks
            .chars()
            .map(|passed| {
                health.checked(passed == '+', policy);
                health.state()
            })
            .collect();
        assert_eq!(found, expected, "{checks} with {policy:?}");
    }

    #[test]
    fn the_first_check_decides_alone() {
        check(3, 3, "+", &[Healthy]);
        check(3, 3, "-", &[Out]);
    }

    #[test]
    fn it_takes_as_many_in_a_row_as_the_policy_says() {
        check(2, 1, "+--+", &[Healthy, Healthy, Out, Healthy]);
        check(3, 2, "+-+---", &[Healthy, Healthy, Healthy, Healthy, Healthy, Out]);
        check(1, 3, "-++-+++", &[Out, Out, Out, Out, Out, Out, Healthy]);
    }

    #[test]
    fn a_policy_of_none_means_one() {
        check(0, 0, "+-+", &[Healthy, Out, Healthy]);
    }
}
