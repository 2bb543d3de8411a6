//! A made-up run whose every figure can be worked out by hand.

use super::super::super::in_process::InProcess;
use super::*;
use crate::load::LoadReport;
use crate::measure::machine::Machine;
use crate::measure::usage::Memory;
use crate::report::raw;

/// Contender, task, CPU µs, private MiB and p99.9 µs, in rounds that differ by a factor common to all.
const FIGURES: [(Contender, Task, f64, u64, u64); 6] = [
    (Contender::Lockgate, Task::Keyed, 16.0, 10, 900),
    (Contender::LockgateOpen, Task::Keyed, 15.0, 9, 900),
    (Contender::NginxLua, Task::Keyed, 32.0, 20, 1000),
    (Contender::Lockgate, Task::Show, 20.0, 10, 500),
    (Contender::Go, Task::Show, 50.0, 20, 400),
    (Contender::Node, Task::Show, 100.0, 80, 1000),
];

pub(crate) fn made_up_run() -> Run {
    let machine = Machine::made_up();
    let in_process = vec![InProcess {
        program: "identify_cost".into(),
        lines: vec!["all: 0.5 µs".into()],
        instructions: vec![("all three".into(), 1234.0)],
    }];
    let mut run = Run {
        machine,
        versions: vec![(Contender::Lockgate, "0.1.0".into()), (Contender::Go, "Go 1".into())],
        rounds: 3,
        seconds: 1.0,
        keys: 100,
        users: 200,
        samples: Vec::new(),
        latencies: Vec::new(),
        in_process,
    };
    for round in 0..3 {
        let drift = [1.0, 2.0, 1.0][round];
        for (contender, task, cpu_us, mib, p999_us) in FIGURES {
            run.samples.push(Sample {
                round,
                contender,
                task,
                requests: 50_000,
                seconds: 1.0,
                cpu_us: cpu_us * drift,
                user_us: 5.0,
                busy: 1.0,
                memory: Memory { rss: mib << 20, pss: mib << 20, private: mib << 20, dirty: mib << 19 },
            });
            let others: Vec<Contender> = match contender {
                Contender::Lockgate => task.contenders()[1..].to_vec(),
                other => vec![other],
            };
            for other in others {
                let load = LoadReport { requests: 1000, seconds: 1.0, p999_us, ..LoadReport::default() };
                run.latencies.push(LatencySample { round, contender, other, task, rate: 1000.0, load });
            }
        }
    }
    run
}

#[track_caller]
fn check(line: &str) {
    let text = markdown(&made_up_run()).unwrap();
    assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
}

#[test]
fn each_goal_is_said_to_be_met_or_missed() {
    check(
        "| Proxied GET with a key | NGINX with Lua | 0.50 (0.50–0.50), goal 0.40: **missed** | 0.50 (0.50–0.50) | 0.90 (0.90–0.90) |",
    );
    check(
        "| GET one user | Go, net/http | 0.40 (0.40–0.40), goal 1.00: met | 0.50 (0.50–0.50), goal 1.00: met | 1.25 (1.25–1.25), goal not worse: **missed** |",
    );
    check(
        "| GET one user | Node, Fastify | 0.20 (0.20–0.20), goal 1.00: met | 0.12 (0.12–0.12), goal 1.00: met | 0.50 (0.50–0.50), goal not worse: met |",
    );
}

#[test]
fn what_keys_add_is_the_difference_within_a_round() {
    check("Key, limit, counting and folding add 1.00 µs (1.00 to 2.00) to a request on an open route.");
}

#[test]
fn every_sample_and_program_has_its_line() {
    check("| Go, net/http | 50000 | 100 % | 20000 | 50.0 | 5.0 | 45.0 | 20.0 | 10.0 | 0.40 (0.40–0.40) |");
    check(
        "| GET one user | Node, Fastify | 1000 | 0 and 0 | 0 and 0 | 500 and 1000 | 0 and 0 | 0.50 (0.50–0.50) |",
    );
    check("    1234 instructions for a request, by callgrind: all three");
}

#[test]
fn a_run_without_lockgate_has_no_ratios_and_a_run_comes_back_from_its_file() {
    let mut run = made_up_run();
    run.samples.retain(|sample| sample.contender != Contender::Lockgate);
    assert!(run.fair_rates(Task::Show).is_empty());
    let text = markdown(&run).unwrap();
    assert!(text.contains("| Go, net/http | 50000") && !text.contains("Where it is to land"), "{text}");
    let directory = tempfile::tempdir().unwrap();
    raw::write(&made_up_run(), directory.path()).unwrap();
    let read: Run = raw::read(directory.path()).unwrap();
    assert_eq!(markdown(&read).unwrap(), markdown(&made_up_run()).unwrap());
    assert_eq!(read.fair_rates(Task::Show).len(), 2);
}
