//! The run as pictures: CPU per request, memory, latency.

use std::path::Path;

use anyhow::Context;

use super::super::contender::{Contender, Language};
use super::super::record::{LatencySample, Run, Sample};
use crate::report::plots::{Row, SYSTEM, TAIL, USER, bars};
use crate::report::statistics::median;

/// Writes cpu-rust.svg, cpu-javascript.svg, memory.svg and latency.svg, each where there are figures for it.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    let cpu = [("user", USER), ("system", SYSTEM)];
    let plots = [
        ("cpu-rust.svg", "CPU µs per hello, Rust and Lua", cpu_rows(run, Language::Rust), &cpu[..]),
        ("cpu-javascript.svg", "CPU µs per hello, JavaScript", cpu_rows(run, Language::JavaScript), &cpu[..]),
        ("memory.svg", "Private MiB after load", memory_rows(run), &[("private", USER)]),
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

fn middle(run: &Run, contender: Contender, value: fn(&Sample) -> f64) -> Option<f64> {
    median(&run.by_round(contender, value).into_values().collect::<Vec<_>>())
}

/// The call in one process first, where it was measured.
fn cpu_rows(run: &Run, language: Language) -> Vec<Row> {
    let direct = median(&run.direct(language).into_values().collect::<Vec<_>>());
    let direct =
        direct.map(|all| Row { name: format!("in one process: {all:.1}"), segments: vec![(all, USER)] });
    let row = |contender: Contender| {
        let all = middle(run, contender, |sample| sample.cpu_us)?;
        let user = middle(run, contender, |sample| sample.user_us)?;
        let segments = vec![(user, USER), ((all - user).max(0.0), SYSTEM)];
        Some(Row { name: format!("{contender}: {all:.1}"), segments })
    };
    direct.into_iter().chain(run.contenders(language).filter_map(row)).collect()
}

fn memory_rows(run: &Run) -> Vec<Row> {
    let row = |contender: Contender| {
        let mib = middle(run, contender, |sample| sample.memory.private as f64 / 1024.0 / 1024.0)?;
        let name = match contender.language() {
            Language::Rust => contender.to_string(),
            Language::JavaScript => format!("JS, {contender}"),
        };
        Some(Row { name: format!("{name}: {mib:.0}"), segments: vec![(mib, USER)] })
    };
    Language::ALL.into_iter().flat_map(|language| run.contenders(language)).filter_map(row).collect()
}

fn latency_rows(run: &Run) -> Vec<Row> {
    let row = |contender: Contender, pair: (Contender, Contender)| {
        let at = |value: fn(&LatencySample) -> f64| {
            median(&run.latencies(contender, pair, value).into_values().collect::<Vec<_>>())
        };
        let p50 = at(|sample| sample.load.p50_us as f64)?;
        let p99 = at(|sample| sample.load.p99_us as f64)?;
        let p999 = at(|sample| sample.load.p999_us as f64)?;
        let segments = vec![(p50, USER), ((p99 - p50).max(0.0), SYSTEM), ((p999 - p99).max(0.0), TAIL)];
        Some(Row { name: format!("{contender}: {p999:.0}"), segments })
    };
    run.pairs().into_iter().flat_map(|pair| [row(pair.1, pair), row(pair.0, pair)]).flatten().collect()
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
        assert!(read("cpu-rust.svg").contains("wasmtime serve: 100.0"));
        assert!(read("cpu-rust.svg").contains("in one process: 40.0"));
        assert!(read("memory.svg").contains("JS, workerd: 200"));
        assert!(read("latency.svg").contains("wasmtime serve: 1000"));
        assert!(read("cpu-javascript.svg").contains("workerd: 60.0"));
    }
}
