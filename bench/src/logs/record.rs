//! A whole run as figures: what raw.json holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Options;
use super::child::Finished;
use super::contender::Contender;
use super::data::{Data, USERS};
use super::start::Start;
use super::task::Task;
use crate::measure::machine::Machine;
use crate::report::statistics::{Estimate, median};

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    /// Contenders in the order of the report, with their versions.
    pub(crate) versions: Vec<(Contender, String)>,
    /// Alternations asked for.
    pub(crate) rounds: usize,
    /// What was asked about.
    pub(crate) events: u64,
    pub(crate) users: u64,
    pub(crate) lines_bytes: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) starts: Vec<Start>,
}

/// One program, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    pub(crate) task: Task,
    /// From before fork and exec to the end.
    pub(crate) wall_s: f64,
    /// All threads, user and kernel.
    pub(crate) cpu_s: f64,
    pub(crate) peak_bytes: u64,
}

impl Sample {
    pub(crate) fn new(round: usize, contender: Contender, task: Task, finished: &Finished) -> Self {
        let (wall_s, cpu_s) = (finished.wall.as_secs_f64(), finished.cpu.as_secs_f64());
        Self { round, contender, task, wall_s, cpu_s, peak_bytes: finished.peak_bytes }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.peak_bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "{:<30} {:<20} {:>8.3} s, {:>8.3} s CPU, {mib:>7.1} MiB",
            self.task, self.contender, self.wall_s, self.cpu_s
        )
    }
}

impl Run {
    pub(crate) fn new(
        machine: Machine,
        versions: Vec<(Contender, String)>,
        options: &Options,
        data: &Data,
    ) -> Self {
        Self {
            machine,
            versions,
            rounds: options.rounds,
            events: data.events,
            users: USERS,
            lines_bytes: data.bytes,
            segment_bytes: data.segment_bytes,
            samples: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// The tasks there are samples of.
    pub(crate) fn tasks(&self) -> Vec<Task> {
        let mut tasks: Vec<Task> = self.samples.iter().map(|sample| sample.task).collect();
        tasks.sort_unstable();
        tasks.dedup();
        tasks
    }

    /// Those that did `task`, in the order of the report.
    pub(crate) fn contenders(&self, task: Task) -> Vec<Contender> {
        let did = |one: &Contender| {
            self.samples.iter().any(|sample| sample.task == task && sample.contender == *one)
        };
        Contender::ALL.into_iter().filter(did).collect()
    }

    /// One value per round of `contender` at `task`.
    pub(crate) fn by_round(
        &self,
        contender: Contender,
        task: Task,
        value: impl Fn(&Sample) -> f64,
    ) -> BTreeMap<usize, f64> {
        let of_both =
            self.samples.iter().filter(|sample| sample.contender == contender && sample.task == task);
        of_both.map(|sample| (sample.round, value(sample))).collect()
    }

    /// The median of `contender` at `task`.
    pub(crate) fn middle(
        &self,
        contender: Contender,
        task: Task,
        value: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        median(&self.by_round(contender, task, value).into_values().collect::<Vec<_>>())
    }

    /// How many times Lockgate's `value` `other` needs, of the rounds both were in.
    pub(crate) fn ratio(
        &self,
        other: Contender,
        task: Task,
        value: impl Fn(&Sample) -> f64 + Copy,
    ) -> Option<Estimate> {
        let ours = self.by_round(Contender::Lockgate, task, value);
        Estimate::of_ratios(&self.by_round(other, task, value), &ours)
    }
}
