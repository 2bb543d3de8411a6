//! Nothing of one call is seen by another, and nothing of it stays.

use testkit::component;

use crate::{answering, reason};

/// Fresh instances that look for what one of them wrote.
const LOOKS: usize = 10_000;

/// Calls of the soak: `LOCKGATE_CALLS`.
fn calls() -> usize {
    std::env::var("LOCKGATE_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

/// One of so many calls fails.
const FAILS_EVERY: usize = 100;

/// What the allocator may keep in the end that it did not after a tenth of the calls, bytes: a few bytes of each call are more.
const GROWTH_BYTES_MAX: u64 = 4 << 20;

/// Descriptors and threads that may be new since then: connections to the database are opened, and threads for what blocks started,
/// when they are needed. One of each failed call would be ten times as many.
const GROWTH_MAX: usize = 16;

#[test]
fn a_secret_in_a_guests_memory_is_not_found_by_those_after_it() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "memory = \"64MiB\"");
    let written = gateway.get("/secret-write").unwrap();
    assert_eq!(written.status(), 200, "{}\n{}", written.text(), gateway.log());
    let mut client = gateway.connect().unwrap();
    for at in 0..LOOKS {
        let seen = client.ask("GET /secret-look HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        assert_eq!(seen.status(), 200, "{}", gateway.log());
        assert!(seen.text().starts_with("clean: 0 secrets, 0 used words"), "look {at}: {}", seen.text());
    }
}

#[test]
fn memory_and_descriptors_stay_flat() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "log = \"1KiB\"");
    let mut client = gateway.connect().unwrap();
    let mut ask = |path: &str| client.ask(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
    let mut figures = Vec::new();
    let calls = calls();
    for at in 1..=calls {
        if at % FAILS_EVERY == 0 {
            assert_eq!(reason(&ask("/no-answer")), "function_no_response");
        } else {
            assert_eq!(ask("/whoami").status(), 200);
        }
        if at % (calls / 10) == 0 {
            figures.push(gateway.figures().unwrap());
        }
    }
    let (first, last) = (figures[0], figures[figures.len() - 1]);
    assert!(last.anonymous_bytes <= first.anonymous_bytes + GROWTH_BYTES_MAX, "{figures:#?}");
    assert!(last.descriptors <= first.descriptors + GROWTH_MAX, "{figures:#?}");
    assert!(last.threads <= first.threads + GROWTH_MAX as u64, "{figures:#?}");
    let failed = (calls - calls / 10) / FAILS_EVERY;
    assert!(failed > 10 * GROWTH_MAX, "{failed} calls show nothing");
}
