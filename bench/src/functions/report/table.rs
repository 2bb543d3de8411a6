//! The run as Markdown.

mod goals;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::contender::{Contender, Language};
use super::super::record::{LatencySample, NeighborSample, Run, Sample, Spot, Start};
use crate::report::statistics::{Estimate, median};

/// The whole page.
pub(crate) fn markdown(run: &Run) -> anyhow::Result<String> {
    let mut out = String::new();
    head(&mut out, run)?;
    goals::write(&mut out, run)?;
    for language in Language::ALL {
        throughput(&mut out, run, language)?;
    }
    latency(&mut out, run)?;
    starts(&mut out, run)?;
    many(&mut out, run)?;
    neighbors(&mut out, run)?;
    Ok(out)
}

fn head(out: &mut String, run: &Run) -> std::fmt::Result {
    let machine = &run.machine;
    writeln!(out, "# Functions side by side, {}\n", machine.date)?;
    writeln!(out, "{machine}. {} alternations of {} s.", run.rounds, run.seconds)?;
    writeln!(
        out,
        "Every program on one core, the load generator on the other. Medians; in parentheses the 95 % interval of"
    )?;
    writeln!(out, "ratios taken within each round. How and why: [bench/README.md](../../README.md).\n")?;
    writeln!(out, "| | version | |\n|---|---|---|")?;
    for (contender, version) in &run.versions {
        let language = contender.language().name();
        let name = if contender.gateway_reuse().is_some() {
            format!("{contender}, {language}")
        } else {
            contender.to_string()
        };
        writeln!(out, "| {name} | {version} | {} |", contender.means())?;
    }
    writeln!(out)
}

fn throughput(out: &mut String, run: &Run, language: Language) -> std::fmt::Result {
    let contenders: Vec<Contender> = run.contenders(language).collect();
    if contenders.is_empty() {
        return Ok(());
    }
    let beside = if language == Language::Rust { ", and in Lua" } else { "" };
    writeln!(out, "## Hello in {}{beside}\n", language.name())?;
    writeln!(
        out,
        "| | requests/s | core busy | requests per CPU second | CPU µs per request | user | system | private MiB after load | start, ms |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for contender in contenders {
        let of = |value: fn(&Sample) -> f64| middle(&run.by_round(contender, value));
        writeln!(
            out,
            "| {contender} | {:.0} | {:.0} % | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            of(|sample| sample.requests as f64 / sample.seconds),
            of(|sample| sample.busy * 100.0),
            of(|sample| 1e6 / sample.cpu_us),
            of(|sample| sample.cpu_us),
            of(|sample| sample.user_us),
            of(|sample| sample.cpu_us - sample.user_us),
            of(|sample| sample.memory.private as f64 / 1024.0 / 1024.0),
            of(|sample| sample.start_us as f64 / 1e3),
        )?;
    }
    let direct = run.direct(language);
    if !direct.is_empty() {
        let call = middle(&direct);
        writeln!(out, "\nA call of the component in one process, without sockets: {call:.1} µs of CPU.")?;
    }
    writeln!(
        out,
        "\nStart is from exec to the first 200; `wasmtime serve` compiles the component first, and Lockgate has it compiled on disk.\n"
    )
}

fn latency(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.latencies.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Latency at a fixed rate\n")?;
    writeln!(
        out,
        "Half of the slower one's maximum, pair by pair; each answer counts from when its request was due. µs.\n"
    )?;
    writeln!(
        out,
        "| | and | requests/s | p50 | p99 | p99.9 | unanswered | p99.9, ÷ |\n|---|---|---:|---:|---:|---:|---:|---:|"
    )?;
    for pair in run.pairs() {
        let both = |value: fn(&LatencySample) -> f64| {
            let of = |contender| middle(&run.latencies(contender, pair, value));
            format!("{:.0} and {:.0}", of(pair.0), of(pair.1))
        };
        let tails = |contender| run.latencies(contender, pair, |sample| sample.load.p999_us as f64);
        let Some(ratio) = Estimate::of_ratios(&tails(pair.0), &tails(pair.1)) else { continue };
        writeln!(
            out,
            "| {} | {} | {:.0} | {} | {} | {} | {} | {ratio} |",
            pair.0,
            pair.1,
            middle(&run.latencies(pair.1, pair, |sample| sample.rate)),
            both(|sample| sample.load.p50_us as f64),
            both(|sample| sample.load.p99_us as f64),
            both(|sample| sample.load.p999_us as f64),
            both(|sample| sample.load.unanswered as f64),
        )?;
    }
    writeln!(out)
}

fn starts(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.starts.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Cold start\n")?;
    writeln!(
        out,
        "Where the runtime is there: from compiled code on disk to the end of the first answer. Else from exec of the gateway to the first 200 on its\n\
         first connection, the runtime with its pool of instances made, too. ms.\n"
    )?;
    writeln!(
        out,
        "| hello in | where the runtime is there | exec to a fixed answer | exec to a function's, compiled code on disk | the difference | exec to a function's, compiled first |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
    for language in Language::ALL {
        let ms = |start| middle(&run.starts(language, start)) / 1e3;
        let Some(added) = goals::added_start_ms(run, language) else { continue };
        let there = goals::cold_start_ms(run, language).map_or_else(|| "–".to_owned(), |ms| ms.to_string());
        writeln!(
            out,
            "| {} | {there} | {:.2} | {:.2} | {added} | {:.1} |",
            language.name(),
            ms(Start::Fixed),
            ms(Start::Compiled),
            ms(Start::Compiling)
        )?;
    }
    writeln!(
        out,
        "\nWhat others publish of theirs: a microVM 125 ms, a container 300 ms, an isolate 5 ms. The mechanism differs: a microVM boots a kernel,\n\
         a container sets up a process with its namespaces and starts a runtime in it, an isolate is a heap of its own in a JavaScript engine that runs already;\n\
         here compiled code is mapped into a process. None of theirs was measured here.\n"
    )
}

fn many(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.many.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Many functions in one gateway\n")?;
    writeln!(out, "After one call of each.\n")?;
    writeln!(out, "| functions | files | starts before | start, s | resident MiB | private MiB |")?;
    writeln!(out, "|---:|---|---:|---:|---:|---:|")?;
    for sample in &run.many {
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        writeln!(
            out,
            "| {} | {} | {} | {:.2} | {:.1} | {:.1} |",
            sample.functions,
            goals::files(sample.copies),
            sample.before,
            sample.start_us as f64 / 1e6,
            mib(sample.memory.rss),
            mib(sample.memory.private),
        )?;
    }
    writeln!(out)
}

fn neighbors(out: &mut String, run: &Run) -> std::fmt::Result {
    if run.neighbors.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Beside a function that spins to its limit\n")?;
    writeln!(out, "Proxied requests at a fixed rate, without the function and with it. µs.\n")?;
    writeln!(
        out,
        "| the function is | requests/s | p50 | p99 | p99.9 | calls ended at the limit | p99.9, ÷ |\n|---|---:|---:|---:|---:|---:|---:|"
    )?;
    for spot in [Spot::OtherCore, Spot::SameCore] {
        let both = |value: fn(&NeighborSample) -> f64| {
            let of = |is_called| middle(&run.neighbors(spot, is_called, value));
            format!("{:.0} and {:.0}", of(false), of(true))
        };
        let Some(ratio) = goals::neighbor_ratio(run, spot) else { continue };
        writeln!(
            out,
            "| {} | {:.0} | {} | {} | {} | {:.0} | {ratio} |",
            goals::place(spot),
            middle(&run.neighbors(spot, true, |sample| sample.rate)),
            both(|sample| sample.load.p50_us as f64),
            both(|sample| sample.load.p99_us as f64),
            both(|sample| sample.load.p999_us as f64),
            middle(&run.neighbors(spot, true, |sample| sample.ended_calls.unwrap_or(0) as f64)),
        )?;
    }
    writeln!(out)
}

fn middle(by_round: &BTreeMap<usize, f64>) -> f64 {
    median(&by_round.values().copied().collect::<Vec<_>>()).unwrap_or(f64::NAN)
}

#[cfg(test)]
#[path = "table/tests.rs"]
pub(super) mod tests;
