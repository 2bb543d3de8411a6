//! `bench functions`: other hosts of functions installed, components and everything else built for release, measured by the `bench` program.

use std::path::Path;
use std::process::Command;

use clap::Args;

use super::{build_release, target_directory};
use crate::step::run;
use crate::{functions, tools};

/// What to measure; every other option is `bench functions`' own.
#[derive(Args)]
pub(crate) struct Options {
    /// Programs, separated by commas: lockgate, lockgate-reuse, wasmtime, wasmtime-tuned, wasmtime-reuse, nginx-lua, haproxy-lua,
    /// lockgate-js, lockgate-js-reuse, workerd.
    #[arg(long)]
    contenders: Option<String>,
    /// Alternations.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Measured time of each sample, seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Two rounds of one second with few starts and functions: to see that everything works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Further options of `bench functions`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// What is called: the same answer in two languages, and what a neighbor should not do.
const COMPONENTS: [&str; 3] = ["hello", "hello-js", "hostile"];
/// The program that calls a component without a gateway. It is built by itself: what tests need of tokio is not to be in the gateway
/// that is measured.
const EXAMPLE: [&str; 4] = ["--package", "functions", "--example", "call_cost"];

/// Installs, builds, measures.
pub(crate) fn functions(root: &Path, options: &Options) -> anyhow::Result<()> {
    tools::install_for_functions(root)?;
    functions::run(root, &functions::Options::only(&COMPONENTS), tools::Missing::Fails)?;
    build_release(root, &["--package", "lockgate", "--package", "bench"])?;
    build_release(root, &EXAMPLE)?;
    let built = target_directory(root).join("release");
    let mut measure = Command::new(built.join("bench"));
    measure.arg("functions").arg("--lockgate").arg(built.join("lockgate"));
    measure.arg("--examples").arg(built.join("examples"));
    measure.args(["--rounds", &options.rounds.to_string(), "--seconds", &options.seconds.to_string()]);
    measure.args(options.contenders.iter().flat_map(|contenders| ["--contenders", contenders]));
    measure.args(options.quick.then_some("--quick")).args(&options.more);
    run(measure.current_dir(root))
}
