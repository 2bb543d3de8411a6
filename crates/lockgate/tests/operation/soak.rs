//! Connections come and go for a long time; memory and descriptors stay flat.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::random::Random;
use testkit::{Answer, GatewayProcess, Origin, RawClient, Step, single_upstream, websocket};

use crate::start;

/// Length of the run: `LOCKGATE_SOAK_SECONDS`, 600 before a release.
fn soak_time() -> Duration {
    let seconds = std::env::var("LOCKGATE_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(20);
    Duration::from_secs(seconds)
}

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

/// One visit of a client, of one of many kinds. Most end badly, as they do in the open.
fn visit(address: &str, random: &mut Random) -> Result<(), testkit::ClientError> {
    let mut client = RawClient::connect(address)?;
    match random.below(10) {
        0 => {}
        1 => client.send("GET /x HTT")?,
        2 => client.reset(),
        3 => {
            client.send("GET /bad HTTP/1.1\r\nHost: test\r\nHost: test\r\n\r\n")?;
            client.response("GET")?;
        }
        4 => {
            client.send("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nhalf")?;
            client.reset();
        }
        5 => {
            client.send(GET)?;
            client.finish_sending()?;
            client.response("GET")?;
        }
        6 => {
            client.ask(websocket::open_request("/ws", "test"))?;
            client.send("ping")?;
            client.bytes(4)?;
        }
        7 => {
            client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n")?;
            client.head()?;
            client.reset();
        }
        _ => {
            for _ in 0..=random.below(20) {
                client.ask(GET)?;
            }
        }
    }
    Ok(())
}

fn origin() -> Origin {
    Origin::start(|received| match received.line.target.as_str() {
        "/ws" => Answer::new()
            .send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            .then(Step::Tunnel),
        "/large" => Answer::generated(1 << 20),
        _ => Answer::ok("ok"),
    })
}

/// Resident bytes and descriptors, at their lowest of a few looks, so that visits in progress do not count.
fn settled(gateway: &GatewayProcess) -> (u64, usize) {
    let looks = (0..10).map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        gateway.figures().unwrap()
    });
    looks.fold((u64::MAX, usize::MAX), |(rss, open), f| (rss.min(f.rss_bytes), open.min(f.descriptors)))
}

#[test]
fn churn_leaves_memory_and_descriptors_flat() {
    let origin = origin();
    let gateway = start(&single_upstream(origin.address()));
    let (stopping, visits) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (stopping, visits, address) = (&stopping, &visits, gateway.address());
            scope.spawn(move || {
                let mut random = Random::new(seed);
                while !stopping.load(Ordering::Relaxed) {
                    // Visits that the gateway ends are part of the churn.
                    let _ = visit(address, &mut random);
                    visits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Warm: every kind of buffer has been allocated.
        std::thread::sleep(soak_time() / 4);
        let warm = settled(&gateway);
        std::thread::sleep(soak_time().saturating_sub(start.elapsed()));
        let end = settled(&gateway);
        stopping.store(true, Ordering::Relaxed);
        println!(
            "{} visits; bytes and descriptors {warm:?} warm, {end:?} at the end",
            visits.load(Ordering::Relaxed)
        );
        assert!(end.0 < warm.0 + (4 << 20), "memory grew from {} to {} bytes", warm.0, end.0);
        assert!(end.1 < warm.1 + 100, "descriptors grew from {} to {}", warm.1, end.1);
    });
    assert!(visits.load(Ordering::Relaxed) > 200);
    assert_eq!(gateway.get("/x").unwrap().status(), 200);
}
