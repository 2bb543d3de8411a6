//! The algorithm beside a naive count of every window.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Feeds arrivals to the algorithm; answers the times of those admitted, and of those refused with how many were admitted before.
fn run(gcra: Gcra, arrivals_ns: &[u64]) -> (Vec<u64>, Vec<(u64, usize)>) {
    let (mut tat_ns, mut admitted, mut refused) = (0, Vec::new(), Vec::new());
    for &now_ns in arrivals_ns {
        match gcra.decide(tat_ns, now_ns) {
            Pace::Admit { tat_ns: next, .. } => {
                tat_ns = next;
                admitted.push(now_ns);
            }
            Pace::Refuse { .. } => refused.push((now_ns, admitted.len())),
        }
    }
    (admitted, refused)
}

/// Whether `count` requests in a stretch of `t_ns` are within burst + rate · t, in whole numbers without rounding.
fn fits(count: usize, t_ns: u64, (requests, period, burst): (u32, Duration, u32)) -> bool {
    let beyond = (count as u128).saturating_sub(u128::from(burst));
    beyond * period.as_nanos() <= u128::from(requests) * u128::from(t_ns)
}

fn check_windows(rate: (u32, Duration, u32), admitted: &[u64]) {
    for (first, &from_ns) in admitted.iter().enumerate() {
        for (last, &to_ns) in admitted.iter().enumerate().skip(first) {
            let (count, t_ns) = (last - first + 1, to_ns.saturating_sub(from_ns));
            assert!(fits(count, t_ns, rate), "{count} in {t_ns} ns of {rate:?}");
        }
    }
}

fn rates() -> impl Strategy<Value = (u32, Duration, u32)> {
    let period = prop_oneof![Just(1_u64), Just(60), Just(3600), Just(86_400)].prop_map(Duration::from_secs);
    let requests = prop_oneof![1_u32..20, 1_u32..5_000, any::<u32>().prop_map(|n| n.max(1))];
    (requests, period, 1_u32..30)
}

/// Steps between arrivals, in sixteenths of the rate's interval: about as fast as allowed, with bursts and pauses.
fn steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..32, 0_u64..600], 1..160)
}

fn arrivals(gcra: Gcra, start_ns: u64, steps: &[u64]) -> Vec<u64> {
    let step_ns = |step: u64| (u128::from(gcra.interval_ns) * u128::from(step) / 16) as u64;
    let mut now_ns = start_ns;
    let next = steps.iter().map(|&step| {
        now_ns += step_ns(step);
        now_ns
    });
    next.collect()
}

proptest! {
    #[test]
    fn no_window_admits_more_than_burst_and_rate_allow(rate in rates(), start_ns in 0..u64::MAX >> 8, steps in steps()) {
        let gcra = Gcra::new(rate.0, rate.1, rate.2);
        check_windows(rate, &run(gcra, &arrivals(gcra, start_ns, &steps)).0);
    }

    /// Workers read the clock before they reach the cell, so that times may come a little out of order.
    #[test]
    fn times_out_of_order_admit_no_more(rate in rates(), steps in steps(), late in prop::collection::vec(0_u64..40, 160)) {
        let gcra = Gcra::new(rate.0, rate.1, rate.2);
        let mut times = arrivals(gcra, 1 << 55, &steps);
        for (time, late) in times.iter_mut().zip(late) {
            *time -= (u128::from(gcra.interval_ns) * u128::from(late) / 16) as u64;
        }
        let mut admitted = run(gcra, &times).0;
        admitted.sort_unstable();
        check_windows(rate, &admitted);
    }

    /// Where the interval is not rounded, a refusal means that some window was full.
    #[test]
    fn nothing_is_refused_without_need(
        requests in prop_oneof![Just(1_u32), Just(5), Just(1_000), Just(250_000)],
        burst in 1_u32..30,
        steps in steps(),
    ) {
        let rate = (requests, SECOND, burst);
        let gcra = Gcra::new(requests, SECOND, burst);
        let (admitted, refused) = run(gcra, &arrivals(gcra, 7, &steps));
        for (now_ns, before) in refused {
            let full = (0..before).any(|first| !fits(before - first + 1, now_ns - admitted[first], rate));
            prop_assert!(full, "refused at {now_ns} behind {:?}", &admitted[..before]);
        }
    }

    #[test]
    fn what_is_promised_is_kept(rate in rates(), start_ns in 0..u64::MAX >> 8, steps in steps()) {
        let gcra = Gcra::new(rate.0, rate.1, rate.2);
        let mut tat_ns = 0;
        for now_ns in arrivals(gcra, start_ns, &steps) {
            match gcra.decide(tat_ns, now_ns) {
                Pace::Refuse { retry_ns } => {
                    let admits = |at_ns| matches!(gcra.decide(tat_ns, at_ns), Pace::Admit { .. });
                    prop_assert!(!admits(now_ns + retry_ns - 1) && admits(now_ns + retry_ns));
                }
                Pace::Admit { tat_ns: next, remaining, next_ns } => {
                    tat_ns = next;
                    prop_assert_eq!(could_pass(gcra, tat_ns, now_ns), remaining);
                    prop_assert_eq!(could_pass(gcra, tat_ns, now_ns + next_ns - 1), remaining);
                    prop_assert_eq!(could_pass(gcra, tat_ns, now_ns + next_ns), remaining + 1);
                }
            }
        }
    }
}

fn could_pass(gcra: Gcra, tat_ns: u64, now_ns: u64) -> u64 {
    let mut state = (tat_ns, 0);
    while let Pace::Admit { tat_ns, .. } = gcra.decide(state.0, now_ns) {
        state = (tat_ns, state.1 + 1);
    }
    state.1
}

#[test]
fn a_burst_passes_at_once_and_then_the_rate() {
    let gcra = Gcra::new(2, SECOND, 3);
    let ms = |ms: u64| 1_000_000_000 + ms * 1_000_000;
    let (admitted, refused) = run(gcra, &[0, 0, 0, 0, 499, 500, 500, 999, 1_000].map(ms));
    assert_eq!(admitted, [0, 0, 0, 500, 1_000].map(ms));
    assert_eq!(refused.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 499, 500, 999].map(ms));
}

#[test]
fn an_interval_is_rounded_up() {
    for (requests, period_s, interval_ns) in [
        (1, 1, 1_000_000_000),
        (3, 1, 333_333_334),
        (7, 60, 8_571_428_572),
        (u32::MAX, 1, 1),
        (1, 86_400, 86_400_000_000_000),
    ] {
        let gcra = Gcra::new(requests, Duration::from_secs(period_s), 1);
        assert_eq!(
            (gcra.interval_ns, gcra.tolerance_ns),
            (interval_ns, interval_ns),
            "{requests}/{period_s}s"
        );
    }
}

#[test]
fn the_largest_numbers_neither_overflow_nor_admit_for_ever() {
    let gcra = Gcra::new(1, Duration::from_secs(86_400), u32::MAX);
    assert_eq!(gcra.tolerance_ns, u64::MAX / 2);
    assert!(matches!(gcra.decide(0, 0), Pace::Admit { .. }));
    assert!(matches!(gcra.decide(u64::MAX, 5), Pace::Refuse { .. }));
    let slowest = Gcra::new(1, Duration::MAX, 1);
    assert!(matches!(slowest.decide(0, 9), Pace::Admit { tat_ns, .. } if tat_ns == 9 + u64::MAX / 2));
}
