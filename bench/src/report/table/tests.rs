//! A made-up run whose every figure can be worked out by hand.

use super::*;
use crate::load::LoadReport;
use crate::measure::machine::Machine;
use crate::measure::usage::Memory;

/// Lockgate costs 15 µs and NGINX 20 µs, in rounds that differ by a factor common to both.
pub(crate) fn made_up_run() -> Run {
    let machine = Machine::made_up();
    let versions = vec![(Peer::Lockgate, "0.1.0".into()), (Peer::Nginx, "1.22.1".into())];
    let mut run = Run::new(machine, versions, 3, 1.0);
    for round in 0..3 {
        let drift = 1.0 + round as f64 / 10.0;
        for (peer, cpu_us, tail_us) in [(Peer::Lockgate, 15.0, 900), (Peer::Nginx, 20.0, 1000)] {
            for scenario in [Scenario::Small, Scenario::Large] {
                run.samples.push(Sample {
                    round,
                    peer,
                    scenario,
                    requests: 50_000,
                    seconds: 1.0,
                    cpu_us: cpu_us * drift,
                    user_us: 5.0,
                    busy: 1.0,
                    start_us: 4000,
                });
            }
            let load = LoadReport { p999_us: tail_us, ..LoadReport::default() };
            run.latencies.push(LatencySample { round, peer, other: Peer::Nginx, rate: 25_000.0, load });
        }
    }
    let memory = |private| Memory { rss: 8 << 20, pss: 6 << 20, private, dirty: private };
    let sample = |peer, after| IdleSample {
        round: 0,
        peer,
        connections: 1000,
        before: memory(1_000_000),
        after: memory(after),
    };
    run.idle = vec![sample(Peer::Lockgate, 1_600_000), sample(Peer::Nginx, 1_800_000)];
    run
}

#[test]
fn ratios_hold_whatever_the_rounds_drift() {
    let text = markdown(&made_up_run()).unwrap();
    assert!(text.contains("| NGINX | 50000 | 100 % | 22.0 | 5.0 | 17.0 | 0.75 (0.75–0.75) |"), "{text}");
    assert!(text.contains("## GET of 1 MiB"), "{text}");
    assert!(!text.contains("## POST"), "what was not measured has no table: {text}");
}

#[test]
fn memory_and_start_are_in_the_page() {
    let text = markdown(&made_up_run()).unwrap();
    assert!(text.contains("| Lockgate | 977 | 8192 | 1562 | 8192 | 600 |"), "{text}");
    assert!(text.contains("| NGINX | 4.0 | 4.0 | 6 |"), "{text}");
}

#[test]
fn a_run_without_figures_is_a_page_without_tables() {
    let mut run = made_up_run();
    (run.samples, run.idle, run.latencies) = (Vec::new(), Vec::new(), Vec::new());
    assert!(!markdown(&run).unwrap().contains("NaN"));
}
