//! Keys, limits and usage beside proxies that do the same, and the users service beside others: round after round in rotated order.

mod check;
pub(crate) mod client;
mod contender;
mod driver;
mod in_process;
pub(crate) mod record;
pub(crate) mod report;
mod seed;
mod setup;
mod task;

use crate::report::raw;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::measure::paths::{Ground, Paths};
use contender::Contender;
use driver::Driver;
use record::Run;
use task::Task;

/// What the users services ask for, and Lockgate's admin API.
const TOKEN: &str = "bench-3f9c1e7a5b2d4860-91c7e3a5f0b8d246";
/// Users and keys of a quick try.
const QUICK_COUNT: usize = 500;

/// How keys and users are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Kinds of work.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Task::ALL)]
    tasks: Vec<Task>,
    /// Programs; each does the kinds of work that are its own.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Contender::ALL)]
    contenders: Vec<Contender>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Keys that every gateway knows, and requests are spread over.
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// Users that every service has.
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    /// Two rounds of one second with few keys and users: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Without the programs that measure parts of Lockgate in one process.
    #[arg(long)]
    skip_in_process: bool,
    /// Where the programs are that measure parts of Lockgate in one process.
    #[arg(long, default_value = "target/release/examples")]
    examples: PathBuf,
    #[command(flatten)]
    paths: Paths,
}

/// Measures everything that was asked for and writes the run directory.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut options = options.clone();
    if options.quick {
        (options.rounds, options.seconds) = (options.rounds.min(2), options.seconds.min(1.0));
        (options.keys, options.users) = (options.keys.min(QUICK_COUNT), options.users.min(QUICK_COUNT));
    }
    anyhow::ensure!(options.rounds > 0 && options.keys > 0, "at least one round and one key are needed");
    anyhow::ensure!(options.users > 100, "a page of 100 users needs more than 100 users");
    let Ground { tools, machine, directory } = options.paths.prepare("users")?;
    let contenders: Vec<Contender> =
        options.contenders.iter().copied().filter(|contender| options.asks(*contender)).collect();
    let versions = contenders
        .iter()
        .map(|contender| contender.program(&tools).and_then(|_| Ok((*contender, contender.version(&tools)?))))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut run = Run::new(machine, versions, &options);
    let mut driver = Driver::prepare(tools, &options, &contenders)?;
    driver.check(&options, &contenders)?;
    throughput(&mut driver, &options, &mut run, &directory)?;
    if !options.skip_in_process {
        run.in_process = in_process::measure(&options.examples)?;
    }
    latency(&mut driver, &options, &mut run)?;
    raw::write(&run, &directory)?;
    report::write(&run, &directory)?;
    eprintln!("written: {}", directory.display());
    Ok(())
}

impl Options {
    fn asks(&self, contender: Contender) -> bool {
        self.tasks.iter().any(|task| task.contenders().contains(&contender))
    }

    /// Those that were asked for and do `task`, in the order of the report.
    fn contenders(&self, task: Task) -> Vec<Contender> {
        task.contenders().iter().copied().filter(|contender| self.contenders.contains(contender)).collect()
    }
}

/// Every task, every contender, in an order that each round begins elsewhere.
fn throughput(driver: &mut Driver, options: &Options, run: &mut Run, directory: &Path) -> anyhow::Result<()> {
    for round in 0..options.rounds {
        for task in &options.tasks {
            let mut contenders = options.contenders(*task);
            let start = round % contenders.len().max(1);
            contenders.rotate_left(start);
            for contender in contenders {
                let sample = driver.throughput(contender, *task, round)?;
                eprintln!("round {round} {sample}");
                run.samples.push(sample);
            }
        }
        // A run that breaks off keeps the rounds it had.
        raw::write(run, directory)?;
    }
    Ok(())
}

/// Each pair at half of what the slower one can do, one right after the other.
fn latency(driver: &mut Driver, options: &Options, run: &mut Run) -> anyhow::Result<()> {
    let rates: Vec<_> = options.tasks.iter().flat_map(|task| run.fair_rates(*task)).collect();
    for round in 0..options.rounds {
        for (task, other, rate) in &rates {
            let mut pair = [Contender::Lockgate, *other];
            pair.rotate_left(round % 2);
            for contender in pair {
                let sample = driver.latency(contender, *other, *task, *rate, round)?;
                eprintln!("round {round} {sample}");
                run.latencies.push(sample);
            }
        }
    }
    Ok(())
}
