//! What a call costs in one process: the gateway's own program is run, and what it prints is read.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::contender::Language;
use super::record::DirectSample;
use crate::measure::PROXY_CORE;

/// The program, an example of the crate `functions`: a component and a count in, µs of CPU for a call out.
const PROGRAM: &str = "call_cost";

/// Calls `component` `count` times by the program that is in `examples`.
///
/// # Errors
///
/// When it is not there, fails, or says no figure.
pub(crate) fn measure(
    examples: &Path,
    functions: &Path,
    language: Language,
    count: u32,
    round: usize,
) -> anyhow::Result<DirectSample> {
    let path = examples.join(PROGRAM);
    let mut command = Command::new(&path);
    command.arg(language.component(functions)?).args([&count.to_string(), "/hello"]);
    let why = || format!("running {}: `cargo xtask bench functions` builds it", path.display());
    let output = crate::os::confine(&mut command, PROXY_CORE).output().with_context(why)?;
    anyhow::ensure!(output.status.success(), "{PROGRAM}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let cpu_us = microseconds(&said).with_context(|| format!("{PROGRAM} says no figure: {said}"))?;
    Ok(DirectSample { round, language, cpu_us })
}

/// The number before `µs of CPU`.
fn microseconds(said: &str) -> Option<f64> {
    said.split_once(" µs of CPU")?.0.split_ascii_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_among_words() {
        let said = "runtime: 812.3µs\nload: 0.4 ms\n100 calls, 7 bytes: 71.25 µs of CPU, 73.5 µs each\n";
        assert_eq!(microseconds(said), Some(71.25));
        assert_eq!(microseconds("71.25 ms"), None);
        assert_eq!(microseconds(""), None);
    }
}
