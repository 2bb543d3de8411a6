//! Origin and load generator: started, listened to, ended.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;

use super::process::Process;
use super::usage::Cpu;
use crate::load::{BEGIN, LoadReport, Work};

/// The origin of a run; ends with its handle.
pub(crate) struct Origin {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Origin {
    /// Starts the origin that `this` program is, too, on `core`.
    pub(crate) fn start(this: &Path, core: usize) -> anyhow::Result<Self> {
        Self::start_as("origin", this, core)
    }

    /// The same for the one of that name.
    pub(crate) fn start_as(name: &str, this: &Path, core: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(this);
        command.arg(name).stdout(Stdio::piped());
        let mut child = crate::os::confine(&mut command, core).spawn().context("starting the origin")?;
        let address = next_line(&mut BufReader::new(piped(&mut child)))?;
        let address = address.parse().with_context(|| format!("the origin said `{address}`"))?;
        Ok(Self { child, address })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        crate::os::kill_group(self.child.id());
        // Only reaps: the group was just killed.
        let _ = self.child.wait();
    }
}

/// One run of the load generator.
pub(crate) struct Load<'a> {
    /// This program.
    pub(crate) this: &'a Path,
    /// Its own core.
    pub(crate) core: usize,
    pub(crate) target: SocketAddr,
    pub(crate) work: Work,
    /// Measured time.
    pub(crate) seconds: f64,
    /// Further options, by name.
    pub(crate) arguments: &'a [(&'a str, String)],
}

impl Load<'_> {
    /// Runs it; the CPU time of `process` is that between the generator's two lines.
    pub(crate) fn run(&self, process: &Process) -> anyhow::Result<(Cpu, LoadReport)> {
        let mut command = Command::new(self.this);
        command.args(["load", "--target", &self.target.to_string(), "--seconds", &self.seconds.to_string()]);
        command.args(["--work", self.work.argument()]);
        for (name, value) in self.arguments {
            command.args([*name, value]);
        }
        generate(command, self.core, process)
    }
}

/// Runs a load generator of ours; the CPU time of `process` is that between its two lines.
pub(crate) fn generate(
    mut command: Command,
    core: usize,
    process: &Process,
) -> anyhow::Result<(Cpu, LoadReport)> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = crate::os::confine(&mut command, core).spawn().context("starting the load")?;
    let mut lines = BufReader::new(piped(&mut child));
    let begun = next_line(&mut lines)? == BEGIN;
    let before = Cpu::of(&process.pids);
    let report = next_line(&mut lines)?;
    let used = Cpu::of(&process.pids) - before;
    finish(child, lines)?;
    anyhow::ensure!(begun, "the load generator never began");
    Ok((used, serde_json::from_str(&report).context("reading the load generator's report")?))
}

/// Ports that are free now; a peer binds them in a moment.
pub(crate) fn free_addresses() -> anyhow::Result<[SocketAddr; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([listeners[0].local_addr()?, listeners[1].local_addr()?])
}

pub(crate) fn piped(child: &mut Child) -> ChildStdout {
    child.stdout.take().expect("every child here is started with its output piped")
}

pub(crate) fn next_line(lines: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    lines.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Waits for the end of a tool and passes on what it complained of.
pub(crate) fn finish(mut child: Child, mut lines: impl Read) -> anyhow::Result<()> {
    std::io::copy(&mut lines, &mut std::io::sink())?;
    let mut complaint = String::new();
    if let Some(mut errors) = child.stderr.take() {
        errors.read_to_string(&mut complaint)?;
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "the load generator failed: {}", complaint.trim());
    Ok(())
}
