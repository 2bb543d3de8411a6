//! What clients cost by HTTP/2 and by TLS: the gateway beside others, its origin in HTTP/1.1.

pub(crate) mod driver;
mod grpc;
pub(crate) mod h2load;
pub(crate) mod handshakes;
pub(crate) mod hold;
pub(crate) mod identity;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod secure;
pub(crate) mod task;

pub(crate) use grpc::{GrpcOptions, call as call_grpc, serve as serve_grpc};

use std::path::Path;

use anyhow::Context;
use clap::Args;

use crate::measure::paths::{Ground, Paths};
use crate::measure::peer::{self, Peer};
use crate::measure::rotated;
use crate::report::raw;
use driver::Driver;
use record::Run;
use task::{Suite, Task};

/// Peers that speak HTTP/2 and TLS to clients by configuration alone.
pub(crate) const PEERS: [Peer; 4] = [Peer::Lockgate, Peer::Haproxy, Peer::Nginx, Peer::Envoy];
/// Memory moves little from run to run.
const IDLE_ROUNDS: usize = 3;

/// How they are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Peers: lockgate, haproxy, nginx, envoy.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = PEERS)]
    peers: Vec<Peer>,
    /// Kinds of work; by default all of this command.
    #[arg(long, value_enum, value_delimiter = ',')]
    tasks: Vec<Task>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Idle connections of each kind whose memory is measured; 0: none.
    #[arg(long, default_value_t = 5000)]
    idle: usize,
    /// Two rounds of one second: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    paths: Paths,
}

/// Measures HTTP/2 and writes the run directory.
pub(crate) fn http2(options: &Options) -> anyhow::Result<()> {
    run(options.clone().reduced(), Suite::Http2)
}

/// Measures TLS and writes the run directory.
pub(crate) fn tls(options: &Options) -> anyhow::Result<()> {
    run(options.clone().reduced(), Suite::Tls)
}

fn run(mut options: Options, suite: Suite) -> anyhow::Result<()> {
    anyhow::ensure!(options.rounds > 0, "at least one round is needed");
    if let Some(other) = options.peers.iter().find(|peer| !PEERS.contains(peer)) {
        anyhow::bail!("{other} is not measured by HTTP/2 or TLS");
    }
    if options.tasks.is_empty() {
        options.tasks = suite.tasks().to_vec();
    }
    let Ground { tools, machine, directory } = options.paths.prepare(suite.slug())?;
    let versions = peer::versions(&options.peers, &tools)?;
    let mut run = Run::new(suite, machine, versions, options.rounds, options.seconds);
    let driver = Driver::start(tools, options.seconds)?;
    throughput(&driver, &options, &mut run, &directory)?;
    idle(&driver, &options, &mut run)?;
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
            self.idle = self.idle.min(500);
        }
        self
    }
}

/// Every kind of work, every peer, in an order that each round begins elsewhere.
fn throughput(driver: &Driver, options: &Options, run: &mut Run, directory: &Path) -> anyhow::Result<()> {
    for round in 0..options.rounds {
        for task in &options.tasks {
            for peer in rotated(&options.peers, round) {
                let sample = driver.throughput(peer, *task, round);
                let sample = sample.with_context(|| format!("{peer}, {}", task.title()))?;
                eprintln!("round {round} {sample}");
                run.samples.push(sample);
            }
        }
        // A run that breaks off keeps the rounds it had.
        raw::write(run, directory)?;
    }
    Ok(())
}

fn idle(driver: &Driver, options: &Options, run: &mut Run) -> anyhow::Result<()> {
    let rounds = if options.idle == 0 { 0 } else { options.rounds.min(IDLE_ROUNDS) };
    for round in 0..rounds {
        for kind in run.suite.idle() {
            for peer in rotated(&options.peers, round) {
                let sample = driver.idle(peer, *kind, options.idle, round);
                let sample = sample.with_context(|| format!("{peer}, idle {}", kind.title()))?;
                eprintln!("round {round} {sample}");
                run.idle.push(sample);
            }
        }
    }
    Ok(())
}
