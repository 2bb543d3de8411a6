//! A whole run as figures: what raw.json holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::peer::Peer;
use super::scenario::Scenario;
use super::usage::Memory;
use crate::load::LoadReport;
use crate::report::statistics::median;

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    /// Peers in the order of the report, with their versions.
    pub(crate) versions: Vec<(Peer, String)>,
    /// Alternations asked for, and seconds per sample.
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) idle: Vec<IdleSample>,
    pub(crate) latencies: Vec<LatencySample>,
}

/// One peer at full load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) scenario: Scenario,
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// CPU time per request, µs, and the part of it in user mode.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    /// CPU time of the peer over wall-clock time: under about 0.95 the load generator was the bottleneck.
    pub(crate) busy: f64,
    /// From exec to the first 200, µs.
    pub(crate) start_us: u64,
}

/// One peer's memory before and after its idle connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IdleSample {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) connections: usize,
    pub(crate) before: Memory,
    pub(crate) after: Memory,
}

/// One half of a pair at a fixed rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LatencySample {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    /// The pair's other peer; the subject's own samples name the one they are compared with.
    pub(crate) other: Peer,
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) load: LoadReport,
}

impl Run {
    pub(crate) fn new(machine: Machine, versions: Vec<(Peer, String)>, rounds: usize, seconds: f64) -> Self {
        Self {
            machine,
            versions,
            rounds,
            seconds,
            samples: Vec::new(),
            idle: Vec::new(),
            latencies: Vec::new(),
        }
    }

    /// Peers of this run, in the order of the report.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.versions.iter().map(|(peer, _)| *peer)
    }

    /// The one that the others are compared with: Lockgate, or, without it, the first.
    pub(crate) fn subject(&self) -> Option<Peer> {
        self.peers().find(|peer| *peer == Peer::Lockgate).or_else(|| self.peers().next())
    }

    /// One value per round of `peer` in `scenario`.
    pub(crate) fn by_round(
        &self,
        peer: Peer,
        scenario: Scenario,
        value: impl Fn(&Sample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let of_both = self.samples.iter().filter(|sample| sample.peer == peer && sample.scenario == scenario);
        of_both.map(|sample| (sample.round, value(sample))).collect()
    }

    /// For each peer beside `subject`, half of the slower one's maximum, requests per second.
    pub(crate) fn fair_rates(&self, subject: Peer) -> Vec<(Peer, f64)> {
        let maximum = |peer| {
            let rates =
                self.by_round(peer, Scenario::Small, |sample| sample.requests as f64 / sample.seconds);
            median(&rates.into_values().collect::<Vec<_>>())
        };
        let others = self.peers().filter(|peer| *peer != subject);
        others.filter_map(|peer| Some((peer, maximum(peer)?.min(maximum(subject)?) / 2.0))).collect()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.requests as f64 / self.seconds;
        let (title, peer, cpu, user) = (self.scenario.title(), self.peer, self.cpu_us, self.user_us);
        write!(f, "{title:28} {peer:10} {rate:8.0}/s {cpu:8.2} µs ({user:.2} user), busy {:.2}", self.busy)
    }
}

impl fmt::Display for IdleSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peer, connections) = (self.peer, self.connections);
        write!(f, "{peer:10} {connections} idle: {:.0} B each", self.private_bytes_each())
    }
}

impl IdleSample {
    /// What one idle connection adds, bytes.
    pub(crate) fn private_bytes_each(&self) -> f64 {
        (self.after.private as f64 - self.before.private as f64) / self.connections as f64
    }
}

impl fmt::Display for LatencySample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peer, rate, load) = (self.peer, self.rate, &self.load);
        write!(f, "{peer:10} {rate:8.0}/s p50 {} p99 {} p99.9 {} µs", load.p50_us, load.p99_us, load.p999_us)
    }
}
