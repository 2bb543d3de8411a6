//! The same events in every format, as files.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use lockgate_event::segment::{RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{EventId, EventRef, write_ndjson};

const EVENTS: u64 = 3000;
/// A tenth of them.
const FAILED: u16 = 503;

fn event(number: u64) -> EventRef<'static> {
    EventRef {
        id: EventId { node: 7, boot: 3, worker: 0, sequence: number },
        user_id: Some(number % 4),
        path: "/orders",
        status: if number.is_multiple_of(10) { FAILED } else { 200 },
        bytes_out: 9,
        ..EventRef::EXAMPLE
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
        let mut frame = Vec::new();
        append_frame(&event, &mut frame);
        position += append_block(ring, position, &frame, &mut segment) as u64;
    }
    let file = |name: &str, bytes: &[u8]| fs::write(place.join(name), bytes).unwrap();
    file("events.ndjson", &ndjson);
    file("events.csv", csv.as_bytes());
    file("access.log", combined.as_bytes());
    file("events.segment", &segment);
    file("events.ndjson.gz", &gzip(&ndjson));
    file("access.log.2.zst", &zstd::encode_all(combined.as_bytes(), 3).unwrap());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}
