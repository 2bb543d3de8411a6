//! What parts of Lockgate cost in one process: their own programs are run, and what they print is kept.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::measure::PROXY_CORE;

/// A program, and the function whose instructions per request are counted, if there is one.
const PROGRAMS: [(&str, Option<&str>); 3] =
    [("identify_cost", Some("identify_cost::Gate::all")), ("limiter_cost", None), ("fold_cost", None)];
/// Requests of the two runs whose difference is counted: what is done once cancels out.
const COUNTS: [u64; 2] = [2_000, 12_000];

/// What one program said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InProcess {
    pub(crate) program: String,
    pub(crate) lines: Vec<String>,
    /// Instructions for a request, by callgrind; `None`: not counted, or there is no valgrind.
    pub(crate) instructions: Option<f64>,
}

/// Runs the programs that are in `directory`.
///
/// # Errors
///
/// When one is not there or fails.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<Vec<InProcess>> {
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    PROGRAMS.iter().map(|(name, function)| one(directory, name, function.filter(|_| has_valgrind))).collect()
}

fn one(directory: &Path, name: &str, function: Option<&str>) -> anyhow::Result<InProcess> {
    let path = directory.join(name);
    let why = || format!("running {}: `cargo xtask bench users` builds it", path.display());
    let mut command = Command::new(&path);
    let output = crate::os::confine(&mut command, PROXY_CORE).output().with_context(why)?;
    anyhow::ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.iter().for_each(|line| eprintln!("{name}: {line}"));
    let instructions = function.map(|function| per_request(&path, function)).transpose()?;
    Ok(InProcess { program: name.to_owned(), lines, instructions })
}

fn per_request(path: &Path, function: &str) -> anyhow::Result<f64> {
    let [few, many] = COUNTS;
    let more = count(path, function, many)?.saturating_sub(count(path, function, few)?);
    anyhow::ensure!(more > 0, "callgrind saw nothing of {function}");
    Ok(more as f64 / (many - few) as f64)
}

/// Instructions within `function`, while `requests` pass.
fn count(path: &Path, function: &str, requests: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={function}"))
        .arg(path)
        .args(["--count", &requests.to_string()])
        .output()
        .context("running valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "valgrind: {said}");
    collected(&said).with_context(|| format!("valgrind says no count: {said}"))
}

/// From the line `==7== Collected : 123`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_what_valgrind_says() {
        assert_eq!(collected("==7== \n==7== Events    : Ir\n==7== Collected : 4711\n"), Some(4711));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_says_what_to_run() {
        let message = format!("{:#}", measure(Path::new("/nonexistent")).unwrap_err());
        assert!(message.contains("cargo xtask bench users"), "{message}");
    }
}
