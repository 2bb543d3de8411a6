//! Where Lockgate is to land, and where it did.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::statistics::{Estimate, median};
use super::table::latencies;
use crate::measure::peer::Peer;
use crate::measure::record::{IdleSample, Run};
use crate::measure::scenario::Scenario;

/// What may be at most so many times what the peer needs; `None`: not worse, as far as the interval can tell.
type Goal = Option<f64>;

/// Peer, then CPU per small request, p99.9 at the same rate, CPU per GB of 1 MiB responses.
const GOALS: [(Peer, Goal, Goal, Goal); 5] = [
    (Peer::Nginx, Some(0.70), None, Some(1.0)),
    (Peer::Haproxy, Some(0.80), None, Some(1.0)),
    (Peer::Envoy, Some(0.20), Some(0.7), Some(0.7)),
    (Peer::Pingora, Some(0.33), Some(0.7), Some(0.7)),
    (Peer::Caddy, Some(0.12), Some(0.3), Some(0.5)),
];
/// Private memory of an idle keep-alive connection, bytes.
const IDLE_BYTES_GOAL: f64 = 1024.0;
/// From exec to the first 200, ms.
const START_MS_GOAL: f64 = 10.0;

/// Appends the table, when there is a Lockgate in the run.
pub(crate) fn write(out: &mut String, run: &Run) -> std::fmt::Result {
    if !run.peers().any(|peer| peer == Peer::Lockgate) {
        return Ok(());
    }
    writeln!(out, "## Where it is to land\n")?;
    writeln!(
        out,
        "| Lockgate ÷ peer | CPU per small request | p99.9 at the same rate | CPU per GB of 1 MiB responses |"
    )?;
    writeln!(out, "|---|---|---|---|")?;
    for (peer, small, tail, large) in GOALS {
        let cpu = |scenario| cpu_ratio(run, Peer::Lockgate, peer, scenario);
        writeln!(
            out,
            "| {peer} | {} | {} | {} |",
            verdict(cpu(Scenario::Small), small),
            verdict(tail_ratio(run, Peer::Lockgate, peer), tail),
            verdict(cpu(Scenario::Large), large),
        )?;
    }
    writeln!(out)?;
    absolutes(out, run)
}

fn absolutes(out: &mut String, run: &Run) -> std::fmt::Result {
    let own = run.idle.iter().filter(|sample| sample.peer == Peer::Lockgate);
    let idle = median(&own.map(IdleSample::private_bytes_each).collect::<Vec<_>>());
    let start = median(&starts_ms(run, Peer::Lockgate));
    if let Some(idle) = idle {
        let met = mark(idle <= IDLE_BYTES_GOAL);
        writeln!(
            out,
            "- An idle keep-alive connection: {idle:.0} bytes of private memory; at most {IDLE_BYTES_GOAL}: {met}."
        )?;
    }
    if let Some(start) = start {
        let met = mark(start <= START_MS_GOAL);
        writeln!(out, "- From exec to the first 200: {start:.1} ms; at most {START_MS_GOAL}: {met}.")?;
    }
    writeln!(out)
}

fn verdict(measured: Option<Estimate>, goal: Goal) -> String {
    let Some(measured) = measured else { return "not measured".into() };
    match goal {
        Some(goal) => format!("{measured}, goal {goal:.2}: {}", mark(measured.median <= goal)),
        None => format!("{measured}, goal not worse: {}", mark(measured.low <= 1.0)),
    }
}

pub(crate) fn mark(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

fn cpu_ratio(run: &Run, subject: Peer, other: Peer, scenario: Scenario) -> Option<Estimate> {
    let cpu = |peer| run.by_round(peer, scenario, |sample| sample.cpu_us);
    Estimate::of_ratios(&cpu(subject), &cpu(other))
}

/// The ratio of p99.9 within each round of the pair.
pub(crate) fn tail_ratio(run: &Run, subject: Peer, other: Peer) -> Option<Estimate> {
    let tails = |peer| -> BTreeMap<usize, f64> {
        latencies(run, peer, other).map(|sample| (sample.round, sample.load.p999_us as f64)).collect()
    };
    Estimate::of_ratios(&tails(subject), &tails(other))
}

/// All starts of `peer` with its small configuration, ms.
pub(crate) fn starts_ms(run: &Run, peer: Peer) -> Vec<f64> {
    let own = run.samples.iter().filter(|sample| sample.peer == peer && sample.scenario.routes() == 0);
    own.map(|sample| sample.start_us as f64 / 1000.0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::made_up_run;
    use super::*;

    #[test]
    fn each_goal_is_said_to_be_met_or_missed() {
        let mut text = String::new();
        write(&mut text, &made_up_run()).unwrap();
        let row = "| NGINX | 0.75 (0.75–0.75), goal 0.70: **missed** | 0.90 (0.90–0.90), goal not worse: met | 0.75 (0.75–0.75), goal 1.00: met |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("| Envoy | not measured |"), "{text}");
        assert!(text.contains("600 bytes of private memory; at most 1024: met."), "{text}");
        assert!(text.contains("4.0 ms; at most 10: met."), "{text}");
    }
}
