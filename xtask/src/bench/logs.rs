//! `bench process` and `bench search`: what they are measured beside installed, everything built for release, measured by the `bench` program.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::Args;

use super::{build_release, target_directory};
use crate::step::run;
use crate::tools;

/// How much to measure; every other option is the `bench` program's own.
#[derive(Args)]
pub(crate) struct Options {
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Two rounds on 50 MB: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Further options of `bench process` or `bench search`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Installs, builds, measures `lockgate process`.
pub(crate) fn process(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_for_process(root)?;
    build_python(root)?;
    run(Command::new("node").args(["bindings/node/build.js", "--locked"]).current_dir(root))?;
    measure(root, "process", options)
}

/// Installs, builds, measures `lockgate search`.
pub(crate) fn search(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_ripgrep(root)?;
    measure(root, "search", options)
}

/// Builds Lockgate's package for Python and puts it where Python finds it under its name.
fn build_python(root: &Path) -> anyhow::Result<()> {
    build_release(root, &["--package", "lockgate-python"])?;
    let library = format!("{DLL_PREFIX}lockgate_python{DLL_SUFFIX}");
    let place = tools::directory(root).join("lockgate-python");
    std::fs::create_dir_all(&place).with_context(|| format!("creating {}", place.display()))?;
    std::fs::copy(target_directory(root).join("release").join(library), place.join("lockgate.abi3.so"))
        .with_context(|| format!("copying into {}", place.display()))?;
    Ok(())
}

fn measure(root: &Path, what: &str, options: &Options) -> anyhow::Result<()> {
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg(what).arg("--lockgate").arg(built.join("lockgate"));
    measure.args(["--rounds", &options.rounds.to_string()]);
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}
