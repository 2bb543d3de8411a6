//! One program from start to end: its time, its CPU, its memory, its output.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::os;

/// A program that has ended.
pub(crate) struct Finished {
    /// From just before fork and exec to its end.
    pub(crate) wall: Duration,
    /// In user mode and in the kernel, all threads.
    pub(crate) cpu: Duration,
    /// Most memory it had at once, bytes.
    pub(crate) peak_bytes: u64,
    /// What it printed. Not in memory: what this process ever held counts as its children's, too.
    pub(crate) output: File,
}

/// Runs `command` with its output into a file; any exit status but those `expected` is an error.
pub(crate) fn run(mut command: Command, expected: &[i32]) -> anyhow::Result<Finished> {
    let (mut output, mut errors) = (file()?, file()?);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(errors.try_clone()?);
    let before = Instant::now();
    let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let ended = os::wait(child.id()).with_context(|| format!("waiting for {command:?}"))?;
    let wall = before.elapsed();
    let known = ended.status.code().is_some_and(|code| expected.contains(&code));
    anyhow::ensure!(
        known,
        "{command:?} ended with {}: {}",
        ended.status,
        String::from_utf8_lossy(&whole(&mut errors)?)
    );
    output.rewind()?;
    Ok(Finished { wall, cpu: ended.cpu, peak_bytes: ended.peak_bytes, output })
}

/// A file without a name.
fn file() -> anyhow::Result<File> {
    tempfile::tempfile().context("creating a temporary file")
}

fn whole(file: &mut File) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes).context("reading what a program wrote")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_measured_and_its_output_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done"]);
        let mut finished = run(command, &[0]).unwrap();
        assert_eq!(whole(&mut finished.output).unwrap(), b"done\n");
        assert!(finished.cpu > Duration::ZERO && finished.wall >= finished.cpu / 2);
        assert!(finished.peak_bytes > 100_000, "{}", finished.peak_bytes);
    }

    #[test]
    fn an_unexpected_end_says_what_the_program_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo nothing here >&2; exit 4"]);
        let told = format!("{:#}", run(command, &[0, 1]).map(|_| ()).unwrap_err());
        assert!(told.contains("exit status: 4") && told.contains("nothing here"), "{told}");
    }
}
