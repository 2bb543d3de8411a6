//! `bench h2` and `bench tls`: peers and load generator installed, everything built for release, measured by the `bench` program.

use std::path::Path;
use std::process::Command;

use clap::Args;

use super::{build_release, target_directory};
use crate::step::run;
use crate::tools;

/// What to measure; every other option is `bench h2`'s or `bench tls`' own.
#[derive(Args)]
pub(crate) struct Options {
    /// Peers, separated by commas: lockgate, haproxy, nginx, envoy.
    #[arg(long)]
    peers: Option<String>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Two rounds of one second: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Further options of the `bench` program.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Installs, builds, measures HTTP/2.
pub(crate) fn http2(root: &Path, options: &Options) -> anyhow::Result<()> {
    measure(root, "h2", options)
}

/// Installs, builds, measures TLS.
pub(crate) fn tls(root: &Path, options: &Options) -> anyhow::Result<()> {
    measure(root, "tls", options)
}

fn measure(root: &Path, what: &str, options: &Options) -> anyhow::Result<()> {
    tools::install_for_clients(root)?;
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg(what).arg("--lockgate").arg(built.join("lockgate"));
    measure.args(["--rounds", &options.rounds.to_string(), "--seconds", &options.seconds.to_string()]);
    measure.args(options.peers.iter().flat_map(|peers| ["--peers", peers]));
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}
