//! Where functions are to land, and where they did.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::super::contender::{Contender, Language};
use super::super::super::record::{Copies, Run, Spot, Start};
use crate::report::landing::mark;
use crate::report::statistics::Estimate;

/// Most CPU of a request through the gateway for one of a call in one process.
const DIRECT_GOAL: f64 = 1.15;
/// A function loaded from compiled code and called, ms.
const COLD_START_MS_GOAL: f64 = 2.0;
/// Resident memory of a gateway with many functions, GB.
const MANY_GB_GOAL: f64 = 1.0;
/// Most p99.9 of proxied requests beside a function on the other core for one without it.
const NEIGHBOR_GOAL: f64 = 4.0 / 3.0;

/// Appends the table.
pub(super) fn write(out: &mut String, run: &Run) -> std::fmt::Result {
    writeln!(out, "## Where it is to land\n\n| | measured | goal | |\n|---|---|---|---|")?;
    for language in Language::ALL {
        direct(out, run, language)?;
    }
    rates(out, run)?;
    for language in Language::ALL {
        cold_start(out, run, language)?;
    }
    many(out, run)?;
    neighbors(out, run)?;
    writeln!(out)
}

/// JavaScript has no goal of its own.
fn direct(out: &mut String, run: &Run, language: Language) -> std::fmt::Result {
    let ours = if language == Language::Rust { Contender::Lockgate } else { Contender::LockgateJs };
    let through = run.by_round(ours, |sample| sample.cpu_us);
    let Some(ratio) = Estimate::of_ratios(&through, &run.direct(language)) else { return Ok(()) };
    let title = format!("CPU per hello in {}, through the gateway ÷ in one process", language.name());
    let goal = (language == Language::Rust).then_some(DIRECT_GOAL);
    row(out, &title, ratio, goal.map(|goal| (format!("at most {goal:.2}"), ratio.median <= goal)))
}

fn rates(out: &mut String, run: &Run) -> std::fmt::Result {
    for (ours, other) in run.pairs() {
        let rate = |contender| run.by_round(contender, |sample| 1e6 / sample.cpu_us);
        let Some(ratio) = Estimate::of_ratios(&rate(ours), &rate(other)) else { continue };
        let title = format!("requests per CPU second, {ours} ÷ {other}");
        let goal = other.rate_goal();
        row(out, &title, ratio, goal.map(|goal| (format!("at least {goal:.2}"), ratio.median >= goal)))?;
    }
    Ok(())
}

fn cold_start(out: &mut String, run: &Run, language: Language) -> std::fmt::Result {
    let name = language.name();
    let places = [
        (cold_start_ms(run, language), format!("hello in {name} loaded from compiled code and called, ms")),
        (
            added_start_ms(run, language),
            format!("what that adds to a gateway's start in {name}, runtime made, ms"),
        ),
    ];
    for (measured, title) in places {
        let Some(ms) = measured else { continue };
        let goal = (language == Language::Rust).then_some(COLD_START_MS_GOAL);
        row(out, &title, ms, goal.map(|goal| (format!("under {goal:.0}"), ms.median < goal)))?;
    }
    Ok(())
}

fn many(out: &mut String, run: &Run) -> std::fmt::Result {
    for copies in [Copies::Same, Copies::Different] {
        let own = run.many.iter().filter(|sample| sample.copies == copies);
        let Some(largest) = own.max_by_key(|sample| sample.memory.rss) else { continue };
        let gb = largest.memory.rss as f64 / 1e9;
        let title = format!("{} functions of {}, resident GB", largest.functions, files(copies));
        let goal = (format!("under {MANY_GB_GOAL:.0}"), gb < MANY_GB_GOAL);
        row(out, &title, format!("{gb:.2}"), Some(goal))?;
    }
    Ok(())
}

fn neighbors(out: &mut String, run: &Run) -> std::fmt::Result {
    for spot in [Spot::OtherCore, Spot::SameCore] {
        let Some(ratio) = neighbor_ratio(run, spot) else { continue };
        let title =
            format!("p99.9 of proxied requests, with ÷ without a function that spins {}", place(spot));
        let goal = (spot == Spot::OtherCore).then_some(NEIGHBOR_GOAL);
        row(out, &title, ratio, goal.map(|goal| (format!("at most {goal:.2}"), ratio.median <= goal)))?;
    }
    Ok(())
}

fn row(
    out: &mut String,
    title: &str,
    measured: impl std::fmt::Display,
    goal: Option<(String, bool)>,
) -> std::fmt::Result {
    let (goal, verdict) = goal.map_or((String::new(), ""), |(goal, met)| (goal, mark(met)));
    writeln!(out, "| {title} | {measured} | {goal} | {verdict} |")
}

/// From compiled code on disk to the first answer where the runtime is there, ms.
pub(super) fn cold_start_ms(run: &Run, language: Language) -> Option<Estimate> {
    let starts = run.warm_process_starts(language).into_values().map(|us| us / 1e3);
    Estimate::of(&starts.collect::<Vec<_>>())
}

/// What a function adds to a gateway's start when its code is on disk, ms; the differences are taken within a round.
pub(super) fn added_start_ms(run: &Run, language: Language) -> Option<Estimate> {
    let (with, without) = (run.starts(language, Start::Compiled), run.starts(language, Start::Fixed));
    let differences = with.iter().filter_map(|(round, with)| Some((with - without.get(round)?) / 1e3));
    Estimate::of(&differences.collect::<Vec<_>>())
}

/// What proxied requests notice of the function.
pub(super) fn neighbor_ratio(run: &Run, spot: Spot) -> Option<Estimate> {
    let tails = |is_called| -> BTreeMap<usize, f64> {
        run.neighbors(spot, is_called, |sample| sample.load.p999_us as f64)
    };
    Estimate::of_ratios(&tails(true), &tails(false))
}

/// In words.
pub(super) fn files(copies: Copies) -> &'static str {
    match copies {
        Copies::Same => "one file",
        Copies::Different => "a file each",
    }
}

/// In words.
pub(super) fn place(spot: Spot) -> &'static str {
    match spot {
        Spot::OtherCore => "on the other core",
        Spot::SameCore => "on the same core",
    }
}
