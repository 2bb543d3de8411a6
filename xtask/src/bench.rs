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

/// What to measure; every other option is the `bench` program's own.
#[derive(Args)]
pub(crate) struct Options {
    /// Peers, separated by commas: lockgate, haproxy, nginx, envoy; of proxies also floor, pingora, caddy, node.
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
    let mut measure = built(root, "measure")?;
    options.hand_on(&mut measure);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}

impl Options {
    /// Says them to the `bench` program.
    fn hand_on(&self, measure: &mut Command) {
        measure.args(["--rounds", &self.rounds.to_string(), "--seconds", &self.seconds.to_string()]);
        measure.args(self.peers.iter().flat_map(|peers| ["--peers", peers]));
        measure.args(self.quick.then_some("--quick")).args(&self.more);
    }
}

/// Builds gateway and `bench` program for release, and begins a command of the latter that measures the former.
fn built(root: &Path, what: &str) -> anyhow::Result<Command> {
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg(what).arg("--lockgate").arg(built.join("lockgate"));
    Ok(measure)
}

fn build_release(root: &Path, what: &[&str]) -> anyhow::Result<()> {
    run(Command::new("cargo").args(["build", "--release", "--locked"]).args(what).current_dir(root))
}

fn target_directory(root: &Path) -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into)
}
