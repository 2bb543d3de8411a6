//! Starts a peer, puts it to work, and takes one sample.

use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use super::configure::{self, Back, Front, Setting};
use super::generator::{Load, Origin, finish, free_addresses, next_line, piped};
use super::peer::{Peer, Tools};
use super::process::{PROBE, Process};
use super::record::{IdleSample, LatencySample, Sample};
use super::scenario::Scenario;
use super::usage::{Cpu, Memory};
use super::{LOAD_CORE, PROXY_CORE};
use crate::load::{LoadReport, SETTLED, Work};

/// From the last connection's answer to the look at memory: what is freed late is freed by then.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// What every sample needs: the tools, the origin, a place for files.
pub(crate) struct Driver {
    tools: Tools,
    origin: Origin,
    directory: PathBuf,
    seconds: f64,
}

impl Driver {
    /// Starts the origin.
    pub(crate) fn start(tools: Tools, seconds: f64) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("lockgate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let origin = Origin::start(tools.this(), LOAD_CORE)?;
        Ok(Self { tools, origin, directory, seconds })
    }

    /// Requests as fast as they are answered.
    pub(crate) fn throughput(
        &mut self,
        peer: Peer,
        scenario: Scenario,
        round: usize,
    ) -> anyhow::Result<Sample> {
        let (process, address) = self.start_peer(peer, scenario.routes())?;
        let arguments = [
            ("--connections", scenario.connections().to_string()),
            ("--routes", scenario.routes().to_string()),
            ("--warm-up", scenario.warm_up_seconds().to_string()),
        ];
        let (cpu, load) = self.load(&process, address, scenario.work(), &arguments)?;
        anyhow::ensure!(load.requests > 0, "{peer} answered nothing within {} s", self.seconds);
        let cpu_us = cpu.total_ns as f64 / 1e3 / load.requests as f64;
        Ok(Sample {
            round,
            peer,
            scenario,
            requests: load.requests,
            seconds: load.seconds,
            cpu_us,
            user_us: cpu_us * cpu.user_share(),
            busy: cpu.total_ns as f64 / 1e9 / load.seconds,
            start_us: u64::try_from(process.start_time.as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// Requests at a fixed rate, as one half of the pair with `other`.
    pub(crate) fn latency(
        &mut self,
        peer: Peer,
        other: Peer,
        rate: f64,
        round: usize,
    ) -> anyhow::Result<LatencySample> {
        let (process, address) = self.start_peer(peer, 0)?;
        let (_, load) = self.load(&process, address, Work::Small, &[("--rate", rate.to_string())])?;
        Ok(LatencySample { round, peer, other, rate, load })
    }

    /// Memory before and after `connections` were each used once and kept.
    pub(crate) fn idle(
        &mut self,
        peer: Peer,
        connections: usize,
        round: usize,
    ) -> anyhow::Result<IdleSample> {
        let (process, address) = self.start_peer(peer, 0)?;
        let mut command = Command::new(self.tools.this());
        command.args(["idle", "--target", &address.to_string(), "--connections", &connections.to_string()]);
        hold(command, &process, peer, connections, round)
    }

    fn start_peer(&self, peer: Peer, routes: usize) -> anyhow::Result<(Process, SocketAddr)> {
        let directory = self.directory.join("peer");
        // What the last peer left: logs, a journal.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let [listen, admin] = free_addresses()?;
        let setting = Setting {
            listen,
            admin,
            origin: self.origin.address,
            directory: &directory,
            routes,
            front: Front::Http1,
            back: Back::Http1,
        };
        let command = configure::command(peer, &setting, &self.tools)?;
        let process = Process::start(command, PROXY_CORE, listen, PROBE, &directory)?;
        Ok((process, listen))
    }

    fn load(
        &self,
        process: &Process,
        target: SocketAddr,
        work: Work,
        arguments: &[(&str, String)],
    ) -> anyhow::Result<(Cpu, LoadReport)> {
        Load { this: self.tools.this(), core: LOAD_CORE, target, work, seconds: self.seconds, arguments }
            .run(process)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only tidies up; what fails here harms no figure.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Looks at memory before and while the load generator that `command` starts holds idle connections to `peer`.
pub(crate) fn hold(
    mut command: Command,
    process: &Process,
    peer: Peer,
    connections: usize,
    round: usize,
) -> anyhow::Result<IdleSample> {
    std::thread::sleep(SETTLE_TIME);
    let before = Memory::of(&process.pids);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = crate::os::confine(&mut command, LOAD_CORE).spawn().context("starting the load")?;
    let mut lines = BufReader::new(piped(&mut holder));
    let line = next_line(&mut lines)?;
    anyhow::ensure!(line == SETTLED, "{peer} did not take {connections} connections");
    std::thread::sleep(SETTLE_TIME);
    let after = Memory::of(&process.pids);
    drop(holder.stdin.take());
    let open: usize = next_line(&mut lines)?.parse()?;
    anyhow::ensure!(open == connections, "{peer} kept only {open} of {connections} connections");
    finish(holder, lines)?;
    Ok(IdleSample { round, peer, connections, before, after })
}
