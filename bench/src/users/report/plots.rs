//! The run as pictures: CPU per request, requests per CPU second, memory.

use std::path::Path;

use anyhow::Context;
use plotters::style::RGBColor;

use super::super::contender::Contender;
use super::super::record::{Run, Sample};
use super::super::task::Task;
use crate::report::plots::{Row, SYSTEM, TAIL, USER, bars};
use crate::report::statistics::median;

/// What is told apart by color.
type Legend<'a> = &'a [(&'a str, RGBColor)];

/// Writes keyed.svg, services.svg, memory.svg and latency.svg, each where there are figures for it.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    let services: Vec<Task> = Task::ALL.into_iter().filter(|task| *task != Task::Keyed).collect();
    let each = |tasks: &[Task], row: fn(&Run, Task, Contender) -> Option<Row>| -> Vec<Row> {
        let pairs =
            tasks.iter().flat_map(|task| run.contenders(*task).into_iter().map(move |one| (*task, one)));
        pairs.filter_map(|(task, contender)| row(run, task, contender)).collect()
    };
    let plots: [(&str, &str, Vec<Row>, Legend<'_>); 4] = [
        (
            "keyed.svg",
            "CPU µs per proxied request with a key",
            each(&[Task::Keyed], cpu_row),
            &[("user", USER), ("system", SYSTEM)],
        ),
        (
            "services.svg",
            "Requests of the users API per CPU second",
            each(&services, rate_row),
            &[("requests", USER)],
        ),
        ("memory.svg", "Private MiB after load", each(&Task::ALL, memory_row), &[("private", USER)]),
        (
            "latency.svg",
            "Latency at half of the slower one's maximum, µs",
            latency_rows(run),
            &[("p50", USER), ("up to p99", SYSTEM), ("up to p99.9", TAIL)],
        ),
    ];
    for (file, title, rows, legend) in plots {
        if !rows.is_empty() {
            bars(&directory.join(file), title, &rows, legend).with_context(|| format!("drawing {file}"))?;
        }
    }
    Ok(())
}

/// Short enough for the margin of a plot.
fn name(task: Task) -> &'static str {
    match task {
        Task::Keyed => "key",
        Task::Health => "JSON",
        Task::Show => "one",
        Task::List => "page",
        Task::Create => "new",
    }
}

fn middle(run: &Run, task: Task, contender: Contender, value: fn(&Sample) -> f64) -> Option<f64> {
    median(&run.by_round(contender, task, value).into_values().collect::<Vec<_>>())
}

fn cpu_row(run: &Run, task: Task, contender: Contender) -> Option<Row> {
    let all = middle(run, task, contender, |sample| sample.cpu_us)?;
    let user = middle(run, task, contender, |sample| sample.user_us)?;
    let segments = vec![(user, USER), ((all - user).max(0.0), SYSTEM)];
    Some(Row { name: format!("{contender}: {all:.1}"), segments })
}

fn rate_row(run: &Run, task: Task, contender: Contender) -> Option<Row> {
    let rate = middle(run, task, contender, |sample| 1e6 / sample.cpu_us)?;
    Some(Row { name: format!("{}, {contender}: {rate:.0}", name(task)), segments: vec![(rate, USER)] })
}

fn memory_row(run: &Run, task: Task, contender: Contender) -> Option<Row> {
    let mib = middle(run, task, contender, |sample| sample.memory.private as f64 / 1024.0 / 1024.0)?;
    Some(Row { name: format!("{}, {contender}: {mib:.0}", name(task)), segments: vec![(mib, USER)] })
}

fn latency_rows(run: &Run) -> Vec<Row> {
    let row = |task: Task, contender: Contender, other: Contender| {
        let at = |value: fn(&crate::load::LoadReport) -> u64| {
            let samples = run.latencies(contender, other, task);
            median(&samples.map(|sample| value(&sample.load) as f64).collect::<Vec<_>>())
        };
        let (p50, p99, p999) = (at(|load| load.p50_us)?, at(|load| load.p99_us)?, at(|load| load.p999_us)?);
        let segments = vec![(p50, USER), ((p99 - p50).max(0.0), SYSTEM), ((p999 - p99).max(0.0), TAIL)];
        Some(Row { name: format!("{}, {contender}: {p999:.0}", name(task)), segments })
    };
    let pairs =
        Task::ALL.into_iter().flat_map(|task| run.others(task).into_iter().map(move |one| (task, one)));
    pairs
        .flat_map(|(task, other)| [row(task, other, other), row(task, Contender::Lockgate, other)])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::made_up_run;
    use super::*;

    #[test]
    fn each_plot_names_its_contenders() {
        let directory = tempfile::tempdir().unwrap();
        write(&made_up_run(), directory.path()).unwrap();
        let read = |file: &str| std::fs::read_to_string(directory.path().join(file)).unwrap();
        assert!(read("keyed.svg").contains("NGINX with Lua: 32.0"));
        assert!(read("services.svg").contains("one, Go, net/http: 20000"));
        assert!(read("memory.svg").contains("key, Lockgate: 10"));
        assert!(read("latency.svg").contains("one, Node, Fastify: 1000"));
    }
}
