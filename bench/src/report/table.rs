//! The run as Markdown.

use std::fmt::Write;

use super::landing;
use super::statistics::{Estimate, median};
use crate::measure::peer::Peer;
use crate::measure::record::{IdleSample, LatencySample, Run, Sample};
use crate::measure::scenario::Scenario;

/// The whole page.
pub(crate) fn markdown(run: &Run) -> anyhow::Result<String> {
    let mut out = String::new();
    head(&mut out, run)?;
    landing::write(&mut out, run)?;
    for scenario in Scenario::ALL {
        throughput(&mut out, run, scenario)?;
    }
    latency(&mut out, run)?;
    memory(&mut out, run)?;
    start(&mut out, run)?;
    Ok(out)
}

fn head(out: &mut String, run: &Run) -> std::fmt::Result {
    let machine = &run.machine;
    writeln!(out, "# Side by side, {}\n", machine.date)?;
    writeln!(out, "{machine}. {} alternations of {} s.", run.rounds, run.seconds)?;
    writeln!(
        out,
        "Every proxy on one core with one worker, origin and load generator on the other. Medians; in parentheses the 95 % interval of"
    )?;
    writeln!(out, "ratios taken within each round. How and why: [bench/README.md](../../README.md).\n")?;
    writeln!(out, "| | version | record of each request |\n|---|---|---|")?;
    for (peer, version) in &run.versions {
        writeln!(out, "| {peer} | {version} | {} |", peer.log())?;
    }
    writeln!(out)
}

fn throughput(out: &mut String, run: &Run, scenario: Scenario) -> std::fmt::Result {
    let peers: Vec<Peer> = run.peers().filter(|peer| !cpu(run, *peer, scenario).is_empty()).collect();
    let Some(subject) = run.subject().filter(|_| !peers.is_empty()) else { return Ok(()) };
    writeln!(out, "## {}\n", scenario.title())?;
    writeln!(out, "| | requests/s | core busy | CPU µs per request | user | system | {subject} ÷ this |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for peer in peers {
        let of = |value: fn(&Sample) -> f64| middle(run.by_round(peer, scenario, value).into_values());
        let ratio = Estimate::of_ratios(
            &run.by_round(subject, scenario, |sample| sample.cpu_us),
            &run.by_round(peer, scenario, |sample| sample.cpu_us),
        );
        writeln!(
            out,
            "| {peer} | {:.0} | {:.0} % | {:.1} | {:.1} | {:.1} | {} |",
            of(|sample| sample.requests as f64 / sample.seconds),
            of(|sample| sample.busy * 100.0),
            of(|sample| sample.cpu_us),
            of(|sample| sample.user_us),
            of(|sample| sample.cpu_us - sample.user_us),
            ratio.filter(|_| peer != subject).map(|ratio| ratio.to_string()).unwrap_or_default(),
        )?;
    }
    writeln!(out)
}

fn cpu(run: &Run, peer: Peer, scenario: Scenario) -> Vec<f64> {
    run.by_round(peer, scenario, |sample| sample.cpu_us).into_values().collect()
}

fn latency(out: &mut String, run: &Run) -> std::fmt::Result {
    let Some(subject) = run.subject().filter(|_| !run.latencies.is_empty()) else { return Ok(()) };
    writeln!(out, "## Latency of a small GET at a fixed rate\n")?;
    writeln!(
        out,
        "Half of the slower one's maximum, pair by pair; each answer counts from when its request was due. µs.\n"
    )?;
    writeln!(
        out,
        "| {subject} and | requests/s | p50 | p99 | p99.9 | unanswered | p99.9, {subject} ÷ this |\n|---|---:|---:|---:|---:|---:|---:|"
    )?;
    for other in run.peers().filter(|peer| *peer != subject) {
        let pair = |peer, value: fn(&LatencySample) -> f64| middle(latencies(run, peer, other).map(value));
        let both = |value: fn(&LatencySample) -> f64| {
            format!("{:.0} and {:.0}", pair(subject, value), pair(other, value))
        };
        if latencies(run, other, other).next().is_none() {
            continue;
        }
        let ratio = landing::tail_ratio(run, subject, other);
        writeln!(
            out,
            "| {other} | {:.0} | {} | {} | {} | {} | {} |",
            pair(other, |sample| sample.rate),
            both(|sample| sample.load.p50_us as f64),
            both(|sample| sample.load.p99_us as f64),
            both(|sample| sample.load.p999_us as f64),
            both(|sample| sample.load.unanswered as f64),
            ratio.map(|ratio| ratio.to_string()).unwrap_or_default(),
        )?;
    }
    writeln!(out)
}

/// Samples of `peer` in the pair that is named by `other`.
pub(crate) fn latencies(run: &Run, peer: Peer, other: Peer) -> impl Iterator<Item = &LatencySample> {
    run.latencies.iter().filter(move |sample| sample.peer == peer && sample.other == other)
}

fn memory(out: &mut String, run: &Run) -> std::fmt::Result {
    let Some(first) = run.idle.first() else { return Ok(()) };
    writeln!(out, "## Memory\n")?;
    writeln!(
        out,
        "After the first answer, and with {} idle keep-alive connections, each used once. All processes of the peer; KiB.\n",
        first.connections
    )?;
    writeln!(
        out,
        "| | private | total (RSS) | private, idle | total, idle | private bytes per connection |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
    for peer in run.peers() {
        let of = |value: fn(&IdleSample) -> f64| {
            middle(run.idle.iter().filter(|sample| sample.peer == peer).map(value))
        };
        writeln!(
            out,
            "| {peer} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
            of(|sample| sample.before.private as f64 / 1024.0),
            of(|sample| sample.before.rss as f64 / 1024.0),
            of(|sample| sample.after.private as f64 / 1024.0),
            of(|sample| sample.after.rss as f64 / 1024.0),
            of(IdleSample::private_bytes_each),
        )?;
    }
    writeln!(out)
}

fn start(out: &mut String, run: &Run) -> std::fmt::Result {
    writeln!(out, "## From exec to the first 200\n\nMilliseconds, small configuration.\n")?;
    writeln!(out, "| | median | fastest | starts |\n|---|---:|---:|---:|")?;
    for peer in run.peers() {
        let times = landing::starts_ms(run, peer);
        let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
        if let Some(median) = median(&times) {
            writeln!(out, "| {peer} | {median:.1} | {fastest:.1} | {} |", times.len())?;
        }
    }
    Ok(())
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&values.collect::<Vec<_>>()).unwrap_or(f64::NAN)
}

#[cfg(test)]
#[path = "table/tests.rs"]
pub(crate) mod tests;
