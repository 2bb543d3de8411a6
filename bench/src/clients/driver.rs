//! Starts a peer by HTTP/2 or TLS, puts it to work, and takes one sample.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;

use super::record::{KindSample, Sample};
use super::task::{Key, Kind, Means, Task};
use super::{h2load, hold, identity};
use crate::measure::configure::{self, Back, Front, Setting};
use crate::measure::driver::hold;
use crate::measure::generator::{Origin, free_addresses, generate};
use crate::measure::peer::{Peer, Tools};
use crate::measure::process::Process;
use crate::measure::usage::Cpu;
use crate::measure::{LOAD_CORE, PROXY_CORE};

/// What every sample needs: the tools, the origins, certificates, a place for files.
pub(crate) struct Driver {
    tools: Tools,
    origin: Origin,
    grpc_origin: Origin,
    directory: PathBuf,
    seconds: f64,
}

/// A peer that answers, and where.
pub(crate) struct Started {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Driver {
    /// Starts the origins and makes certificates.
    pub(crate) fn start(tools: Tools, seconds: f64) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("lockgate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let origin = Origin::start(tools.this(), LOAD_CORE)?;
        let grpc_origin = Origin::start_as("grpc-origin", tools.this(), LOAD_CORE)?;
        let driver = Self { tools, origin, grpc_origin, directory, seconds };
        for key in [Key::P256, Key::Rsa2048] {
            identity::write(key, &driver.identity(key))?;
        }
        Ok(driver)
    }

    /// Where the certificate with this key is.
    pub(crate) fn identity(&self, key: Key) -> PathBuf {
        self.directory.join(match key {
            Key::P256 => "p256",
            Key::Rsa2048 => "rsa2048",
        })
    }

    /// This program.
    pub(crate) fn this(&self) -> &Path {
        self.tools.this()
    }

    /// Requests as fast as they are answered.
    pub(crate) fn throughput(&self, peer: Peer, task: Task, round: usize) -> anyhow::Result<Sample> {
        let back = if task == Task::Grpc { Back::Http2 } else { Back::Http1 };
        let identity = task.key().map(|key| self.identity(key));
        let kind = if identity.is_some() { Kind::Tls } else { Kind::H2c };
        let Started { process, address } = self.start_peer(peer, kind, identity.as_deref(), back)?;
        let mut session = None;
        let (cpu, requests, seconds) = match task.means() {
            Means::H2load(plan) => {
                let (cpu, found) = h2load::run(&plan, address, self.seconds, &process)?;
                session = found.session;
                (cpu, found.requests, self.seconds)
            }
            Means::Grpc => self.run_own("grpc-load", address, &[], &process)?,
            Means::Handshakes(session) => {
                let folder = identity.context("a handshake without a certificate")?;
                let folder = folder.to_str().context("the temporary directory is not UTF-8")?;
                let arguments = ["--session", session.argument(), "--identity", folder];
                self.run_own("handshakes", address, &arguments, &process)?
            }
        };
        anyhow::ensure!(requests > 0, "{peer} answered nothing within {} s", self.seconds);
        let cpu_us = cpu.total_ns as f64 / 1e3 / requests as f64;
        Ok(Sample {
            round,
            peer,
            task,
            requests,
            seconds,
            cpu_us,
            user_us: cpu_us * cpu.user_share(),
            busy: cpu.total_ns as f64 / 1e9 / seconds,
            session,
        })
    }

    fn run_own(
        &self,
        tool: &str,
        target: SocketAddr,
        arguments: &[&str],
        process: &Process,
    ) -> anyhow::Result<(Cpu, u64, f64)> {
        let mut command = Command::new(self.this());
        command.args([tool, "--target", &target.to_string(), "--seconds", &self.seconds.to_string()]);
        command.args(arguments);
        let (cpu, load) = generate(command, LOAD_CORE, process)?;
        Ok((cpu, load.requests, load.seconds))
    }

    /// Memory before and after `connections` were each used once and kept.
    pub(crate) fn idle(
        &self,
        peer: Peer,
        kind: Kind,
        connections: usize,
        round: usize,
    ) -> anyhow::Result<KindSample> {
        let identity = (kind != Kind::H2c).then(|| self.identity(Key::P256));
        let Started { process, address } = self.start_peer(peer, kind, identity.as_deref(), Back::Http1)?;
        let word = kind.to_possible_value().context("a kind has a word")?;
        let mut command = Command::new(self.this());
        command.args(["hold", "--kind", word.get_name(), "--target", &address.to_string()]);
        command.args(["--connections", &connections.to_string()]);
        command.args(identity.iter().flat_map(|folder| ["--identity".as_ref(), folder.as_os_str()]));
        let idle = hold(command, &process, peer, connections, round)?;
        Ok(KindSample { kind, idle })
    }

    /// Starts `peer` and waits until it answers by `kind`.
    pub(crate) fn start_peer(
        &self,
        peer: Peer,
        kind: Kind,
        identity: Option<&Path>,
        back: Back,
    ) -> anyhow::Result<Started> {
        let directory = self.directory.join("peer");
        // What the last peer left: logs, a journal.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let [address, admin] = free_addresses()?;
        let origin = match back {
            Back::Http1 => &self.origin,
            Back::Http2 => &self.grpc_origin,
        };
        let setting = Setting {
            listen: address,
            admin,
            origin: origin.address,
            directory: &directory,
            routes: 0,
            front: identity.map_or(Front::Http2Cleartext, Front::Tls),
            back,
        };
        let command = configure::command(peer, &setting, &self.tools)?;
        let is_up = || match back {
            Back::Http1 => hold::is_up(kind, address, identity),
            Back::Http2 => hold::passes(address),
        };
        let process = Process::start_until(command, PROXY_CORE, &directory, is_up)?;
        Ok(Started { process, address })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only tidies up; what fails here harms no figure.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
