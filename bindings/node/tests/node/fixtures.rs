//! The same events in every format, as files.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use lockgate_event::segment::{FRAME_HEADER_BYTES, RingId, SegmentHeader, append_block, frame_bytes};
use lockgate_event::{EventId, EventRef, HttpVersion, Kind, Value, encode, encoded_len, write_ndjson};

const EVENTS: u64 = 3000;
/// A tenth of them.
const FAILED: u16 = 503;

fn event(number: u64) -> EventRef<'static> {
    EventRef {
        id: EventId { node: 7, boot: 3, worker: 0, sequence: number },
        parent: None,
        kind: Kind::Done,
        ts_us: 1_795_224_023_000_000,
        route: "orders",
        user_id: Some(number % 4),
        key_id: None,
        value: Some(Value::ONE),
        method: "GET",
        host: "api.example.com",
        path: "/orders",
        path_cut: false,
        status: if number.is_multiple_of(10) { FAILED } else { 200 },
        reason: None,
        bytes_in: 0,
        bytes_out: 9,
        latency_us: 400,
        upstream: "127.0.0.1:9001",
        upstream_us: Some(300),
        attempts: 1,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        http: HttpVersion::Http11,
        trace: "",
    }
}

/// Writes the files that tests read into a folder.
pub(crate) fn write(place: &Path) {
    let (mut ndjson, mut csv, mut combined) = (Vec::new(), String::from("status,user_id\n"), String::new());
    let mut segment = SegmentHeader { node: 7, boot: 3, created_us: 1, positions: Vec::new() }.to_bytes();
    let mut position = 0;
    for event in (0..EVENTS).map(event) {
        write_ndjson(&event, &mut ndjson);
        csv += &format!("{},{}\n", event.status, event.user_id.unwrap());
        combined += &format!(
            "::1 - - [21/Nov/2026:01:20:23 +0000] \"GET /orders HTTP/1.1\" {} 9 \"-\" \"curl\"\n",
            event.status
        );
        let ring = RingId { boot: 3, worker: 0 };
        position += append_block(ring, position, &framed(&event), &mut segment) as u64;
    }
    let file = |name: &str, bytes: &[u8]| fs::write(place.join(name), bytes).unwrap();
    file("events.ndjson", &ndjson);
    file("events.csv", csv.as_bytes());
    file("access.log", combined.as_bytes());
    file("events.segment", &segment);
    file("events.ndjson.gz", &gzip(&ndjson));
    file("access.log.2.zst", &zstd::encode_all(combined.as_bytes(), 3).unwrap());
}

fn framed(event: &EventRef<'_>) -> Vec<u8> {
    let length = encoded_len(event);
    let mut bytes = vec![0; frame_bytes(length)];
    bytes[..4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    encode(event, &mut bytes[FRAME_HEADER_BYTES..]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}
