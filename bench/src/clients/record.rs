//! A whole run by HTTP/2 or TLS as figures: what raw.json holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::task::{Kind, Suite, Task};
use crate::measure::machine::Machine;
use crate::measure::peer::Peer;
use crate::measure::record::IdleSample;

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) suite: Suite,
    pub(crate) machine: Machine,
    /// Peers in the order of the report, with their versions.
    pub(crate) versions: Vec<(Peer, String)>,
    /// Alternations asked for, and seconds per sample.
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) idle: Vec<KindSample>,
}

/// One peer at full load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) peer: Peer,
    pub(crate) task: Task,
    /// Requests; where each has a connection of its own, handshakes.
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// CPU time per request, µs, and the part of it in user mode.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    /// CPU time of the peer over wall-clock time: under about 0.95 the load generator was the bottleneck.
    pub(crate) busy: f64,
    /// Version, cipher and key agreement of TLS, where the load generator says them.
    pub(crate) session: Option<String>,
}

/// One peer's memory before and after its idle connections of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KindSample {
    pub(crate) kind: Kind,
    #[serde(flatten)]
    pub(crate) idle: IdleSample,
}

impl Run {
    pub(crate) fn new(
        suite: Suite,
        machine: Machine,
        versions: Vec<(Peer, String)>,
        rounds: usize,
        seconds: f64,
    ) -> Self {
        Self { suite, machine, versions, rounds, seconds, samples: Vec::new(), idle: Vec::new() }
    }

    /// Peers of this run, in the order of the report.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.versions.iter().map(|(peer, _)| *peer)
    }

    /// The one that the others are compared with: Lockgate, or, without it, the first.
    pub(crate) fn subject(&self) -> Option<Peer> {
        self.peers().find(|peer| *peer == Peer::Lockgate).or_else(|| self.peers().next())
    }

    /// One value per round of `peer` at `task`.
    pub(crate) fn by_round(
        &self,
        peer: Peer,
        task: Task,
        value: impl Fn(&Sample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let of_both = self.samples.iter().filter(|sample| sample.peer == peer && sample.task == task);
        of_both.map(|sample| (sample.round, value(sample))).collect()
    }

    /// What was agreed on in TLS, of `task` and `peer`.
    pub(crate) fn session(&self, peer: Peer, task: Task) -> Option<&str> {
        let found = self.samples.iter().find(|sample| sample.peer == peer && sample.task == task);
        found.and_then(|sample| sample.session.as_deref())
    }

    /// Samples of idle connections of `peer`.
    pub(crate) fn idle(&self, peer: Peer, kind: Kind) -> impl Iterator<Item = &IdleSample> {
        let of_kind = self.idle.iter().filter(move |sample| sample.kind == kind);
        of_kind.map(|sample| &sample.idle).filter(move |sample| sample.peer == peer)
    }
}

impl Sample {
    /// Requests, or handshakes, that one second of a core is enough for.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        1e6 / self.cpu_us
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.requests as f64 / self.seconds;
        let (title, peer, cpu, user) = (self.task.title(), self.peer, self.cpu_us, self.user_us);
        write!(f, "{title:60} {peer:10} {rate:8.0}/s {cpu:8.2} µs ({user:.2} user), busy {:.2}", self.busy)
    }
}

impl fmt::Display for KindSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:20} {}", self.kind.title(), self.idle)
    }
}
