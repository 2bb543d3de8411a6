//! All floods of a run as figures: what raw.json holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::attacker::Tally;
use super::flood::Flood;
use super::polite::Service;
use crate::measure::machine::Machine;
use crate::measure::peer::Peer;
use crate::report::statistics::median;

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    /// Peers in the order of the report, with their versions.
    pub(crate) versions: Vec<(Peer, String)>,
    /// Alternations asked for, and seconds per flood.
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    /// Requests per second of the client that behaves.
    pub(crate) polite_rate: f64,
    pub(crate) samples: Vec<Sample>,
}

/// One peer in one flood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) flood: Flood,
    /// From its begin to its end.
    pub(crate) seconds: f64,
    /// CPU time of the peer meanwhile.
    pub(crate) cpu_seconds: f64,
    /// Private memory before, and the most there was, bytes.
    pub(crate) memory_before: u64,
    pub(crate) memory_peak: u64,
    pub(crate) tally: Tally,
    pub(crate) service: Service,
    /// Whether a new client was answered right after.
    pub(crate) answers_after: bool,
}

impl Run {
    pub(crate) fn new(
        machine: Machine,
        versions: Vec<(Peer, String)>,
        rounds: usize,
        seconds: f64,
        polite_rate: f64,
    ) -> Self {
        Self { machine, versions, rounds, seconds, polite_rate, samples: Vec::new() }
    }

    /// Samples of `peer` in `flood`.
    pub(crate) fn samples(&self, peer: Peer, flood: Flood) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.peer == peer && sample.flood == flood)
    }

    /// The middle of all rounds.
    pub(crate) fn middle(&self, peer: Peer, flood: Flood, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(&self.samples(peer, flood).map(value).collect::<Vec<_>>())
    }
}

impl Sample {
    /// Memory that the flood took, bytes.
    pub(crate) fn memory_taken(&self) -> u64 {
        self.memory_peak - self.memory_before
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, flood, cpu_seconds, tally, service, .. } = self;
        let (sent, unit, memory) = (tally.sent, flood.unit(), self.memory_taken() >> 10);
        write!(
            f,
            "{flood:?} {peer:10} {sent} {unit}, {cpu_seconds:.2} s of CPU, {memory} KiB, p50 {} p99 {} µs, {} of {} failed, {:?}",
            service.p50_us, service.p99_us, service.failed, service.due, tally.endings
        )
    }
}
