//! `bench proxy`: peers installed, everything built for release, measured by the `bench` program.

pub(crate) mod clients;
pub(crate) mod floods;
pub(crate) mod functions;
pub(crate) mod logs;
pub(crate) mod users;

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::step::run;
use crate::tools;

/// What to measure; every other option is `bench measure`'s own.
#[derive(Args)]
pub(crate) struct Options {
    /// Peers, separated by commas: floor, lockgate, haproxy, nginx, pingora, envoy, caddy, node.
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
    /// Further options of `bench measure`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Installs, builds, measures.
pub(crate) fn proxy(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_peers(root)?;
    let pingora = tools::directory(root).join("pingora");
    run(Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            "bench/peers/pingora/Cargo.toml",
            "--target-dir",
        ])
        .arg(&pingora)
        .current_dir(root))?;
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg("measure").arg("--lockgate").arg(built.join("lockgate"));
    measure.args(["--rounds", &options.rounds.to_string(), "--seconds", &options.seconds.to_string()]);
    measure.args(options.peers.iter().flat_map(|peers| ["--peers", peers]));
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}

fn build_release(root: &Path, what: &[&str]) -> anyhow::Result<()> {
    run(Command::new("cargo").args(["build", "--release", "--locked"]).args(what).current_dir(root))
}

fn target_directory(root: &Path) -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into)
}
