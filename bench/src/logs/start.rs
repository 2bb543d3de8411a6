//! How long commands take that have next to nothing to do.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::child;
use super::contender::Tools;
use crate::measure::peer::Peer;
use crate::report::statistics::median;

const RUNS: usize = 41;

/// One command's start and end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) command: String,
    /// Milliseconds from before fork and exec to the end.
    pub(crate) median_ms: f64,
    pub(crate) fastest_ms: f64,
}

/// Runs each command a few dozen times.
pub(crate) fn measure(tools: &Tools, directory: &Path) -> anyhow::Result<Vec<Start>> {
    let file = directory.join("one-line.ndjson");
    std::fs::write(&file, "{\"user_id\":1,\"value\":1}\n")
        .with_context(|| format!("writing {}", file.display()))?;
    let configuration = directory.join("smallest.toml");
    std::fs::write(&configuration, "[[listener]]\naddress = \"127.0.0.1:0\"\n")?;
    let (file_text, configuration_text) = (file.display().to_string(), configuration.display().to_string());
    let commands: [&[&str]; 7] = [
        &["--version"],
        &["process", &file_text],
        &["search", "user", "--path", &file_text],
        &["wordcount", &file_text],
        &["check", "--config", &configuration_text],
        &["completions", "bash"],
        &["users", "--help"],
    ];
    let starts = commands.iter().map(|words| start(tools, words)).collect();
    std::fs::remove_file(file)?;
    std::fs::remove_file(configuration)?;
    starts
}

fn start(tools: &Tools, words: &[&str]) -> anyhow::Result<Start> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let mut command = Command::new(tools.program(Peer::Lockgate)?);
        command.args(words);
        times.push(ms(child::run(command, &[0])?.wall));
    }
    let fastest_ms = times.iter().copied().fold(f64::INFINITY, f64::min);
    // Paths are of no interest.
    let shown = words.iter().filter(|word| !word.contains('/')).copied().collect::<Vec<_>>();
    Ok(Start { command: shown.join(" "), median_ms: median(&times).unwrap_or(f64::NAN), fastest_ms })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
