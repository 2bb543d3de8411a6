//! A whole run as figures: what raw.json holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Options;
use super::contender::Contender;
use super::in_process::InProcess;
use super::task::Task;
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
    /// Keys that gateways knew, and users that services had.
    pub(crate) keys: usize,
    pub(crate) users: usize,
    pub(crate) samples: Vec<Sample>,
    pub(crate) latencies: Vec<LatencySample>,
    pub(crate) in_process: Vec<InProcess>,
}

/// One contender at full load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    pub(crate) task: Task,
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// CPU time per request, all threads, µs, and the part of it in user mode.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    /// CPU time over wall-clock time: well under 1, something else was the bottleneck, as the disk of a write.
    pub(crate) busy: f64,
    /// Right after the load.
    pub(crate) memory: Memory,
}

/// One half of a pair at a fixed rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LatencySample {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    /// The pair's other one; Lockgate's own samples name the one they are compared with.
    pub(crate) other: Contender,
    pub(crate) task: Task,
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
            keys: options.keys,
            users: options.users,
            samples: Vec::new(),
            latencies: Vec::new(),
            in_process: Vec::new(),
        }
    }

    /// Those of this run that were put to `task`, in the order of the report.
    pub(crate) fn contenders(&self, task: Task) -> Vec<Contender> {
        let all = task.contenders().iter().copied();
        all.filter(|contender| !self.by_round(*contender, task, |sample| sample.cpu_us).is_empty()).collect()
    }

    /// The others, beside Lockgate: none where Lockgate was not measured.
    pub(crate) fn others(&self, task: Task) -> Vec<Contender> {
        let mut contenders = self.contenders(task);
        if contenders.first() != Some(&Contender::Lockgate) {
            return Vec::new();
        }
        contenders.remove(0);
        contenders
    }

    /// One value per round of `contender` at `task`.
    pub(crate) fn by_round(
        &self,
        contender: Contender,
        task: Task,
        value: impl Fn(&Sample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let own = self.samples.iter().filter(|sample| sample.contender == contender && sample.task == task);
        own.map(|sample| (sample.round, value(sample))).collect()
    }

    /// Samples of `contender` in the pair that is named by `other`.
    pub(crate) fn latencies(
        &self,
        contender: Contender,
        other: Contender,
        task: Task,
    ) -> impl Iterator<Item = &LatencySample> {
        let all = self.latencies.iter().filter(move |sample| sample.task == task);
        all.filter(move |sample| sample.contender == contender && sample.other == other)
    }

    /// For each pair at `task`, half of the slower one's maximum, requests per second.
    pub(crate) fn fair_rates(&self, task: Task) -> Vec<(Task, Contender, f64)> {
        let maximum = |contender| {
            let rates = self.by_round(contender, task, |sample| sample.requests as f64 / sample.seconds);
            median(&rates.into_values().collect::<Vec<_>>())
        };
        let rate = |other| Some((task, other, maximum(other)?.min(maximum(Contender::Lockgate)?) / 2.0));
        self.others(task).into_iter().filter_map(rate).collect()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.requests as f64 / self.seconds;
        let (title, contender, cpu) = (self.task.title(), self.contender, self.cpu_us);
        let memory = self.memory.private >> 20;
        write!(f, "{title:24} {contender:22} {rate:8.0}/s {cpu:8.2} µs, busy {:.2}, {memory} MiB", self.busy)
    }
}

impl fmt::Display for LatencySample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, contender, rate, load) = (self.task.title(), self.contender, self.rate, &self.load);
        let (p50, p99, p999) = (load.p50_us, load.p99_us, load.p999_us);
        write!(f, "{title:24} {contender:22} {rate:8.0}/s p50 {p50} p99 {p99} p99.9 {p999} µs")
    }
}
