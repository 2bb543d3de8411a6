//! Bodies of any size pass through a bounded buffer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use testkit::{
    Answer, GatewayProcess, Origin, PatternCheck, RawClient, Step, figures_of, pattern, single_upstream,
};

use crate::start;

const GIB: u64 = 1 << 30;
/// What all buffers of a few exchanges may take, and the allocator's slack: far below any of the bodies.
const GROWTH_BYTES_MAX: u64 = 12 << 20;

/// GiB sent in each large test: `LOCKGATE_BODY_GIB`, 10 for the figure that the documentation states.
fn body_bytes() -> u64 {
    std::env::var("LOCKGATE_BODY_GIB").ok().and_then(|n| n.parse().ok()).unwrap_or(1) * GIB
}

/// The largest resident set seen while it lives.
struct Peak {
    peak: Arc<AtomicU64>,
    stopping: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    before: u64,
}

impl Peak {
    fn watch(gateway: &GatewayProcess) -> Self {
        let before = gateway.figures().unwrap().rss_bytes;
        let (peak, stopping) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let (seen, stop, pid) = (Arc::clone(&peak), Arc::clone(&stopping), gateway.pid());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if let Ok(figures) = figures_of(pid) {
                    seen.fetch_max(figures.rss_bytes, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { peak, stopping, thread: Some(thread), before }
    }

    #[track_caller]
    fn check(mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(std::thread::JoinHandle::join));
        let growth = self.peak.load(Ordering::Relaxed) - self.before;
        println!("the gateway grew by {} KiB", growth / 1024);
        assert!(growth < GROWTH_BYTES_MAX, "the gateway grew by {} KiB", growth / 1024);
    }
}

fn warmed_up(origin: &Origin) -> GatewayProcess {
    let gateway = start(&single_upstream(origin.address()));
    for _ in 0..20 {
        gateway.get("/warm").unwrap();
    }
    gateway
}

fn origin(large: &Answer) -> Origin {
    let large = large.clone();
    Origin::start(
        move |received| if received.line.target == "/warm" { Answer::ok("warm") } else { large.clone() },
    )
}

#[test]
fn a_large_answer_to_a_slow_reader_is_not_kept() {
    let bytes = body_bytes();
    let origin = origin(&Answer::generated(bytes));
    let gateway = warmed_up(&origin);
    let peak = Peak::watch(&gateway);
    let mut client = gateway.connect().unwrap();
    client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let (mut check, mut pauses) = (PatternCheck::default(), 0);
    client
        .response_into("GET", &mut |piece| {
            check.take(piece);
            // The reader stops four times for long enough that everything behind it fills up.
            if check.bytes > bytes / 5 * (pauses + 1) && pauses < 4 {
                pauses += 1;
                std::thread::sleep(Duration::from_millis(300));
            }
        })
        .unwrap();
    assert!(check.bytes == bytes && !check.broken, "{check:?}");
    peak.check();
}

#[test]
fn a_large_request_to_a_slow_origin_is_not_kept() {
    let bytes = body_bytes();
    let slow = Answer::new()
        .then(Step::ReadBodySlowly(256 * 1024, Duration::from_micros(50)))
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    let origin = origin(&slow);
    let gateway = warmed_up(&origin);
    let peak = Peak::watch(&gateway);
    let mut client = gateway.connect().unwrap();
    client.send(format!("POST /large HTTP/1.1\r\nHost: test\r\nContent-Length: {bytes}\r\n\r\n")).unwrap();
    send_pattern(&mut client, bytes);
    assert_eq!(client.response("POST").unwrap().text(), "done");
    let seen = origin.connections().iter().map(|c| c.pattern).max_by_key(|p| p.bytes).unwrap();
    assert!(seen.bytes == bytes && !seen.broken, "{seen:?}");
    peak.check();
}

fn send_pattern(client: &mut RawClient, bytes: u64) {
    let mut sent = 0;
    while sent < bytes {
        let block = pattern(sent);
        let piece = &block[..block.len().min(usize::try_from(bytes - sent).unwrap_or(usize::MAX))];
        client.send(piece).unwrap();
        sent += piece.len() as u64;
    }
}

#[test]
fn many_stalled_readers_hold_little() {
    let origin = origin(&Answer::generated(GIB));
    let gateway = warmed_up(&origin);
    let before = gateway.figures().unwrap().rss_bytes;
    let mut readers: Vec<_> = (0..100).map(|_| gateway.connect().unwrap()).collect();
    for reader in &mut readers {
        reader.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        reader.head().unwrap();
    }
    // Nobody reads on: what the gateway took from the origin by now is all it ever takes.
    std::thread::sleep(Duration::from_millis(500));
    let grown = gateway.figures().unwrap().rss_bytes.saturating_sub(before);
    println!("100 stalled readers: {} KiB each", grown / 1024 / 100);
    // The buffer of the answer, 128 KiB, the exchange's state, and slack.
    assert!(grown < 100 * 192 * 1024, "{} KiB for 100 stalled readers", grown / 1024);
    drop(readers);
    origin.wait("all are let go", |records| records.iter().filter(|r| r.end.is_none()).count() <= 2);
}

#[test]
fn chunked_bodies_stream_too() {
    let bytes = GIB / 4;
    let answer = Answer::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .then(Step::GenerateChunks(bytes))
        .send("0\r\n\r\n");
    let origin = origin(&answer);
    let gateway = warmed_up(&origin);
    let peak = Peak::watch(&gateway);
    let mut client = gateway.connect().unwrap();
    client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut check = PatternCheck::default();
    client.response_into("GET", &mut |piece| check.take(piece)).unwrap();
    assert!(check.bytes == bytes && !check.broken, "{check:?}");
    peak.check();
}
