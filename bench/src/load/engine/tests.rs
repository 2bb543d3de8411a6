//! The engine against the benchmark's own origin and floor, over loopback.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use super::*;
use crate::load::Work;

fn options(target: SocketAddr, work: Work) -> Options {
    Options {
        target,
        work,
        connections: 4,
        seconds: 0.1,
        warm_up: 0.02,
        rate: None,
        routes: 0,
        words: None,
        token: String::new(),
    }
}

fn run(options: &Options) -> LoadReport {
    Engine::connect(options).unwrap().run(|| Ok(())).unwrap()
}

#[test]
fn every_kind_of_work_is_answered_through_the_floor() {
    let origin = crate::origin::spawn_for_tests();
    let floor = crate::floor::spawn_for_tests(origin);
    for target in [origin, floor] {
        for work in [Work::Small, Work::Medium, Work::Large, Work::Post, Work::Websocket] {
            let report = run(&options(target, work));
            assert_eq!((report.errors, report.fault), (0, None), "{work:?}");
            assert!(report.requests > 0, "{work:?}");
        }
    }
}

#[test]
fn a_fixed_rate_is_kept_and_answered_in_full() {
    let origin = crate::origin::spawn_for_tests();
    let mut options = options(origin, Work::Small);
    options.rate = Some(1000.0);
    options.routes = 100;
    let report = run(&options);
    assert_eq!((report.errors, report.unanswered), (0, 0));
    assert!((90..=130).contains(&report.requests), "{}", report.requests);
    assert!(report.p50_us <= report.p99_us && report.p99_us <= report.max_us);
}

#[test]
fn a_wrong_answer_ends_the_run_as_a_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ =
                stream.unwrap().write_all(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let mut options = options(target, Work::Small);
    options.seconds = 10.0;
    let report = run(&options);
    assert!(report.errors > 0 && report.requests == 0);
    assert!(report.fault.is_some_and(|fault| fault.contains("500")));
}

#[test]
fn a_stalled_answer_makes_those_behind_it_late() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    // Accepts, and never answers.
    let holder = std::thread::spawn(move || listener.accept().map(drop_at_end));
    let mut options = options(target, Work::Small);
    (options.connections, options.rate, options.warm_up) = (1, Some(100.0), 0.0);
    let report = run(&options);
    assert!((9..=11).contains(&report.unanswered), "{}", report.unanswered);
    assert!(report.max_us >= 2_000_000);
    holder.join().unwrap().unwrap();
}

/// Keeps the connection until the client ends it.
fn drop_at_end((mut stream, _): (std::net::TcpStream, SocketAddr)) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}
