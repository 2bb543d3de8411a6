//! Has everything compiled once, starts a contender, puts it to work, and takes one sample.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::Options;
use super::contender::{Contender, Language};
use super::record::{LatencySample, Sample};
use super::setup::{self, Gateway, Place};
use crate::load::{LoadReport, Work};
use crate::measure::generator::{Load, free_addresses};
use crate::measure::peer::Tools;
use crate::measure::process::Process;
use crate::measure::usage::{Cpu, Memory};
use crate::measure::{LOAD_CORE, PROXY_CORE};

/// Time before anything is counted: V8's compiler has found its pace then.
const WARM_UP_SECONDS: f64 = 1.0;
/// Connections that are kept busy.
const CONNECTIONS: usize = 64;
/// The request whose 200 says that a function answers.
pub(crate) const PROBE: &[u8] = b"GET /hello HTTP/1.1\r\nHost: api.example.com\r\n\r\n";
/// What the gateway keeps of functions in its data directory: compiled code, and the key that it is signed with.
const COMPILED: (&str, &str) = ("functions", "functions.key");

/// What every sample needs: the tools, the components, compiled code, a place for files.
pub(crate) struct Driver {
    pub(crate) tools: Tools,
    pub(crate) directory: PathBuf,
    /// Where the components are.
    pub(crate) functions: PathBuf,
    pub(crate) seconds: f64,
}

/// Whether compiled code is there when a gateway starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// What was compiled before the first sample.
    Kept,
    Missing,
}

impl Driver {
    /// Has the gateway compile the components of `languages`.
    pub(crate) fn prepare(tools: Tools, options: &Options, languages: &[Language]) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("lockgate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let functions = options.functions.clone();
        let driver = Self { tools, directory, functions, seconds: options.seconds };
        let mut gateway = Gateway::new().fixed("/hello");
        for (index, language) in languages.iter().enumerate() {
            let (component, name) = (language.component(&driver.functions)?, format!("kept-{index}"));
            gateway = gateway.function(&name, &format!("/{name}"), &component, "");
        }
        let place = driver.place(Code::Missing)?;
        let process = driver.start_gateway(&gateway, &place)?;
        process.stop()?;
        copy_code(&place.data(), &driver.kept())?;
        Ok(driver)
    }

    /// Requests as fast as they are answered.
    pub(crate) fn throughput(&self, contender: Contender, round: usize) -> anyhow::Result<Sample> {
        let (process, place) = self.start(contender)?;
        let (cpu, load) = self.load(&process, &place, &[])?;
        let memory = Memory::of(&process.pids);
        anyhow::ensure!(load.requests > 0, "{contender} answered nothing within {} s", self.seconds);
        let cpu_us = cpu.total_ns as f64 / 1e3 / load.requests as f64;
        Ok(Sample {
            round,
            contender,
            requests: load.requests,
            seconds: load.seconds,
            cpu_us,
            user_us: cpu_us * cpu.user_share(),
            busy: cpu.total_ns as f64 / 1e9 / load.seconds,
            memory,
            start_us: start_us(&process),
        })
    }

    /// Requests at a fixed rate, as one half of a pair.
    pub(crate) fn latency(
        &self,
        contender: Contender,
        pair: (Contender, Contender),
        rate: f64,
        round: usize,
    ) -> anyhow::Result<LatencySample> {
        let (process, place) = self.start(contender)?;
        let (_, load) = self.load(&process, &place, &[("--rate", rate.to_string())])?;
        Ok(LatencySample { round, contender, pair, rate, load })
    }

    fn start(&self, contender: Contender) -> anyhow::Result<(Process, Place)> {
        let component = contender.language().component(&self.functions)?;
        let place = self.place(Code::Kept)?;
        let command = setup::command(contender, &component, &place, &self.tools)?;
        Ok((self.start_process(command, &place)?, place))
    }

    /// Starts a gateway whose `/hello` answers 200.
    pub(crate) fn start_gateway(&self, gateway: &Gateway, place: &Place) -> anyhow::Result<Process> {
        self.start_process(gateway.command(place, &self.tools)?, place)
    }

    fn start_process(&self, command: Command, place: &Place) -> anyhow::Result<Process> {
        Process::start(command, PROXY_CORE, place.listen, PROBE, &place.directory)
    }

    /// A directory with nothing but, perhaps, compiled code, and addresses.
    pub(crate) fn place(&self, code: Code) -> anyhow::Result<Place> {
        let directory = self.directory.join("contender");
        // What the last one left: logs, a journal.
        let _ = std::fs::remove_dir_all(&directory);
        let [listen, admin] = free_addresses()?;
        let place = Place { listen, admin, directory };
        std::fs::create_dir_all(place.data())?;
        if code == Code::Kept {
            copy_code(&self.kept(), &place.data())?;
        }
        Ok(place)
    }

    /// Compiled code, as in the gateway's data directory.
    fn kept(&self) -> PathBuf {
        self.directory.join("kept")
    }

    fn load(
        &self,
        process: &Process,
        place: &Place,
        more: &[(&str, String)],
    ) -> anyhow::Result<(Cpu, LoadReport)> {
        let mut arguments =
            vec![("--connections", CONNECTIONS.to_string()), ("--warm-up", WARM_UP_SECONDS.to_string())];
        arguments.extend_from_slice(more);
        let (this, target, seconds) = (self.tools.this(), place.listen, self.seconds);
        Load { this, core: LOAD_CORE, target, work: Work::Hello, seconds, arguments: &arguments }.run(process)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Only tidies up; what fails here harms no figure.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// From exec to the first 200, µs.
pub(crate) fn start_us(process: &Process) -> u64 {
    u64::try_from(process.start_time.as_micros()).unwrap_or(u64::MAX)
}

/// Copies compiled code and its key from one data directory into another.
fn copy_code(from: &Path, to: &Path) -> anyhow::Result<()> {
    let (folder, key) = COMPILED;
    let why = || format!("copying the compiled code of {}", from.display());
    std::fs::create_dir_all(to.join(folder)).with_context(why)?;
    std::fs::copy(from.join(key), to.join(key)).with_context(why)?;
    for entry in std::fs::read_dir(from.join(folder)).with_context(why)? {
        let file = entry?;
        std::fs::copy(file.path(), to.join(folder).join(file.file_name())).with_context(why)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_code_comes_with_its_key_and_nothing_else() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(from.path().join("functions")).unwrap();
        for name in ["functions/a", "functions.key", "journal"] {
            std::fs::write(from.path().join(name), name).unwrap();
        }
        copy_code(from.path(), to.path()).unwrap();
        assert_eq!(std::fs::read(to.path().join("functions/a")).unwrap(), b"functions/a");
        assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 2);
    }
}
