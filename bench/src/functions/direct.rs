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
    command.arg(language.component(functions)?).arg(count.to_string());
    let why = || format!("running {}: `cargo xtask bench functions` builds it", path.display());
    let output = crate::os::confine(&mut command, PROXY_CORE).output().with_context(why)?;
    anyhow::ensure!(output.status.success(), "{PROGRAM}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let cpu_us = microseconds(&said).with_context(|| format!("{PROGRAM} says no figure: {said}"))?;
    Ok(DirectSample { round, language, cpu_us })
}

/// The first number that `µs` follows.
fn microseconds(said: &str) -> Option<f64> {
    let words: Vec<&str> = said.split_ascii_whitespace().collect();
    words.windows(2).find_map(|pair| pair[0].parse().ok().filter(|_| pair[1].starts_with("µs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_among_words() {
        assert_eq!(
            microseconds("hello.wasm: 20000 calls, 71.25 µs of CPU each, 73.00 µs in all\n"),
            Some(71.25)
        );
        assert_eq!(microseconds("71.25 ms"), None);
        assert_eq!(microseconds(""), None);
    }
}
