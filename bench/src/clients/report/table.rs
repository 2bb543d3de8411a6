//! The run as Markdown.

use std::fmt::Write;

use super::super::record::{Run, Sample};
use super::super::task::{Kind, Suite, Task};
use super::goals;
use crate::measure::peer::Peer;
use crate::measure::record::IdleSample;
use crate::report::statistics::{Estimate, median};

/// The whole page.
pub(crate) fn markdown(run: &Run) -> anyhow::Result<String> {
    let mut out = String::new();
    head(&mut out, run)?;
    goals::write(&mut out, run)?;
    for task in run.suite.tasks() {
        throughput(&mut out, run, *task)?;
    }
    for kind in run.suite.idle() {
        memory(&mut out, run, *kind)?;
    }
    Ok(out)
}

fn head(out: &mut String, run: &Run) -> std::fmt::Result {
    let machine = &run.machine;
    writeln!(out, "# {}, {}\n", run.suite.title(), machine.date)?;
    writeln!(out, "{machine}. {} alternations of {} s.", run.rounds, run.seconds)?;
    writeln!(
        out,
        "Every proxy on one core with one worker, origin and load generator on the other. Medians; in parentheses the 95 % interval of"
    )?;
    let part = match run.suite {
        Suite::Http2 => "http2-from-clients",
        Suite::Tls => "tls-from-clients",
    };
    writeln!(
        out,
        "ratios taken within each round. How and why: [bench/README.md](../../README.md#{part}).\n"
    )?;
    writeln!(out, "| | version | record of each request |\n|---|---|---|")?;
    for (peer, version) in &run.versions {
        writeln!(out, "| {peer} | {version} | {} |", peer.log())?;
    }
    writeln!(out)
}

fn throughput(out: &mut String, run: &Run, task: Task) -> std::fmt::Result {
    let measured = |peer: &Peer| !run.by_round(*peer, task, |sample| sample.cpu_us).is_empty();
    let peers: Vec<Peer> = run.peers().filter(measured).collect();
    let Some(subject) = run.subject().filter(|_| !peers.is_empty()) else { return Ok(()) };
    writeln!(out, "## {}\n", task.title())?;
    let (what, of_cpu) =
        if task.is_handshake() { ("handshake", "per CPU second") } else { ("request", "per CPU second") };
    writeln!(
        out,
        "| | {what}s/s | core busy | CPU µs per {what} | user | system | {what}s {of_cpu} | CPU, {subject} ÷ this |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    let cpu = |peer| run.by_round(peer, task, |sample| sample.cpu_us);
    for peer in &peers {
        let of = |value: fn(&Sample) -> f64| middle(run.by_round(*peer, task, value).into_values());
        let ratio = Estimate::of_ratios(&cpu(subject), &cpu(*peer)).filter(|_| *peer != subject);
        writeln!(
            out,
            "| {peer} | {:.0} | {:.0} % | {:.1} | {:.1} | {:.1} | {:.0} | {} |",
            of(|sample| sample.requests as f64 / sample.seconds),
            of(|sample| sample.busy * 100.0),
            of(|sample| sample.cpu_us),
            of(|sample| sample.user_us),
            of(|sample| sample.cpu_us - sample.user_us),
            of(Sample::per_cpu_second),
            ratio.map(|ratio| ratio.to_string()).unwrap_or_default(),
        )?;
    }
    writeln!(out)?;
    sessions(out, run, task, &peers)
}

/// What was agreed on, once for all who agreed on the same.
fn sessions(out: &mut String, run: &Run, task: Task, peers: &[Peer]) -> std::fmt::Result {
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for peer in peers {
        let Some(session) = run.session(*peer, task) else { continue };
        match said.iter_mut().find(|(other, _)| *other == session) {
            Some((_, who)) => who.push(peer.to_string()),
            None => said.push((session, vec![peer.to_string()])),
        }
    }
    for (session, who) in &said {
        writeln!(out, "{session}: {}.\n", who.join(", "))?;
    }
    Ok(())
}

fn memory(out: &mut String, run: &Run, kind: Kind) -> std::fmt::Result {
    let Some(first) = run.idle.iter().find(|sample| sample.kind == kind) else { return Ok(()) };
    writeln!(out, "## Memory of idle connections, {}\n", kind.title())?;
    writeln!(
        out,
        "After the first answer, and with {} idle connections, each used once. All processes of the peer; KiB.\n",
        first.idle.connections
    )?;
    writeln!(out, "| | private | private, idle | private bytes per connection |\n|---|---:|---:|---:|")?;
    for peer in run.peers() {
        let of = |value: fn(&IdleSample) -> f64| middle(run.idle(peer, kind).map(value));
        writeln!(
            out,
            "| {peer} | {:.0} | {:.0} | {:.0} |",
            of(|sample| sample.before.private as f64 / 1024.0),
            of(|sample| sample.after.private as f64 / 1024.0),
            of(IdleSample::private_bytes_each),
        )?;
    }
    writeln!(out)
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&values.collect::<Vec<_>>()).unwrap_or(f64::NAN)
}

#[cfg(test)]
#[path = "table/tests.rs"]
pub(crate) mod tests;
