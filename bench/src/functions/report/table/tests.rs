//! A made-up run whose every figure can be worked out by hand.

use super::super::super::record::{Copies, DirectSample, ManySample, StartSample};
use super::*;
use crate::load::LoadReport;
use crate::measure::machine::Machine;
use crate::measure::usage::Memory;
use crate::report::raw;

/// Contender, CPU µs and private MiB, in rounds that differ by a factor common to all.
const FIGURES: [(Contender, f64, u64); 6] = [
    (Contender::Lockgate, 50.0, 30),
    (Contender::LockgateReuse, 25.0, 30),
    (Contender::Wasmtime, 100.0, 50),
    (Contender::WasmtimeReuse, 20.0, 50),
    (Contender::LockgateJs, 600.0, 100),
    (Contender::Workerd, 60.0, 200),
];

pub(crate) fn made_up_run() -> Run {
    let machine = Machine::made_up();
    let mut run = Run {
        machine,
        versions: vec![(Contender::LockgateJs, "0.1.0".into()), (Contender::Wasmtime, "48".into())],
        rounds: 3,
        seconds: 1.0,
        samples: Vec::new(),
        direct: Vec::new(),
        latencies: Vec::new(),
        starts: Vec::new(),
        many: Vec::new(),
        neighbors: Vec::new(),
    };
    for round in 0..3 {
        let drift = [1.0, 2.0, 1.0][round];
        for (contender, cpu_us, mib) in FIGURES {
            run.samples.push(sample(round, contender, cpu_us * drift, mib));
        }
        let cold_start_us = Some(900.0);
        run.direct.push(DirectSample {
            round,
            language: Language::Rust,
            cpu_us: 40.0 * drift,
            cold_start_us,
        });
        for (start, start_us) in [(Start::Fixed, 4000), (Start::Compiled, 5500), (Start::Compiling, 90_000)] {
            run.starts.push(StartSample { round, language: Language::Rust, start, start_us });
        }
        for (spot, is_called, p999_us) in [
            (Spot::OtherCore, false, 1000),
            (Spot::OtherCore, true, 1200),
            (Spot::SameCore, false, 1000),
            (Spot::SameCore, true, 6000),
        ] {
            let (ended_calls, load) = (is_called.then_some(60), load(p999_us));
            run.neighbors.push(NeighborSample { round, spot, ended_calls, rate: 2000.0, load });
        }
    }
    for (pair, rate) in run.fair_rates() {
        for (contender, p999_us) in [(pair.0, 500), (pair.1, 1000)] {
            run.latencies.push(LatencySample { round: 0, contender, pair, rate, load: load(p999_us) });
        }
    }
    for (copies, gb) in [(Copies::Same, 0.05), (Copies::Different, 1.25)] {
        let memory = Memory { rss: (gb * 1e9) as u64, ..Memory::default() };
        run.many.push(ManySample { copies, functions: 1000, before: 1, start_us: 700_000, memory });
    }
    run
}

fn sample(round: usize, contender: Contender, cpu_us: f64, mib: u64) -> Sample {
    let memory = Memory { rss: mib << 20, pss: mib << 20, private: mib << 20, dirty: mib << 19 };
    let (user_us, start_us) = (20.0, 6000);
    Sample { round, contender, requests: 10_000, seconds: 1.0, cpu_us, user_us, busy: 1.0, memory, start_us }
}

fn load(p999_us: u64) -> LoadReport {
    LoadReport { requests: 1000, seconds: 1.0, p999_us, ..LoadReport::default() }
}

#[track_caller]
fn check(line: &str) {
    let text = markdown(&made_up_run()).unwrap();
    assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
}

#[test]
fn each_goal_is_said_to_be_met_or_missed() {
    check(
        "| CPU per hello in Rust, through the gateway ÷ in one process | 1.25 (1.25–1.25) | at most 1.15 | **missed** |",
    );
    check("| requests per CPU second, Lockgate ÷ wasmtime serve | 2.00 (2.00–2.00) | at least 1.00 | met |");
    check(
        "| requests per CPU second, Lockgate, reuse ÷ wasmtime serve, tuned, reuse | 0.80 (0.80–0.80) | at least 1.00 | **missed** |",
    );
    check("| requests per CPU second, Lockgate ÷ workerd | 0.10 (0.10–0.10) |  |  |");
    check("| hello in Rust loaded from compiled code and called, ms | 0.90 (0.90–0.90) | under 2 | met |");
    check(
        "| what that adds to a gateway's start in Rust, runtime made, ms | 1.50 (1.50–1.50) | under 2 | met |",
    );
    check("| 1000 functions of one file, resident GB | 0.05 | under 1 | met |");
    check("| 1000 functions of a file each, resident GB | 1.25 | under 1 | **missed** |");
    check(
        "| p99.9 of proxied requests, with ÷ without a function that spins on the other core | 1.20 (1.20–1.20) | at most 1.33 | met |",
    );
    check(
        "| p99.9 of proxied requests, with ÷ without a function that spins on the same core | 6.00 (6.00–6.00) |  |  |",
    );
}

#[test]
fn every_kind_of_sample_has_its_line() {
    check("| Lockgate, JavaScript | 0.1.0 | an instance per request; journal |");
    check("| wasmtime serve | 10000 | 100 % | 10000 | 100.0 | 20.0 | 80.0 | 50.0 | 6.0 |");
    check("A call of the component in one process, without sockets: 40.0 µs of CPU.");
    check(
        "| Lockgate | wasmtime serve | 5000 | 0 and 0 | 0 and 0 | 500 and 1000 | 0 and 0 | 0.50 (0.50–0.50) |",
    );
    check("| Rust | 0.90 (0.90–0.90) | 4.00 | 5.50 | 1.50 (1.50–1.50) | 90.0 |");
    check("| 1000 | one file | 1 | 0.70 | 47.7 | 0.0 |");
    check("| on the same core | 2000 | 0 and 0 | 0 and 0 | 1000 and 6000 | 60 | 6.00 (6.00–6.00) |");
}

#[test]
fn ours_are_compared_only_with_what_was_measured() {
    let mut run = made_up_run();
    run.samples.retain(|sample| sample.contender.gateway_reuse().is_none());
    assert!(run.pairs().is_empty() && run.fair_rates().is_empty());
    let text = markdown(&run).unwrap();
    assert!(text.contains("| wasmtime serve | 10000") && !text.contains("÷ wasmtime serve"), "{text}");
}

#[test]
fn a_run_comes_back_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    raw::write(&made_up_run(), directory.path()).unwrap();
    let read: Run = raw::read(directory.path()).unwrap();
    assert_eq!(markdown(&read).unwrap(), markdown(&made_up_run()).unwrap());
}
