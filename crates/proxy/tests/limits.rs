//! Limits over the workers of a real proxy, by the clock of its clients.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxy::{Configured, Standalone};
use testkit::{Answer, Gate, Origin, RawClient, Step};

const GET: &str = "GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n";

/// When an admitted request was sent and when its answer was there: in between it was admitted.
#[derive(Clone, Copy)]
struct Admitted {
    sent: Duration,
    answered: Duration,
}

/// Asks without a pause for a while, on one connection after the other, so that every worker gets some.
fn ask_for(address: &str, start: Instant, time: Duration) -> Vec<Admitted> {
    let mut admitted = Vec::new();
    while start.elapsed() < time {
        let mut client = RawClient::connect(address).unwrap();
        for _ in 0..50 {
            let sent = start.elapsed();
            let answer = client.ask(GET).unwrap();
            match answer.status() {
                200 => admitted.push(Admitted { sent, answered: start.elapsed() }),
                429 => assert!(!answer.field("retry-after").is_empty()),
                status => panic!("{status}"),
            }
        }
    }
    admitted
}

#[test]
fn no_window_admits_more_than_burst_and_rate_over_all_workers() {
    let (rate, burst, time) = (200.0, 20, Duration::from_millis(1_500));
    let proxy = Standalone::start(
        "listener = [{ address = \"127.0.0.1:0\" }]\nworkers.count = 2\n[[route]]\npath = \"/*\"\nrespond = { status = 200, body = \"s\" }\n\
         limit = { rate = \"200/s\", burst = 20, per = \"address\" }\n",
        &Configured,
    )
    .unwrap();
    let (address, start) = (proxy.addresses()[0].to_string(), Instant::now());
    let admitted: Vec<Admitted> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| ask_for(&address, start, time))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    for from in &admitted {
        for to in &admitted {
            let Some(window) = to.answered.checked_sub(from.sent) else { continue };
            let within = |one: &&Admitted| one.sent >= from.sent && one.answered <= to.answered;
            let count = admitted.iter().filter(within).count() as f64;
            let most = f64::from(burst) + rate * window.as_secs_f64();
            assert!(count <= most + 1e-6, "{count} of at most {most} in {window:?}");
        }
    }
    let all = f64::from(burst) + rate * time.as_secs_f64();
    assert!(admitted.len() as f64 > all / 2.0, "{} of about {all}", admitted.len());
    assert!(proxy.drain(Duration::from_secs(10)));
}

#[test]
fn no_more_are_under_way_than_the_limit_over_all_workers() {
    let gate = Gate::new();
    let answer = Answer::new().then(Step::Wait(gate.clone())).send("HTTP/1.1 204 No Content\r\n\r\n");
    let origin = Origin::answering(answer);
    let proxy = Standalone::start(
        &format!(
            "listener = [{{ address = \"127.0.0.1:0\" }}]\nworkers.count = 2\nupstream.origin = {{ endpoints = [\"{}\"] }}\n\
             [[route]]\npath = \"/*\"\nupstream = \"origin\"\nlimit = {{ concurrency = 3, per = \"route\" }}\n",
            origin.address()
        ),
        &Configured,
    )
    .unwrap();
    let address = proxy.addresses()[0].to_string();
    let ask = || RawClient::connect(&address).unwrap().ask(GET).unwrap().status();
    let (served, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| match ask() {
                204 => _ = served.fetch_add(1, Ordering::SeqCst),
                // The service answers nobody before nine are refused: were more than three let through, it would be never.
                429 if refused.fetch_add(1, Ordering::SeqCst) == 8 => gate.open(),
                status => assert_eq!(status, 429),
            });
        }
    });
    assert_eq!((served.into_inner(), refused.into_inner()), (3, 9));
    assert_eq!(ask(), 204, "the places are free again");
    assert!(proxy.drain(Duration::from_secs(10)));
}
