//! Records that can be told apart, and what a journal holds of them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use journal::{StoredRecord, read_dir};
use lockgate_event::{EventId, EventRef, HttpVersion, Kind, Value};

/// A record like those of a busy gateway.
pub(crate) fn event(id: EventId) -> EventRef<'static> {
    EventRef {
        id,
        parent: None,
        kind: Kind::Done,
        ts_us: 1_795_224_023_000_000 + id.sequence,
        route: "orders",
        user_id: Some(id.sequence % 100),
        key_id: Some(3),
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
        trace: "4bf92f3577b34da6a3ce929d0e0e4736",
    }
}

/// Everything the journal holds, in its order; no place may be damaged.
pub(crate) fn stored(data_dir: &Path) -> Vec<StoredRecord> {
    read_dir(data_dir).unwrap().map(Result::unwrap).collect()
}

/// The ids of everything the journal holds, in its order.
pub(crate) fn ids(data_dir: &Path) -> Vec<EventId> {
    stored(data_dir).iter().map(|record| record.event().unwrap().id).collect()
}
