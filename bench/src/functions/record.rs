//! A whole run as figures: what raw.json holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Options;
use super::contender::{Contender, Language};
use crate::load::LoadReport;
use crate::measure::machine::Machine;
use crate::measure::usage::Memory;
use crate::report::statistics::median;

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    /// Contenders in the order of the report, with their versions.
    pub(crate) versions: Vec<(Contender, String)>,
    /// Alternations asked for, and seconds per sample.
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) direct: Vec<DirectSample>,
    pub(crate) latencies: Vec<LatencySample>,
    pub(crate) starts: Vec<StartSample>,
    pub(crate) many: Vec<ManySample>,
    pub(crate) neighbors: Vec<NeighborSample>,
}

/// One contender at full load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// CPU time per request, all threads, µs, and the part of it in user mode.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    /// CPU time over wall-clock time: under about 0.95 the load generator was the bottleneck.
    pub(crate) busy: f64,
    /// Right after the load.
    pub(crate) memory: Memory,
    /// From exec to the first 200, µs.
    pub(crate) start_us: u64,
}

/// The component called in one process, without sockets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DirectSample {
    pub(crate) round: usize,
    pub(crate) language: Language,
    /// CPU time per call, µs.
    pub(crate) cpu_us: f64,
    /// From compiled code on disk to the end of the first answer, in a process that has its runtime, µs; older runs do not have it.
    #[serde(default)]
    pub(crate) cold_start_us: Option<f64>,
}

/// One half of a pair at a fixed rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LatencySample {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    /// Ours and the other of the pair.
    pub(crate) pair: (Contender, Contender),
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) load: LoadReport,
}

/// What a gateway has to do before its first 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Start {
    /// A fixed answer.
    Fixed,
    /// A function's answer, whose compiled code is on disk.
    Compiled,
    /// A function's answer; it is compiled first.
    Compiling,
}

/// One start of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StartSample {
    pub(crate) round: usize,
    pub(crate) language: Language,
    pub(crate) start: Start,
    /// From exec to the first 200, µs.
    pub(crate) start_us: u64,
}

/// How the components of many functions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Copies {
    /// One file under many names.
    Same,
    /// As many files, each of its own bytes.
    Different,
}

/// One start of a gateway with many functions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManySample {
    pub(crate) copies: Copies,
    pub(crate) functions: usize,
    /// Starts before it in the same directory; 0: all is compiled.
    pub(crate) before: usize,
    /// From exec to the first 200, µs.
    pub(crate) start_us: u64,
    /// After one call of each.
    pub(crate) memory: Memory,
}

/// Where the threads that run guests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spot {
    /// Alone on the other core.
    OtherCore,
    /// On the core of the workers.
    SameCore,
}

/// Proxied requests at a fixed rate beside a function, or without it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NeighborSample {
    pub(crate) round: usize,
    pub(crate) spot: Spot,
    /// Calls of the function that were ended at their limit; `None`: nobody called it.
    pub(crate) ended_calls: Option<u64>,
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) load: LoadReport,
}

impl Run {
    pub(crate) fn new(machine: Machine, versions: Vec<(Contender, String)>, options: &Options) -> Self {
        Self {
            machine,
            versions,
            rounds: options.rounds,
            seconds: options.seconds,
            samples: Vec::new(),
            direct: Vec::new(),
            latencies: Vec::new(),
            starts: Vec::new(),
            many: Vec::new(),
            neighbors: Vec::new(),
        }
    }

    /// Those of this run that answer in `language`, in the order of the report.
    pub(crate) fn contenders(&self, language: Language) -> impl Iterator<Item = Contender> {
        let own = Contender::ALL.into_iter().filter(move |one| one.language() == language);
        own.filter(|one| self.samples.iter().any(|sample| sample.contender == *one))
    }

    /// Ours and another, where both were measured.
    pub(crate) fn pairs(&self) -> Vec<(Contender, Contender)> {
        let measured = |one: &Contender| self.samples.iter().any(|sample| sample.contender == *one);
        let others = Contender::ALL.into_iter().filter(measured);
        let pairs = others.flat_map(|other| other.beside().iter().map(move |ours| (*ours, other)));
        pairs.filter(|(ours, _)| measured(ours)).collect()
    }

    /// One value per round of `contender`.
    pub(crate) fn by_round(
        &self,
        contender: Contender,
        value: impl Fn(&Sample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let own = self.samples.iter().filter(|sample| sample.contender == contender);
        own.map(|sample| (sample.round, value(sample))).collect()
    }

    /// CPU µs of a call in one process, by round.
    pub(crate) fn direct(&self, language: Language) -> BTreeMap<usize, f64> {
        let own = self.direct.iter().filter(|sample| sample.language == language);
        own.map(|sample| (sample.round, sample.cpu_us)).collect()
    }

    /// Middle cold start in a process that has its runtime, µs, by round.
    pub(crate) fn warm_process_starts(&self, language: Language) -> BTreeMap<usize, f64> {
        let own = self.direct.iter().filter(|sample| sample.language == language);
        own.filter_map(|sample| Some((sample.round, sample.cold_start_us?))).collect()
    }

    /// One percentile per round of `contender` in a pair.
    pub(crate) fn latencies(
        &self,
        contender: Contender,
        pair: (Contender, Contender),
        value: impl Fn(&LatencySample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let own = self.latencies.iter().filter(|sample| (sample.contender, sample.pair) == (contender, pair));
        own.map(|sample| (sample.round, value(sample))).collect()
    }

    /// The middle start of each round, µs.
    pub(crate) fn starts(&self, language: Language, start: Start) -> BTreeMap<usize, f64> {
        let mut rounds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for sample in self.starts.iter().filter(|one| (one.language, one.start) == (language, start)) {
            rounds.entry(sample.round).or_default().push(sample.start_us as f64);
        }
        rounds.into_iter().filter_map(|(round, all)| Some((round, median(&all)?))).collect()
    }

    /// One percentile per round of proxied requests, with the function beside them or without.
    pub(crate) fn neighbors(
        &self,
        spot: Spot,
        is_called: bool,
        value: impl Fn(&NeighborSample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let own = self.neighbors.iter();
        let own = own.filter(|one| (one.spot, one.ended_calls.is_some()) == (spot, is_called));
        own.map(|sample| (sample.round, value(sample))).collect()
    }

    /// For each pair, half of the slower one's maximum, requests per second.
    pub(crate) fn fair_rates(&self) -> Vec<((Contender, Contender), f64)> {
        let maximum = |contender| {
            let rates = self.by_round(contender, |sample| sample.requests as f64 / sample.seconds);
            median(&rates.into_values().collect::<Vec<_>>())
        };
        let rate = |pair: (Contender, Contender)| Some((pair, maximum(pair.0)?.min(maximum(pair.1)?) / 2.0));
        self.pairs().into_iter().filter_map(rate).collect()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.requests as f64 / self.seconds;
        let (language, contender) = (self.contender.language().name(), self.contender);
        let (cpu, busy, memory) = (self.cpu_us, self.busy, self.memory.private >> 20);
        write!(f, "{language:10} {contender:28} {rate:8.0}/s {cpu:8.2} µs, busy {busy:.2}, {memory} MiB")
    }
}

impl fmt::Display for LatencySample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (contender, rate, load) = (self.contender, self.rate, &self.load);
        write!(
            f,
            "{contender:28} {rate:8.0}/s p50 {} p99 {} p99.9 {} µs",
            load.p50_us, load.p99_us, load.p999_us
        )
    }
}
