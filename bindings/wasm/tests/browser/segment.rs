//! A segment of the journal, chosen like any other file.

use lockgate_event::segment::{Footer, RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{EventId, EventRef};
use serde_json::json;

use super::*;

const EVENTS: u64 = 1000;

fn segment() -> Vec<u8> {
    let ring = RingId { boot: 1, worker: 0 };
    let mut bytes = SegmentHeader { node: 1, boot: 1, created_us: 1, positions: vec![(ring, 0)] }.to_bytes();
    let mut frames = Vec::new();
    for sequence in 0..EVENTS {
        let id = EventId { node: 1, boot: 1, worker: 0, sequence };
        let path = format!("/orders/{}", sequence % 7);
        let event = EventRef { id, user_id: Some(sequence % 3), path: &path, ..EventRef::EXAMPLE };
        append_frame(&event, &mut frames);
    }
    let position = append_block(ring, 0, &frames, &mut bytes) as u64;
    let footer = Footer { done: EVENTS, positions: vec![(ring, position)], ..Footer::default() };
    bytes.extend(footer.to_bytes(bytes.len() as u64));
    bytes
}

#[test]
fn a_segment_is_answered_and_one_that_is_cut_off_is_told_of() {
    let Some(stand) = Stand::new() else { return };
    let whole = segment();
    let file = stand.file("00000001.segment", &whole);
    stand.choose(&[&file]);
    stand.table();
    stand.write("by", "user_id");
    stand.write("measure", "count, distinct(path)");
    stand.ask();
    let table = stand.table();
    let question = json!({ "by": ["user_id"], "measure": ["count", "distinct(path)"] });
    assert_eq!(table, expected(&question, &file));
    assert_eq!(table[1], json!(["0", "334", "7"]));
    stand.choose(&[&stand.file("short.segment", &whole[..20])]);
    stand.table();
    assert!(stand.text("#notes").starts_with("1 of 1 lines could not be read. short.segment, line 1: "));
}
