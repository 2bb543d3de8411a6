//! Where a comparison takes its programs from, and where its figures go.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::LOAD_CORE;
use super::machine::{self, Machine};
use super::peer::Tools;

/// Options of every comparison of servers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Paths {
    /// The gateway to measure.
    #[arg(long, default_value = "target/release/lockgate")]
    lockgate: PathBuf,
    /// Where `cargo xtask bench` put what no system package has.
    #[arg(long, default_value = "target/tools")]
    tools: PathBuf,
    /// Run directories are made in here.
    #[arg(long, default_value = "bench/runs")]
    runs: PathBuf,
    /// Name of the run directory; by default date, processor and what is measured.
    #[arg(long)]
    name: Option<String>,
}

/// What is there before anything is measured.
pub(crate) struct Ground {
    pub(crate) tools: Tools,
    pub(crate) machine: Machine,
    /// Of the run; it need not be there yet.
    pub(crate) directory: PathBuf,
}

impl Paths {
    /// Takes the load's core, and describes the machine. `what` is measured, as the run directory's name ends; "": the proxies themselves.
    pub(crate) fn prepare(&self, what: &str) -> anyhow::Result<Ground> {
        crate::os::raise_file_limit()?;
        crate::os::pin(LOAD_CORE).context("the benchmark needs two cores")?;
        let tools = Tools::new(&self.lockgate, &self.tools)?;
        let machine = machine::describe()?;
        let own = || [machine.run_name().as_str(), what].join("-").trim_end_matches('-').to_owned();
        let directory = self.runs.join(self.name.clone().unwrap_or_else(own));
        Ok(Ground { tools, machine, directory })
    }
}
