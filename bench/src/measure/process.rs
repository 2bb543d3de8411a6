//! A started peer, from exec to its end.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::usage;

/// The largest configuration of the slowest peer is up long before this; a thousand functions to be compiled take minutes.
const START_TIME_MAX: Duration = Duration::from_secs(600);
/// Pause between two attempts once a start is known to be slow: the first attempts follow each other at once.
const SLOW_POLL: Duration = Duration::from_millis(1);

/// Most peers' first request.
pub(crate) const PROBE: &[u8] = b"GET /small HTTP/1.1\r\nHost: api.example.com\r\n\r\n";

/// A peer that answers.
pub(crate) struct Process {
    child: Child,
    /// From just before fork and exec to the last byte of the first 200's head.
    pub(crate) start_time: Duration,
    /// All its processes.
    pub(crate) pids: Vec<u32>,
}

impl Process {
    /// Starts `command` on `core` with its output in `directory`, and waits for the first 200 to `probe`.
    pub(crate) fn start(
        command: Command,
        core: usize,
        address: SocketAddr,
        probe: &[u8],
        directory: &Path,
    ) -> anyhow::Result<Self> {
        Self::start_until(command, core, directory, || answers(address, probe).unwrap_or(false))
    }

    /// The same, until `is_up` says that it answers.
    pub(crate) fn start_until(
        mut command: Command,
        core: usize,
        directory: &Path,
        is_up: impl Fn() -> bool,
    ) -> anyhow::Result<Self> {
        let errors = directory.join("stderr");
        command.stdin(Stdio::null()).stdout(create(&directory.join("stdout"))?).stderr(create(&errors)?);
        crate::os::confine(&mut command, core);
        let before = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let mut process = Self { child, start_time: Duration::ZERO, pids: Vec::new() };
        process.await_first_answer(before, is_up).with_context(|| {
            let said = std::fs::read_to_string(&errors).unwrap_or_default();
            format!("{command:?} does not answer; it said: {}", tail(&said))
        })?;
        process.start_time = before.elapsed();
        process.pids = usage::descendants(process.child.id());
        Ok(process)
    }

    fn await_first_answer(&mut self, before: Instant, is_up: impl Fn() -> bool) -> anyhow::Result<()> {
        loop {
            if is_up() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("it ended: {status}");
            }
            anyhow::ensure!(before.elapsed() < START_TIME_MAX, "no 200 within {START_TIME_MAX:?}");
            if before.elapsed() > Duration::from_millis(200) {
                std::thread::sleep(SLOW_POLL);
            }
        }
    }
}

impl Process {
    /// Asks it to end, and waits until it has: what it keeps is whole then.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        crate::os::ask_to_end(self.child.id());
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(asked.elapsed() < START_TIME_MAX, "it did not end within {START_TIME_MAX:?}");
            std::thread::sleep(SLOW_POLL);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        crate::os::kill_group(self.child.id());
        // Only reaps: the group was just killed.
        let _ = self.child.wait();
    }
}

/// One connection, one request: whether a 200 comes back.
fn answers(address: SocketAddr, probe: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(probe)?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(&status == b"HTTP/1.1 200")
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("creating {}", path.display()))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_ends_is_reported_with_what_it_said() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such key >&2; exit 3"]);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let error = Process::start(command, 0, nowhere, PROBE, directory.path()).map(drop).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("no such key") && message.contains("exit status: 3"), "{message}");
    }

    #[test]
    fn a_process_that_answers_is_timed_and_ends_with_its_handle() {
        // The origin of this test process answers, whatever the command does.
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("1000");
        let process =
            Process::start(command, 0, crate::origin::spawn_for_tests(), PROBE, directory.path()).unwrap();
        let pid = process.child.id();
        assert!(process.start_time > Duration::ZERO && process.pids == [pid]);
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
