//! Where and when a run was made.

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What of a machine changes figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Day of the run, `2026-11-21`, UTC.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Runnable tasks of the last minute when the run began: neighbours disturb.
    pub(crate) load_average: String,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, load_average, .. } = self;
        write!(f, "{processor}, {cores} cores, Linux {kernel}; load average {load_average} at the start")
    }
}

/// Describes this machine.
pub(crate) fn describe() -> anyhow::Result<Machine> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let date = Command::new("date").args(["-u", "+%F"]).output().context("asking for the date")?;
    Ok(Machine {
        date: String::from_utf8_lossy(&date.stdout).trim().to_owned(),
        processor: processor(&cpuinfo),
        cores: std::thread::available_parallelism()?.get().max(cpuinfo.matches("processor\t").count()),
        kernel: read("/proc/sys/kernel/osrelease"),
        load_average: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
impl Machine {
    /// One for reports whose figures are made up.
    pub(crate) fn made_up() -> Self {
        Self {
            date: "2026-11-21".into(),
            processor: "Made Up 1".into(),
            cores: 2,
            kernel: "6.0".into(),
            load_average: "0.00".into(),
        }
    }
}

impl Machine {
    /// `2026-11-21-amd-epyc`
    pub(crate) fn run_name(&self) -> String {
        format!("{}-{}", self.date, slug(&self.processor))
    }
}

/// The model, and family and model number where a cloud hides the model's name.
fn processor(cpuinfo: &str) -> String {
    let field = |name: &str| {
        let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).next()
    };
    let name = field("model name").or_else(|| field("CPU part")).unwrap_or_else(|| "unknown".into());
    if name.chars().any(|character| character.is_ascii_digit()) {
        return name;
    }
    match (field("cpu family"), field("model")) {
        (Some(family), Some(model)) => format!("{name} {family}-{model}"),
        _ => name,
    }
}

fn slug(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_ascii_whitespace().take(5).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_without_a_number_gets_its_family() {
        let hidden = "model name\t: AMD EPYC\ncpu family\t: 25\nmodel\t\t: 17\n";
        assert_eq!(slug(&processor(hidden)), "amd-epyc-25-17");
        let named = "model name\t: Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz\n";
        assert_eq!(slug(&processor(named)), "intel-r-xeon-r-gold");
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = describe().unwrap();
        assert!(machine.cores > 0 && machine.date.len() == 10, "{machine:?}");
    }
}
