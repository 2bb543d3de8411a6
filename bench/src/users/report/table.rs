//! The run as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::contender::Contender;
use super::super::record::{LatencySample, Run, Sample};
use super::super::task::Task;
use crate::report::landing::mark;
use crate::report::statistics::{Estimate, median};

/// The whole page.
pub(crate) fn markdown(run: &Run) -> anyhow::Result<String> {
    let mut out = String::new();
    head(&mut out, run)?;
    landing(&mut out, run)?;
    for task in Task::ALL {
        throughput(&mut out, run, task)?;
    }
    latency(&mut out, run)?;
    in_process(&mut out, run)?;
    Ok(out)
}

fn head(out: &mut String, run: &Run) -> std::fmt::Result {
    let machine = &run.machine;
    writeln!(out, "# Users, keys, limits and usage, side by side, {}\n", machine.date)?;
    writeln!(
        out,
        "{machine}. {} alternations of {} s; {} keys, {} users.",
        run.rounds, run.seconds, run.keys, run.users
    )?;
    writeln!(
        out,
        "Every program on one core, origin and load generator on the other. Medians; in parentheses the 95 % interval of"
    )?;
    writeln!(out, "ratios taken within each round. How and why: [bench/README.md](../../README.md).\n")?;
    writeln!(out, "| | version | by what means |\n|---|---|---|")?;
    for (contender, version) in &run.versions {
        writeln!(out, "| {contender} | {version} | {} |", contender.means())?;
    }
    writeln!(out)
}

fn landing(out: &mut String, run: &Run) -> std::fmt::Result {
    if Task::ALL.iter().all(|task| run.others(*task).is_empty()) {
        return Ok(());
    }
    writeln!(out, "## Where it is to land\n")?;
    writeln!(
        out,
        "Lockgate's figure ÷ the other's. Against users services: ahead of both in each; p99.9 as far as the interval can tell.\n"
    )?;
    writeln!(
        out,
        "| work | ÷ | CPU per request | memory after load | p99.9 at the same rate |\n|---|---|---|---|---|"
    )?;
    for task in Task::ALL {
        for other in run.others(task) {
            let is_service = task != Task::Keyed;
            let goal = task.cpu_goal(other);
            let memory = ratio(run, task, other, |sample| sample.memory.private as f64);
            writeln!(
                out,
                "| {} | {other} | {} | {} | {} |",
                task.title(),
                verdict(ratio(run, task, other, |sample| sample.cpu_us), goal),
                verdict(memory, is_service.then_some(1.0)),
                tail_verdict(tail_ratio(run, task, other), is_service),
            )?;
        }
    }
    writeln!(out)
}

fn verdict(measured: Option<Estimate>, goal: Option<f64>) -> String {
    match (measured, goal) {
        (None, _) => "not measured".into(),
        (Some(measured), None) => measured.to_string(),
        (Some(measured), Some(goal)) => {
            format!("{measured}, goal {goal:.2}: {}", mark(measured.median <= goal))
        }
    }
}

fn tail_verdict(measured: Option<Estimate>, has_goal: bool) -> String {
    match measured {
        Some(measured) if has_goal => {
            format!("{measured}, goal not worse: {}", mark(measured.low <= 1.0))
        }
        measured => verdict(measured, None),
    }
}

fn ratio(run: &Run, task: Task, other: Contender, value: fn(&Sample) -> f64) -> Option<Estimate> {
    let of = |contender| run.by_round(contender, task, value);
    Estimate::of_ratios(&of(Contender::Lockgate), &of(other))
}

fn tail_ratio(run: &Run, task: Task, other: Contender) -> Option<Estimate> {
    let tails = |contender| -> BTreeMap<usize, f64> {
        let samples = run.latencies(contender, other, task);
        samples.map(|sample| (sample.round, sample.load.p999_us as f64)).collect()
    };
    Estimate::of_ratios(&tails(Contender::Lockgate), &tails(other))
}

fn throughput(out: &mut String, run: &Run, task: Task) -> std::fmt::Result {
    let contenders = run.contenders(task);
    if contenders.is_empty() {
        return Ok(());
    }
    writeln!(out, "## {}\n", task.title())?;
    writeln!(
        out,
        "| | requests/s | core busy | requests per CPU second | CPU µs per request | user | system | private MiB after load | of that dirty | CPU, Lockgate ÷ this |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    let others = run.others(task);
    for contender in contenders {
        let of = |value: fn(&Sample) -> f64| middle(run.by_round(contender, task, value).into_values());
        let ratio = ratio(run, task, contender, |sample| sample.cpu_us);
        writeln!(
            out,
            "| {contender} | {:.0} | {:.0} % | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {} |",
            of(|sample| sample.requests as f64 / sample.seconds),
            of(|sample| sample.busy * 100.0),
            of(|sample| 1e6 / sample.cpu_us),
            of(|sample| sample.cpu_us),
            of(|sample| sample.user_us),
            of(|sample| sample.cpu_us - sample.user_us),
            of(|sample| sample.memory.private as f64 / 1024.0 / 1024.0),
            of(|sample| sample.memory.dirty as f64 / 1024.0 / 1024.0),
            ratio.filter(|_| others.contains(&contender)).map(|ratio| ratio.to_string()).unwrap_or_default(),
        )?;
    }
    if let Some(added) = added_by_keys(run).filter(|_| task == Task::Keyed) {
        let Estimate { median, low, high } = added;
        writeln!(
            out,
            "\nKey, limit, counting and folding add {median:.2} µs ({low:.2} to {high:.2}) to a request on an open route."
        )?;
    }
    writeln!(out)
}

/// CPU µs per request that a key, a limit and a meter cost Lockgate in place.
fn added_by_keys(run: &Run) -> Option<Estimate> {
    let of = |contender| run.by_round(contender, Task::Keyed, |sample| sample.cpu_us);
    let open = of(Contender::LockgateOpen);
    let pairs = of(Contender::Lockgate);
    Estimate::of(
        &pairs.iter().filter_map(|(round, keyed)| Some(keyed - open.get(round)?)).collect::<Vec<_>>(),
    )
}

fn latency(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.latencies.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Latency at a fixed rate\n")?;
    writeln!(
        out,
        "Half of the slower one's maximum, pair by pair; each answer counts from when its request was due. µs.\n"
    )?;
    writeln!(
        out,
        "| work | Lockgate and | requests/s | p50 | p99 | p99.9 | unanswered | p99.9, Lockgate ÷ this |\n|---|---|---:|---:|---:|---:|---:|---:|"
    )?;
    for task in Task::ALL {
        for other in run.others(task) {
            let of = |contender, value: fn(&LatencySample) -> f64| {
                middle(run.latencies(contender, other, task).map(value))
            };
            let both = |value: fn(&LatencySample) -> f64| {
                format!("{:.0} and {:.0}", of(Contender::Lockgate, value), of(other, value))
            };
            let Some(ratio) = tail_ratio(run, task, other) else { continue };
            writeln!(
                out,
                "| {} | {other} | {:.0} | {} | {} | {} | {} | {ratio} |",
                task.title(),
                of(other, |sample| sample.rate),
                both(|sample| sample.load.p50_us as f64),
                both(|sample| sample.load.p99_us as f64),
                both(|sample| sample.load.p999_us as f64),
                both(|sample| sample.load.unanswered as f64),
            )?;
        }
    }
    writeln!(out)
}

fn in_process(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.in_process.is_empty() {
        return Ok(());
    }
    writeln!(out, "## In one process\n")?;
    writeln!(
        out,
        "What `examples/` of `proxy` and `control` print on one core. Goals: identify + limit + meter under 0.7 µs with a million keys; 500,000 folded events/s.\n\n```"
    )?;
    for program in &run.in_process {
        writeln!(out, "{}", program.program)?;
        for line in &program.lines {
            writeln!(out, "  {line}")?;
        }
        for (part, instructions) in &program.instructions {
            writeln!(out, "  {instructions:6.0} instructions for a request, by callgrind: {part}")?;
        }
    }
    writeln!(out, "```")
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&values.collect::<Vec<_>>()).unwrap_or(f64::NAN)
}

#[cfg(test)]
#[path = "table/tests.rs"]
pub(super) mod tests;
