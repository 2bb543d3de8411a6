//! How the journal is doing, for the control side.

/// A look at the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// Each worker's ring.
    pub rings: Vec<RingStatus>,
    /// Records of kind `done` and `cut` that found no room, all workers together, since this start.
    pub lost: u64,
    /// Records written to segments since this start, recovered ones included.
    pub written: u64,
    /// Records that an earlier process had left in its rings.
    pub recovered: u64,
    /// Segment files, the live one included.
    pub segments: u64,
    /// Size of all segments, bytes.
    pub bytes_on_disk: u64,
    /// Whether the disk does not take what is written: full, read-only or failing.
    pub disk_full: bool,
    /// Why not.
    pub write_error: Option<String>,
    /// Why the last sync failed; `None` once one succeeded.
    pub sync_error: Option<String>,
}

/// A look at one worker's ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingStatus {
    /// The worker.
    pub worker: u16,
    /// Bytes not yet in a segment.
    pub used_bytes: u64,
    /// Size, bytes.
    pub capacity_bytes: u64,
    /// `done` records that found no room.
    pub lost_done: u64,
    /// `cut` records that found no room.
    pub lost_cut: u64,
    /// `part` records that found no room and came with the exchange's next record.
    pub merged_parts: u64,
}
