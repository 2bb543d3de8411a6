//! Runs the peers side by side: one core for the proxy, the other for origin and load, round after round in rotated order.

pub(crate) mod configure;
pub(crate) mod driver;
pub(crate) mod generator;
pub(crate) mod machine;
pub(crate) mod paths;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod record;
pub(crate) mod scenario;
pub(crate) mod usage;

use crate::report::raw;
use std::path::Path;

use clap::Args;

use driver::Driver;
use paths::{Ground, Paths};
use peer::Peer;
use record::Run;
use scenario::Scenario;

/// The core of the measured proxy, and nothing else of ours.
pub(crate) const PROXY_CORE: usize = 0;
/// The core of origin, load generator and this program.
pub(crate) const LOAD_CORE: usize = 1;

/// How the peers are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Peers, each measured by itself; those whose program is missing stop the run.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::ALL)]
    peers: Vec<Peer>,
    /// Kinds of work.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Scenario::ALL)]
    scenarios: Vec<Scenario>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Idle keep-alive connections whose memory is measured; 0: none.
    #[arg(long, default_value_t = 5000)]
    idle: usize,
    /// Two rounds of one second: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    paths: Paths,
}

/// Measures everything that was asked for and writes the run directory.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut options = options.clone();
    if options.quick {
        (options.rounds, options.seconds) = (options.rounds.min(2), options.seconds.min(1.0));
    }
    anyhow::ensure!(options.rounds > 0, "at least one round is needed");
    let Ground { tools, machine, directory } = options.paths.prepare("")?;
    let versions = peer::versions(&options.peers, &tools)?;
    let mut run = Run::new(machine, versions, options.rounds, options.seconds);
    let mut driver = Driver::start(tools, options.seconds)?;
    throughput(&mut driver, &options, &mut run, &directory)?;
    idle(&mut driver, &options, &mut run)?;
    raw::write(&run, &directory)?;
    latency(&mut driver, &options, &mut run)?;
    raw::write(&run, &directory)?;
    crate::report::write(&run, &directory)?;
    eprintln!("written: {}", directory.display());
    Ok(())
}

/// Every scenario, every peer, in an order that each round begins elsewhere.
fn throughput(driver: &mut Driver, options: &Options, run: &mut Run, directory: &Path) -> anyhow::Result<()> {
    for round in 0..options.rounds {
        for scenario in &options.scenarios {
            for peer in rotated(&options.peers, round).filter(|peer| scenario.suits(*peer)) {
                let sample = driver.throughput(peer, *scenario, round)?;
                eprintln!("round {round} {sample}");
                run.samples.push(sample);
            }
        }
        // A run that breaks off keeps the rounds it had.
        raw::write(run, directory)?;
    }
    Ok(())
}

/// Memory moves little from run to run: three rounds say enough.
fn idle(driver: &mut Driver, options: &Options, run: &mut Run) -> anyhow::Result<()> {
    if options.idle == 0 {
        return Ok(());
    }
    for round in 0..options.rounds.min(3) {
        for peer in rotated(&options.peers, round) {
            let sample = driver.idle(peer, options.idle, round)?;
            eprintln!("round {round} {sample}");
            run.idle.push(sample);
        }
    }
    Ok(())
}

/// Each pair at half of what the slower one can do, one right after the other.
fn latency(driver: &mut Driver, options: &Options, run: &mut Run) -> anyhow::Result<()> {
    let Some(subject) = run.subject() else { return Ok(()) };
    let rates: Vec<(Peer, f64)> = run.fair_rates(subject);
    for round in 0..options.rounds {
        for (other, rate) in &rates {
            let mut pair = [subject, *other];
            pair.rotate_left(round % 2);
            for peer in pair {
                let sample = driver.latency(peer, *other, *rate, round)?;
                eprintln!("round {round} {sample}");
                run.latencies.push(sample);
            }
        }
    }
    Ok(())
}

/// All of `peers`, beginning with another one in each round.
pub(crate) fn rotated(peers: &[Peer], round: usize) -> impl Iterator<Item = Peer> {
    let start = round % peers.len().max(1);
    peers[start..].iter().chain(&peers[..start]).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_begins_with_another_peer_and_has_all() {
        let peers = [Peer::Floor, Peer::Nginx, Peer::Node];
        let order = |round| rotated(&peers, round).collect::<Vec<_>>();
        assert_eq!(order(0), peers);
        assert_eq!(order(1), [Peer::Nginx, Peer::Node, Peer::Floor]);
        assert_eq!(order(5), [Peer::Node, Peer::Floor, Peer::Nginx]);
    }
}
