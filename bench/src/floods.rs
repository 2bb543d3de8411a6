//! Clients that ask for work and give none, against the gateway and others, beside one client that behaves.

mod attacker;
mod driver;
mod flood;
mod polite;
pub(crate) mod record;
pub(crate) mod report;
mod slow;

use anyhow::Context;
use clap::Args;

use crate::clients::PEERS;
use crate::measure::paths::{Ground, Paths};
use crate::measure::peer::{self, Peer};
use crate::measure::rotated;
use crate::report::raw;
use driver::Driver;
use flood::Flood;
use record::Run;

/// How they are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Peers: lockgate, haproxy, nginx, envoy.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = PEERS)]
    peers: Vec<Peer>,
    /// Kinds of flood.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Flood::ALL)]
    floods: Vec<Flood>,
    /// Alternations.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Time of each flood, seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Requests per second of the client that behaves.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// One round of one second: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    paths: Paths,
}

/// Measures everything that was asked for and writes the run directory.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut options = options.clone();
    if options.quick {
        (options.rounds, options.seconds) = (1, options.seconds.min(1.0));
    }
    anyhow::ensure!(options.rounds > 0, "at least one round is needed");
    if let Some(other) = options.peers.iter().find(|peer| !PEERS.contains(peer)) {
        anyhow::bail!("{other} is not flooded");
    }
    let Ground { tools, machine, directory } = options.paths.prepare("floods")?;
    let versions = peer::versions(&options.peers, &tools)?;
    let mut run = Run::new(machine, versions, options.rounds, options.seconds, options.rate);
    let driver = Driver::start(tools, options.seconds, options.rate)?;
    for round in 0..options.rounds {
        for flood in &options.floods {
            for peer in rotated(&options.peers, round) {
                let sample = driver.flood(peer, *flood, round);
                let sample = sample.with_context(|| format!("{peer}, {}", flood.title()))?;
                eprintln!("round {round} {sample}");
                run.samples.push(sample);
            }
            // A run that breaks off keeps the floods it had.
            raw::write(&run, &directory)?;
        }
    }
    report::write(&run, &directory)?;
    eprintln!("written: {}", directory.display());
    Ok(())
}
