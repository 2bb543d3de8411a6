//! Functions in the gateway beside other hosts of the same components, scripts in other proxies, and calls without any of it.

mod contender;
mod direct;
mod driver;
mod many;
mod neighbor;
pub(crate) mod record;
pub(crate) mod report;
mod setup;
mod start;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::measure::paths::{Ground, Paths};
use crate::report::raw;
use contender::{Contender, Language};
use driver::Driver;
use record::{Copies, Run, Spot};

/// Alternations in which the component in JavaScript is called in one process: each time it is compiled first, half a minute long.
const JAVASCRIPT_DIRECT_ROUNDS: usize = 2;

/// How functions are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Programs.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Contender::ALL)]
    contenders: Vec<Contender>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Calls in one process, without a gateway, of the component in Rust; a twentieth of the one in JavaScript; 0: none.
    #[arg(long, default_value_t = 20_000)]
    direct: u32,
    /// Cold starts of each kind and alternation; 0: none.
    #[arg(long, default_value_t = 10)]
    starts: usize,
    /// Functions in one gateway, whose memory is measured; 0: none.
    #[arg(long, default_value_t = 1000)]
    many: usize,
    /// Proxied requests per second beside a function that spins; 0: none.
    #[arg(long, default_value_t = 2000.0)]
    neighbor_rate: f64,
    /// Two rounds of one second with few starts and functions: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Where the program is that calls a component in one process.
    #[arg(long, default_value = "target/release/examples")]
    examples: PathBuf,
    /// Where `cargo xtask functions` put the components.
    #[arg(long, default_value = "target/functions")]
    functions: PathBuf,
    #[command(flatten)]
    paths: Paths,
}

/// Measures everything that was asked for and writes the run directory.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let options = options.clone().reduced();
    anyhow::ensure!(options.rounds > 0, "at least one round is needed");
    let Ground { tools, machine, directory } = options.paths.prepare("functions")?;
    let versions = options.contenders.iter().map(|contender| Ok((*contender, contender.version(&tools)?)));
    let versions = versions.collect::<anyhow::Result<_>>()?;
    let mut run = Run::new(machine, versions, &options);
    let driver = Driver::prepare(tools, &options, &options.languages())?;
    for round in 0..options.rounds {
        throughput(&driver, &options, &mut run, round)?;
        alone(&driver, &options, &mut run, round)?;
        // A run that breaks off keeps the rounds it had.
        raw::write(&run, &directory)?;
    }
    many(&driver, &options, &mut run, &directory)?;
    latency(&driver, &options, &mut run)?;
    raw::write(&run, &directory)?;
    report::write(&run, &directory)?;
    eprintln!("written: {}", directory.display());
    Ok(())
}

impl Options {
    /// With what a quick try has less of.
    fn reduced(mut self) -> Self {
        if self.quick {
            (self.rounds, self.seconds) = (self.rounds.min(2), self.seconds.min(1.0));
            (self.direct, self.starts, self.many) =
                (self.direct.min(2000), self.starts.min(2), self.many.min(50));
        }
        self
    }

    /// Those that a contender answers in.
    fn languages(&self) -> Vec<Language> {
        let is_asked = |language: &Language| self.contenders.iter().any(|one| one.language() == *language);
        Language::ALL.into_iter().filter(is_asked).collect()
    }
}

/// Every contender, in an order that each round begins elsewhere.
fn throughput(driver: &Driver, options: &Options, run: &mut Run, round: usize) -> anyhow::Result<()> {
    let mut contenders = options.contenders.clone();
    let start = round % contenders.len().max(1);
    contenders.rotate_left(start);
    for contender in contenders {
        let sample = driver.throughput(contender, round).with_context(|| contender.to_string())?;
        eprintln!("round {round} {sample}");
        run.samples.push(sample);
    }
    Ok(())
}

/// What is measured of the gateway alone: calls in one process, cold starts, and a function that spins.
fn alone(driver: &Driver, options: &Options, run: &mut Run, round: usize) -> anyhow::Result<()> {
    for language in options.languages() {
        let (count, rounds) = match language {
            Language::Rust => (options.direct, options.rounds),
            Language::JavaScript => (options.direct / 20, JAVASCRIPT_DIRECT_ROUNDS),
        };
        if count > 0 && round < rounds {
            let sample = direct::measure(&options.examples, &options.functions, language, count, round)?;
            eprintln!("round {round} {sample:?}");
            run.direct.push(sample);
        }
    }
    for language in options.languages().into_iter().filter(|_| options.starts > 0) {
        run.starts.extend(start::measure(driver, language, options.starts, round)?);
        eprintln!("round {round} cold starts in {}", language.name());
    }
    for spot in [Spot::OtherCore, Spot::SameCore].into_iter().filter(|_| options.neighbor_rate > 0.0) {
        let samples = neighbor::measure(driver, spot, options.neighbor_rate, round)?;
        samples.iter().for_each(|sample| eprintln!("round {round} {sample:?}"));
        run.neighbors.extend(samples);
    }
    Ok(())
}

/// Memory moves little from start to start: three say enough.
fn many(driver: &Driver, options: &Options, run: &mut Run, directory: &Path) -> anyhow::Result<()> {
    for copies in [Copies::Same, Copies::Different].into_iter().filter(|_| options.many > 0) {
        let samples = many::measure(driver, copies, options.many, options.rounds.min(3))?;
        samples.iter().for_each(|sample| eprintln!("{sample:?}"));
        run.many.extend(samples);
    }
    raw::write(run, directory)
}

/// Each pair at half of what the slower one can do, one right after the other.
fn latency(driver: &Driver, options: &Options, run: &mut Run) -> anyhow::Result<()> {
    let rates = run.fair_rates();
    for round in 0..options.rounds {
        for (pair, rate) in &rates {
            let mut order = [pair.0, pair.1];
            order.rotate_left(round % 2);
            for contender in order {
                let sample = driver.latency(contender, *pair, *rate, round)?;
                eprintln!("round {round} {sample}");
                run.latencies.push(sample);
            }
        }
    }
    Ok(())
}
