//! A made-up run whose every figure can be worked out by hand.

use super::super::super::record::KindSample;
use super::*;
use crate::measure::machine::Machine;
use crate::measure::usage::Memory;

/// Lockgate costs 15 µs and NGINX 20 µs, in rounds that differ by a factor common to both.
pub(crate) fn made_up_run(suite: Suite) -> Run {
    let machine = Machine::made_up();
    let versions = vec![(Peer::Lockgate, "0.1.0".into()), (Peer::Nginx, "1.22.1".into())];
    let mut run = Run::new(suite, machine, versions, 3, 1.0);
    for round in 0..3 {
        let drift = 1.0 + round as f64 / 10.0;
        for (peer, cpu_us) in [(Peer::Lockgate, 15.0), (Peer::Nginx, 20.0)] {
            run.samples.extend(suite.tasks().iter().map(|task| Sample {
                round,
                peer,
                task: *task,
                requests: 50_000,
                seconds: 1.0,
                cpu_us: cpu_us * drift,
                user_us: 5.0,
                busy: 1.0,
                session: task.key().map(|_| "TLSv1.3".into()),
            }));
        }
    }
    let memory = |private| Memory { rss: 8 << 20, pss: 6 << 20, private, dirty: private };
    let sample = |peer, kind, after| KindSample {
        kind,
        idle: IdleSample {
            round: 0,
            peer,
            connections: 1000,
            before: memory(1_000_000),
            after: memory(after),
        },
    };
    for kind in suite.idle() {
        run.idle.push(sample(Peer::Lockgate, *kind, 1_600_000));
        run.idle.push(sample(Peer::Nginx, *kind, 1_800_000));
    }
    run
}

#[test]
fn requests_are_compared_by_their_cost_and_handshakes_by_their_number() {
    let text = markdown(&made_up_run(Suite::Tls)).unwrap();
    let handshakes =
        "| Full handshake, TLS 1.3, ECDSA P-256, X25519 | NGINX | 1.33 (1.33–1.33) | at least 1.2 | met |";
    assert!(text.contains(handshakes), "{text}");
    let kept =
        "| Small GET, HTTP/1.1 by TLS, 64 kept connections | NGINX | 0.75 (0.75–0.75) | at most 0.8 | met |";
    assert!(text.contains(kept), "{text}");
    assert!(
        text.contains("| NGINX | 50000 | 100 % | 22.0 | 5.0 | 17.0 | 45455 | 0.75 (0.75–0.75) |"),
        "{text}"
    );
}

#[test]
fn memory_and_what_was_agreed_on_are_in_the_page() {
    let text = markdown(&made_up_run(Suite::Http2)).unwrap();
    assert!(text.contains("| Lockgate | 977 | 1562 | 600 |"), "{text}");
    assert!(text.contains("TLSv1.3: Lockgate, NGINX.\n"), "{text}");
}

#[test]
fn a_run_without_figures_is_a_page_without_tables() {
    let mut run = made_up_run(Suite::Http2);
    (run.samples, run.idle) = (Vec::new(), Vec::new());
    assert!(!markdown(&run).unwrap().contains("NaN"));
}
