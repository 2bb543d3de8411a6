//! Records that can be told apart, and what a journal holds of them.

use std::path::Path;

use journal::{StoredRecord, read_dir};
use lockgate_event::{EventId, EventRef};

/// A record like those of a busy gateway.
pub(crate) fn event(id: EventId) -> EventRef<'static> {
    EventRef {
        id,
        ts_us: 1_795_224_023_000_000 + id.sequence,
        user_id: Some(id.sequence % 100),
        trace: "4bf92f3577b34da6a3ce929d0e0e4736",
        ..EventRef::EXAMPLE
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
