//! What parts of Lockgate cost in one process: their own programs are run, and what they print is kept.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::measure::PROXY_CORE;

/// Requests whose instructions are counted.
const REQUESTS: u32 = 10_000;

/// What one program said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InProcess {
    pub(crate) program: String,
    pub(crate) lines: Vec<String>,
    /// Instructions for a request, by callgrind, each with what was counted; none where there is no valgrind.
    pub(crate) instructions: Vec<(String, f64)>,
}

/// A part of a program whose instructions are counted.
struct Part {
    name: &'static str,
    function: &'static str,
    /// The program's word for the keys that come.
    keys: &'static str,
}

const fn part(name: &'static str, function: &'static str, keys: &'static str) -> Part {
    Part { name, function, keys }
}

const IDENTIFY: [Part; 7] = [
    part("all three, 1000 of a million keys in use", "identify_cost::Gate::all", "busy"),
    part("all three, a million keys in use, skewed", "identify_cost::Gate::all", "skewed"),
    part("all three, a million keys in use, uniform", "identify_cost::Gate::all", "uniform"),
    part("  of that hash, without the instructions for SHA-256", "identify_cost::hash_all", "uniform"),
    part("  identify, hash included", "identify_cost::Gate::identify", "uniform"),
    part("  limit", "identify_cost::Gate::limit", "uniform"),
    part("  meter", "identify_cost::Gate::meter", "uniform"),
];
const PROGRAMS: [(&str, &[Part]); 3] =
    [("identify_cost", &IDENTIFY), ("limiter_cost", &[]), ("fold_cost", &[])];

/// Runs the programs that are in `directory`.
///
/// # Errors
///
/// When one is not there or fails.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<Vec<InProcess>> {
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    let counted = |parts: &'static [Part]| if has_valgrind { parts } else { &[] };
    PROGRAMS.iter().map(|(name, parts)| one(directory, name, counted(parts))).collect()
}

fn one(directory: &Path, name: &str, parts: &[Part]) -> anyhow::Result<InProcess> {
    let path = directory.join(name);
    let why = || format!("running {}: `cargo xtask bench users` builds it", path.display());
    let mut command = Command::new(&path);
    let output = crate::os::confine(&mut command, PROXY_CORE).output().with_context(why)?;
    anyhow::ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.iter().for_each(|line| eprintln!("{name}: {line}"));
    let count = |part: &Part| {
        let instructions = instructions(&path, part)?;
        eprintln!("{name}: {}: {instructions:.0} instructions", part.name);
        Ok((part.name.to_owned(), instructions))
    };
    let instructions = parts.iter().map(count).collect::<anyhow::Result<_>>()?;
    Ok(InProcess { program: name.to_owned(), lines, instructions })
}

/// Instructions of `part` for a request.
fn instructions(path: &Path, part: &Part) -> anyhow::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={}", part.function))
        .arg(path)
        .args(["--count", &REQUESTS.to_string(), "--keys", part.keys])
        .output()
        .context("running valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "valgrind: {said}");
    let count = collected(&said).with_context(|| format!("valgrind says no count: {said}"))?;
    anyhow::ensure!(count > 0, "callgrind saw nothing of {}", part.function);
    Ok(count as f64 / f64::from(REQUESTS))
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
