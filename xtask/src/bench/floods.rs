//! `bench floods`: peers installed, everything built for release, measured by the `bench` program.

use std::path::Path;

use clap::Args;

use super::built;
use crate::step::run;
use crate::tools;

/// What to measure; every other option is `bench floods`' own.
#[derive(Args)]
pub(crate) struct Options {
    /// Peers, separated by commas: lockgate, haproxy, nginx, envoy.
    #[arg(long)]
    peers: Option<String>,
    /// Kinds of flood, separated by commas.
    #[arg(long)]
    floods: Option<String>,
    /// Alternations.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Time of each flood, seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// One round of one second: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Further options of `bench floods`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Installs, builds, floods.
pub(crate) fn floods(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_for_clients(root)?;
    let mut measure = built(root, "floods")?;
    measure.args(["--rounds", &options.rounds.to_string(), "--seconds", &options.seconds.to_string()]);
    measure.args(options.peers.iter().flat_map(|peers| ["--peers", peers]));
    measure.args(options.floods.iter().flat_map(|floods| ["--floods", floods]));
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}
