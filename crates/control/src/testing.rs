//! The event that unit tests start from.

use std::net::{IpAddr, Ipv4Addr};

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
