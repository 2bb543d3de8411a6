//! From a run's figures to table.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::flood::Flood;
use super::record::{Run, Sample};
use crate::measure::peer::Peer;
use crate::report::publish;

/// Writes table.md into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    publish(&markdown(run)?, directory, || Ok(()))
}

fn markdown(run: &Run) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let machine = &run.machine;
    writeln!(out, "# Floods side by side, {}\n", machine.date)?;
    writeln!(
        out,
        "{machine}. {} alternations of {} s; beside each flood, one client asks for 128 bytes {} times a second.",
        run.rounds, run.seconds, run.polite_rate
    )?;
    writeln!(
        out,
        "Every proxy on one core with one worker; flood, client and origin on the other. Medians; ends of all rounds together."
    )?;
    writeln!(out, "How and why: [bench/README.md](../../README.md#floods).\n")?;
    writeln!(out, "| | version |\n|---|---|")?;
    for (peer, version) in &run.versions {
        writeln!(out, "| {peer} | {version} |")?;
    }
    writeln!(out)?;
    for flood in Flood::ALL {
        table(&mut out, run, flood)?;
    }
    Ok(out)
}

fn table(out: &mut String, run: &Run, flood: Flood) -> std::fmt::Result {
    let peers: Vec<Peer> = run.versions.iter().map(|(peer, _)| *peer).collect();
    let peers: Vec<Peer> =
        peers.into_iter().filter(|peer| run.samples(*peer, flood).next().is_some()).collect();
    if peers.is_empty() {
        return Ok(());
    }
    let unit = flood.unit();
    writeln!(out, "## {}\n", flood.title())?;
    writeln!(
        out,
        "| | {unit} sent | connections | CPU s | memory taken, KiB | client p50, µs | p99, µs | not answered | connections ended by |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---|")?;
    for peer in peers {
        let of = |value: fn(&Sample) -> f64| run.middle(peer, flood, value).unwrap_or(f64::NAN);
        writeln!(
            out,
            "| {peer} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} | {:.0} of {:.0} | {} |",
            of(|sample| sample.tally.sent as f64),
            of(|sample| sample.tally.connections as f64),
            of(|sample| sample.cpu_seconds),
            of(|sample| sample.memory_taken() as f64 / 1024.0),
            of(|sample| sample.service.p50_us as f64),
            of(|sample| sample.service.p99_us as f64),
            of(|sample| sample.service.failed as f64),
            of(|sample| sample.service.due as f64),
            endings(run, peer, flood),
        )?;
    }
    writeln!(out)
}

/// The most frequent first; and whether the peer was gone afterwards.
fn endings(run: &Run, peer: Peer, flood: Flood) -> String {
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    for (how, count) in run.samples(peer, flood).flat_map(|sample| &sample.tally.endings) {
        *sum.entry(how).or_default() += count;
    }
    let mut all: Vec<(&str, u64)> = sum.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut words: Vec<String> = all.iter().map(|(how, count)| format!("{how} {count}")).collect();
    if run.samples(peer, flood).any(|sample| !sample.answers_after) {
        words.push("**a new client was not answered afterwards**".into());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::attacker::Tally;
    use super::super::polite::Service;
    use super::*;
    use crate::measure::machine::Machine;

    #[test]
    fn a_flood_has_a_row_for_each_peer_and_its_ends_together() {
        let machine = Machine::made_up();
        let mut run = Run::new(machine, vec![(Peer::Lockgate, "0.1.0".into())], 2, 5.0, 200.0);
        for round in 0..2 {
            let mut tally = Tally { sent: 5000, connections: 3, ..Tally::default() };
            tally.ended("GOAWAY ENHANCE_YOUR_CALM");
            tally.ended("GOAWAY ENHANCE_YOUR_CALM");
            tally.ended("kept");
            let service = Service { due: 1000, failed: 1, p50_us: 200, p99_us: 900, max_us: 1000 };
            run.samples.push(Sample {
                round,
                peer: Peer::Lockgate,
                flood: Flood::Ping,
                seconds: 5.0,
                cpu_seconds: 0.25,
                memory_before: 1 << 20,
                memory_peak: 2 << 20,
                tally,
                service,
                answers_after: true,
            });
        }
        let text = markdown(&run).unwrap();
        let row = "| Lockgate | 5000 | 3 | 0.25 | 1024 | 200 | 900 | 1 of 1000 | GOAWAY ENHANCE_YOUR_CALM 4, kept 2 |";
        assert!(text.contains(row), "{text}");
        assert!(!text.contains("RST_STREAM"), "what was not measured has no table: {text}");
    }
}
