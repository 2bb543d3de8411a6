//! The run as pictures: CPU per request of each kind of work, memory of idle connections.

use std::path::Path;

use anyhow::Context;

use super::super::record::{Run, Sample};
use super::super::task::{Kind, Task};
use crate::measure::peer::Peer;
use crate::measure::record::IdleSample;
use crate::report::plots::{Row, SYSTEM, USER, bars};
use crate::report::statistics::median;

/// Writes one picture for each kind of work and of idle connections, where there are figures for it.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    let draw = |file: &str, title: &str, rows: &[Row], legend: &[_]| {
        if rows.is_empty() {
            return Ok(());
        }
        bars(&directory.join(file), title, rows, legend).with_context(|| format!("drawing {file}"))
    };
    for (at, task) in run.suite.tasks().iter().enumerate() {
        let title = format!("CPU µs: {}", task.title());
        let legend = [("user", USER), ("system", SYSTEM)];
        draw(&format!("cpu-{}.svg", at + 1), &title, &cpu_rows(run, *task), &legend)?;
    }
    for (at, kind) in run.suite.idle().iter().enumerate() {
        let title = format!("Private bytes per idle connection, {}", kind.title());
        draw(&format!("idle-{}.svg", at + 1), &title, &idle_rows(run, *kind), &[("private", USER)])?;
    }
    Ok(())
}

fn cpu_rows(run: &Run, task: Task) -> Vec<Row> {
    let row = |peer: Peer| {
        let of = |value: fn(&Sample) -> f64| {
            median(&run.by_round(peer, task, value).into_values().collect::<Vec<_>>())
        };
        let (all, user) = (of(|sample| sample.cpu_us)?, of(|sample| sample.user_us)?);
        let segments = vec![(user, USER), ((all - user).max(0.0), SYSTEM)];
        Some(Row { name: format!("{peer}: {all:.1}"), segments })
    };
    run.peers().filter_map(row).collect()
}

fn idle_rows(run: &Run, kind: Kind) -> Vec<Row> {
    let row = |peer: Peer| {
        let bytes = median(&run.idle(peer, kind).map(IdleSample::private_bytes_each).collect::<Vec<_>>())?;
        Some(Row { name: format!("{peer}: {bytes:.0}"), segments: vec![(bytes.max(0.0), USER)] })
    };
    run.peers().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::task::Suite;
    use super::super::table::tests::made_up_run;
    use super::*;

    #[test]
    fn each_plot_names_its_peers() {
        let directory = tempfile::tempdir().unwrap();
        write(&made_up_run(Suite::Http2), directory.path()).unwrap();
        for (file, said) in
            [("cpu-1.svg", "NGINX: 22.0"), ("cpu-6.svg", "gRPC"), ("idle-2.svg", "Lockgate: 600")]
        {
            let text = std::fs::read_to_string(directory.path().join(file)).unwrap();
            assert!(text.contains(said), "{file}: {text}");
        }
    }
}
