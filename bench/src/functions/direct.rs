//! What a call costs in one process, and a function that is loaded first: a program of the gateway's own crate is run, and what it
//! prints is read.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::contender::Language;
use super::record::DirectSample;
use crate::measure::PROXY_CORE;

/// The program, an example of the crate `functions`: a component and a count in, µs of CPU for a call and µs of a cold start out.
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
    let figure = |before, after| {
        number(&said, before, after).with_context(|| format!("{PROGRAM} says no figure: {said}"))
    };
    let cpu_us = figure("bytes:", " µs of CPU")?;
    let cold_start_us = Some(figure("loaded and called once:", " µs,")?);
    Ok(DirectSample { round, language, cpu_us, cold_start_us })
}

/// The number between two texts.
fn number(said: &str, before: &str, after: &str) -> Option<f64> {
    said.split_once(before)?.1.split_once(after)?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_among_words() {
        let said = "runtime: 812.3µs\n100 calls, 7 bytes: 71.25 µs of CPU, 73.5 µs each\n\
                    loaded and called once: 902.5 µs, at best 810.0 µs\n";
        assert_eq!(number(said, "bytes:", " µs of CPU"), Some(71.25));
        assert_eq!(number(said, "loaded and called once:", " µs,"), Some(902.5));
        assert_eq!(number(said, "bytes:", " ms of CPU"), None);
        assert_eq!(number("", "bytes:", " µs of CPU"), None);
    }
}
