//! Nothing of one call is seen by another.

use testkit::component;

use crate::answering;

/// Fresh instances that look for what one of them wrote.
const LOOKS: usize = 10_000;

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
        assert!(!seen.text().contains("found at"), "look {at}: {}", seen.text());
    }
}
