//! The load generator: one thread, one epoll loop, closed or at a fixed rate; counts only correct answers.

mod body;
mod connection;
mod engine;
mod idle;
mod pace;
mod report;
mod response;
mod rotation;
mod work;

pub(crate) use body::whole_body;
pub(crate) use idle::{IdleOptions, SETTLED, ask, hold_idle};
pub(crate) use report::LoadReport;
pub(crate) use work::{Work, fields};

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

/// One run of the load generator.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Address of the proxy.
    #[arg(long)]
    pub(crate) target: SocketAddr,
    /// What each request asks for.
    #[arg(long, value_enum, default_value_t = Work::Small)]
    pub(crate) work: Work,
    /// Kept connections, each with one request under way.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Measured time, seconds.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Time before anything is counted, seconds.
    #[arg(long, default_value_t = 0.3)]
    pub(crate) warm_up: f64,
    /// Requests per second; without it every connection sends again as soon as it is answered.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Spread requests over this many path prefixes, `/service-0/` and on.
    #[arg(long, default_value_t = 0)]
    pub(crate) routes: usize,
    /// File with a word a line, of which each request takes another: keys, or ids of users.
    #[arg(long)]
    pub(crate) words: Option<PathBuf>,
    /// What requests to a users service are allowed by.
    #[arg(long, default_value = "")]
    pub(crate) token: String,
}

/// The line that says measuring has begun; the report follows when it has ended.
pub(crate) const BEGIN: &str = "begin";

/// Runs, prints the report as one line of JSON, and fails when any answer was wrong.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    crate::os::raise_file_limit().context("raising the limit of open files")?;
    crate::os::sharpen_timers().context("setting the timer slack")?;
    let report = engine::Engine::connect(options)?.run(|| announce(BEGIN))?;
    announce(&serde_json::to_string(&report)?)?;
    match &report.fault {
        None => Ok(()),
        Some(fault) => anyhow::bail!("{} wrong answers, the first: {fault}", report.errors),
    }
}

/// Says a line to whoever started this.
pub(crate) fn announce(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
