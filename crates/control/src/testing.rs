//! The event that unit tests start from, and the check of a generated page.

pub(crate) mod books;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use lockgate_event::{EventId, EventRef, HttpVersion, Kind, Value};

/// One ordinary exchange.
pub(crate) fn event() -> EventRef<'static> {
    EventRef {
        id: EventId { node: 1, boot: 2, worker: 0, sequence: 3 },
        parent: None,
        kind: Kind::Done,
        ts_us: 1_795_224_023_123_456,
        route: "orders",
        user_id: None,
        key_id: None,
        value: Some(Value::ONE),
        method: "GET",
        host: "api.example.com",
        path: "/orders/7",
        path_cut: false,
        status: 200,
        reason: None,
        bytes_in: 0,
        bytes_out: 512,
        latency_us: 431,
        upstream: "127.0.0.1:9001",
        upstream_us: Some(380),
        attempts: 1,
        client: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
        http: HttpVersion::Http11,
        trace: "",
    }
}

/// Compares a generated page with the one in `docs/reference`; with `UPDATE` in the environment, writes it first.
#[track_caller]
pub(crate) fn check_page(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == page,
        "{name} is out of date: run UPDATE=1 cargo test -p control, and look at the difference"
    );
}
