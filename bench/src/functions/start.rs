//! Cold starts: a gateway is executed, and its first answer is a function's.

use super::contender::Language;
use super::driver::{Code, Driver, start_us};
use super::record::{Start, StartSample};
use super::setup::Gateway;

/// Starts a gateway `count` times with a fixed answer and as often with a function's, by turns, and once with nothing compiled.
pub(crate) fn measure(
    driver: &Driver,
    language: Language,
    count: usize,
    round: usize,
) -> anyhow::Result<Vec<StartSample>> {
    let mut samples = Vec::new();
    for _ in 0..count {
        for start in [Start::Fixed, Start::Compiled] {
            samples.push(one(driver, language, start, round)?);
        }
    }
    samples.push(one(driver, language, Start::Compiling, round)?);
    Ok(samples)
}

fn one(driver: &Driver, language: Language, start: Start, round: usize) -> anyhow::Result<StartSample> {
    let gateway = match start {
        Start::Fixed => Gateway::new().fixed("/hello"),
        Start::Compiled | Start::Compiling => {
            Gateway::new().function("hello", "/hello", &language.component(&driver.functions)?, "")
        }
    };
    let code = if start == Start::Compiling { Code::Missing } else { Code::Kept };
    let process = driver.start_gateway(&gateway, &driver.place(code)?)?;
    Ok(StartSample { round, language, start, start_us: start_us(&process) })
}
