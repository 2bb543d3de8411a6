//! Questions about logs: `lockgate process` beside DuckDB, Polars, Python and Node, and `lockgate search` beside ripgrep, on generated events.

mod child;
mod contender;
mod data;
mod record;
mod report;
mod start;
mod task;

use crate::report::raw;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::measure::machine;
use child::Finished;
use contender::{Contender, Tools};
use data::Data;
use record::{Run, Sample};
use task::{Answer, Task};

pub(crate) use record::Run as LogsRun;
pub(crate) use report::write as write_report;

/// How `process` or `search` is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Programs; each does the tasks that are its own.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Contender::ALL)]
    contenders: Vec<Contender>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Alternations that those take part in that need many times as long as the others.
    #[arg(long, default_value_t = 2)]
    slow_rounds: usize,
    /// Size of the generated lines, MB.
    #[arg(long, default_value_t = 2_000)]
    megabytes: u64,
    /// Two rounds on 50 MB: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// The program to measure.
    #[arg(long, default_value = "target/release/lockgate")]
    lockgate: PathBuf,
    /// Where `cargo xtask bench` put what no system package has.
    #[arg(long, default_value = "target/tools")]
    tools: PathBuf,
    /// Where the generated events are kept from run to run.
    #[arg(long, default_value = "target/bench-data")]
    data: PathBuf,
    /// Run directories are made in here.
    #[arg(long, default_value = "bench/runs")]
    runs: PathBuf,
    /// Name of the run directory; by default date, processor and what is measured.
    #[arg(long)]
    name: Option<String>,
}

/// Measures `lockgate process`, and how long its commands take to start, and writes the run directory.
pub(crate) fn process(options: &Options) -> anyhow::Result<()> {
    run(options, "process", &Task::PROCESS, true)
}

/// Measures `lockgate search` and writes the run directory.
pub(crate) fn search(options: &Options) -> anyhow::Result<()> {
    run(options, "search", &Task::SEARCH, false)
}

fn run(options: &Options, what: &str, tasks: &[Task], with_starts: bool) -> anyhow::Result<()> {
    let mut options = options.clone();
    if options.quick {
        (options.rounds, options.slow_rounds) = (options.rounds.min(2), 1);
        options.megabytes = options.megabytes.min(50);
    }
    anyhow::ensure!(options.rounds > 0 && options.megabytes > 0, "at least one round and one MB are needed");
    let tools = Tools::new(&options.lockgate, &options.tools)?;
    let data = Data::prepare(&options.data, options.megabytes * 1_000_000)?;
    let contenders: Vec<Contender> =
        options.contenders.iter().copied().filter(|one| one.does(tasks)).collect();
    let versions = contenders.iter().map(|one| Ok((*one, one.version(&tools)?)));
    let machine = machine::describe()?;
    let name = options.name.clone().unwrap_or_else(|| format!("{}-{what}", machine.run_name()));
    let directory = options.runs.join(name);
    let mut run = Run::new(machine, versions.collect::<anyhow::Result<_>>()?, &options, &data);
    for round in 0..options.rounds {
        for task in tasks {
            let mut able: Vec<Contender> =
                contenders.iter().copied().filter(|one| task.contenders().contains(one)).collect();
            able.retain(|one| !one.is_slow() || round < options.slow_rounds);
            let start = round % able.len().max(1);
            able.rotate_left(start);
            let mut first = None;
            for contender in able {
                let finished = one(&tools, &data, contender, *task)?;
                let sample = Sample::new(round, contender, *task, &finished);
                eprintln!("round {round} {sample}");
                run.samples.push(sample);
                let answer = task.answer(contender, finished.output)?;
                check_same(*task, &mut first, contender, answer)?;
            }
        }
        // A run that breaks off keeps the rounds it had.
        raw::write(&run, &directory)?;
    }
    if with_starts {
        run.starts = start::measure(&tools, &directory)?;
    }
    raw::write(&run, &directory)?;
    report::write(&run, &directory)?;
    eprintln!("written: {}", directory.display());
    Ok(())
}

fn one(tools: &Tools, data: &Data, contender: Contender, task: Task) -> anyhow::Result<Finished> {
    let command = contender.command(tools, data, task)?;
    let expected = task.exit_statuses();
    child::run(command, expected).with_context(|| format!("{contender} at {task}"))
}

/// All say what the first one said, or the run ends.
fn check_same(
    task: Task,
    first: &mut Option<(Contender, Answer)>,
    contender: Contender,
    answer: Answer,
) -> anyhow::Result<()> {
    match first {
        None => *first = Some((contender, answer)),
        Some((other, said)) => {
            anyhow::ensure!(said.agrees(&answer), "{task}: {other} says {said}, {contender} {answer}");
        }
    }
    Ok(())
}
