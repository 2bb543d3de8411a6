//! From a run's figures to table.md and a plot.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use super::contender::Contender;
use super::record::{Run, Sample};
use super::task::Task;
use crate::report::plots::{Row, SYSTEM, USER, bars};
use crate::report::publish;

/// Writes table.md and plots into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    publish(&markdown(run)?, directory, || {
        for (at, task) in run.tasks().into_iter().enumerate() {
            let file = directory.join(format!("time-{}.svg", at + 1));
            let title = format!("Seconds of {task}");
            bars(&file, &title, &rows(run, task), &[("seconds", USER), ("CPU seconds beyond", SYSTEM)])
                .with_context(|| format!("drawing {}", file.display()))?;
        }
        Ok(())
    })
}

fn rows(run: &Run, task: Task) -> Vec<Row> {
    let row = |contender: Contender| {
        let wall = run.middle(contender, task, |sample| sample.wall_s)?;
        let cpu = run.middle(contender, task, |sample| sample.cpu_s)?;
        let segments = vec![(wall, USER), ((cpu - wall).max(0.0), SYSTEM)];
        Some(Row { name: format!("{contender}: {wall:.2}"), segments })
    };
    run.contenders(task).into_iter().filter_map(row).collect()
}

fn markdown(run: &Run) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let machine = &run.machine;
    writeln!(out, "# Questions about logs, side by side\n")?;
    writeln!(
        out,
        "{}, {}, {} cores, Linux {}, load average at the start {}. {} alternations; what takes part in fewer is marked by how many.\n",
        machine.date, machine.processor, machine.cores, machine.kernel, machine.load_average, run.rounds
    )?;
    let versions: Vec<String> =
        run.versions.iter().map(|(one, version)| format!("{one} {version}")).collect();
    writeln!(out, "{}.\n", versions.join(", "))?;
    writeln!(
        out,
        "{} events of {} users, skewed: {:.0} MB as lines of JSON, {:.0} MB as a segment; in the page cache.\n",
        run.events,
        run.users,
        run.lines_bytes as f64 / 1e6,
        run.segment_bytes as f64 / 1e6
    )?;
    for task in run.tasks() {
        table(run, task, &mut out)?;
    }
    starts(run, &mut out)?;
    Ok(out)
}

fn table(run: &Run, task: Task, out: &mut String) -> std::fmt::Result {
    let bytes = if task == Task::Segment { run.segment_bytes } else { run.lines_bytes };
    match task.pattern() {
        Some(pattern) => writeln!(out, "## {task}: `{pattern}`\n")?,
        None => writeln!(out, "## {task}\n")?,
    }
    writeln!(
        out,
        "| | rounds | seconds | GB/s | CPU seconds | million events per CPU second | peak MiB | seconds ÷ Lockgate | CPU ÷ Lockgate |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for contender in run.contenders(task) {
        let middle = |value: fn(&Sample) -> f64| run.middle(contender, task, value).unwrap_or(f64::NAN);
        let (wall, cpu) = (middle(|sample| sample.wall_s), middle(|sample| sample.cpu_s));
        let ratio = |value: fn(&Sample) -> f64| {
            let other =
                (contender != Contender::Lockgate).then(|| run.ratio(contender, task, value)).flatten();
            other.map_or("–".to_owned(), |estimate| estimate.to_string())
        };
        writeln!(
            out,
            "| {contender} | {} | {wall:.3} | {:.2} | {cpu:.3} | {:.1} | {:.0} | {} | {} |",
            run.by_round(contender, task, |sample| sample.wall_s).len(),
            bytes as f64 / wall / 1e9,
            run.events as f64 / cpu / 1e6,
            middle(|sample| sample.peak_bytes as f64) / f64::from(1 << 20),
            ratio(|sample| sample.wall_s),
            ratio(|sample| sample.cpu_s),
        )?;
    }
    writeln!(out)
}

fn starts(run: &Run, out: &mut String) -> std::fmt::Result {
    if run.starts.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Start to end of commands with next to nothing to do\n")?;
    writeln!(out, "| lockgate … | median ms | fastest ms |\n|---|---:|---:|")?;
    for start in &run.starts {
        writeln!(out, "| {} | {:.1} | {:.1} |", start.command, start.median_ms, start.fastest_ms)?;
    }
    Ok(())
}
