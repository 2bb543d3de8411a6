//! Prepares users and keys once, starts a contender, puts it to work, and takes one sample.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;

use super::contender::Contender;
use super::record::{LatencySample, Sample};
use super::seed::Key;
use super::setup::{self, Setting};
use super::task::Task;
use super::{Options, TOKEN, check, seed};
use crate::load::LoadReport;
use crate::measure::generator::{Load, Origin, free_addresses};
use crate::measure::peer::Tools;
use crate::measure::process::Process;
use crate::measure::usage::{Cpu, Memory};
use crate::measure::{LOAD_CORE, PROXY_CORE};

/// Time before anything is counted: Node's compiler and Go's collector have found their pace then.
const WARM_UP_SECONDS: f64 = 1.0;

/// What every sample needs: the tools, the origin, users and keys, a place for files.
pub(crate) struct Driver {
    tools: Tools,
    origin: Origin,
    directory: PathBuf,
    seconds: f64,
    keys: Vec<Key>,
}

/// A contender that answers.
struct Started {
    process: Process,
    /// Where it answers the task's requests.
    target: SocketAddr,
    admin: SocketAddr,
    directory: PathBuf,
}

impl Driver {
    /// Starts the origin, and has every service make the users, and Lockgate the keys.
    pub(crate) fn prepare(tools: Tools, options: &Options, contenders: &[Contender]) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("lockgate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let origin = Origin::start(tools.this(), LOAD_CORE)?;
        let keys = seed::made_up_keys(options.keys);
        let mut driver = Self { tools, origin, directory, seconds: options.seconds, keys };
        for contender in [Contender::Lockgate, Contender::Go, Contender::Node] {
            if contenders.contains(&contender) {
                driver.seed(contender, options)?;
            }
        }
        let keys: String = driver.keys.iter().map(|key| format!("{}\n", key.text)).collect();
        std::fs::write(driver.keys_file(), keys).context("writing the keys")?;
        Ok(driver)
    }

    fn keys_file(&self) -> PathBuf {
        self.directory.join("keys")
    }

    /// Ids of the users of `contender`, one a line.
    fn ids_file(&self, contender: Contender) -> PathBuf {
        self.directory.join(format!("{contender:?}-ids"))
    }

    /// What `contender` kept after its users were made: every start begins with a copy.
    fn kept(&self, contender: Contender) -> PathBuf {
        match contender {
            Contender::LockgateOpen => self.kept(Contender::Lockgate),
            _ => self.directory.join(format!("{contender:?}-data")),
        }
    }

    fn seed(&mut self, contender: Contender, options: &Options) -> anyhow::Result<()> {
        let begun = std::time::Instant::now();
        let started = self.start(contender, Task::Create)?;
        let users = seed::users(started.target, options.users)
            .with_context(|| format!("making users with {contender}"))?;
        if contender == Contender::Lockgate {
            self.keys = seed::keys(started.target, &users, options.keys).context("making keys")?;
        }
        started.process.stop()?;
        let ids: String = users.iter().map(|id| format!("{id}\n")).collect();
        std::fs::write(self.ids_file(contender), ids).context("writing the ids")?;
        seed::copy(&started.directory.join("data"), &self.kept(contender))?;
        eprintln!("{contender}: users and keys made in {:.1} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Makes sure that each gateway does what it is measured for.
    pub(crate) fn check(&self, options: &Options, contenders: &[Contender]) -> anyhow::Result<()> {
        if !options.tasks.contains(&Task::Keyed) {
            return Ok(());
        }
        let key = self.keys.last().context("no keys")?;
        for contender in contenders.iter().filter(|contender| Task::Keyed.contenders().contains(contender)) {
            if *contender != Contender::LockgateOpen {
                let started = self.start(*contender, Task::Keyed)?;
                let (listen, admin) = (started.target, started.admin);
                let place = check::Place { listen, admin, directory: &started.directory };
                check::gateway(*contender, &place, key)?;
            }
        }
        Ok(())
    }

    /// Requests as fast as they are answered.
    pub(crate) fn throughput(
        &mut self,
        contender: Contender,
        task: Task,
        round: usize,
    ) -> anyhow::Result<Sample> {
        let started = self.start(contender, task)?;
        let (cpu, load) = self.load(&started, contender, task, None)?;
        let memory = Memory::of(&started.process.pids);
        anyhow::ensure!(load.requests > 0, "{contender} answered nothing within {} s", self.seconds);
        let cpu_us = cpu.total_ns as f64 / 1e3 / load.requests as f64;
        Ok(Sample {
            round,
            contender,
            task,
            requests: load.requests,
            seconds: load.seconds,
            cpu_us,
            user_us: cpu_us * cpu.user_share(),
            busy: cpu.total_ns as f64 / 1e9 / load.seconds,
            memory,
        })
    }

    /// Requests at a fixed rate, as one half of the pair with `other`.
    pub(crate) fn latency(
        &mut self,
        contender: Contender,
        other: Contender,
        task: Task,
        rate: f64,
        round: usize,
    ) -> anyhow::Result<LatencySample> {
        let started = self.start(contender, task)?;
        let (_, load) = self.load(&started, contender, task, Some(rate))?;
        Ok(LatencySample { round, contender, other, task, rate, load })
    }

    fn start(&self, contender: Contender, task: Task) -> anyhow::Result<Started> {
        let directory = self.directory.join("contender");
        // What the last one left: logs, a journal, its copy of the users.
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let [listen, admin] = free_addresses()?;
        let setting =
            Setting { listen, admin, origin: self.origin.address, directory: &directory, keys: &self.keys };
        std::fs::create_dir_all(setting.data())?;
        let kept = self.kept(contender);
        if kept.is_dir() {
            seed::copy(&kept, &setting.data())?;
        }
        let command = setup::command(contender, &setting, &self.tools)?;
        let is_admin = contender == Contender::Lockgate && task != Task::Keyed;
        let target = if is_admin { admin } else { listen };
        let process = Process::start(command, PROXY_CORE, target, &self.probe(task), &directory)?;
        Ok(Started { process, target, admin, directory })
    }

    /// The request whose 200 says that it is ready for `task`; with the last key, so that all are known by then.
    fn probe(&self, task: Task) -> Vec<u8> {
        let (path, token) = match (task, self.keys.last()) {
            (Task::Keyed, Some(key)) => ("/metered", key.text.as_str()),
            _ => ("/users?limit=1", TOKEN),
        };
        format!("GET {path} HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {token}\r\n\r\n")
            .into_bytes()
    }

    fn load(
        &self,
        started: &Started,
        contender: Contender,
        task: Task,
        rate: Option<f64>,
    ) -> anyhow::Result<(Cpu, LoadReport)> {
        let words = if task == Task::Keyed { self.keys_file() } else { self.ids_file(contender) };
        let mut arguments = vec![
            ("--connections", task.connections().to_string()),
            ("--warm-up", WARM_UP_SECONDS.to_string()),
            ("--token", TOKEN.to_owned()),
            ("--words", words.display().to_string()),
        ];
        arguments.extend(rate.map(|rate| ("--rate", rate.to_string())));
        let (this, target) = (self.tools.this(), started.target);
        Load {
            this,
            core: LOAD_CORE,
            target,
            work: task.work(),
            seconds: self.seconds,
            arguments: &arguments,
        }
        .run(&started.process)
        .with_context(|| format!("{contender}, {}", task.title()))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only tidies up; what fails here harms no figure.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
