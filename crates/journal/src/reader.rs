//! Reads the journal from its files alone: segments in their order, then what is still in the rings.
//!
//! Works whether the gateway runs, was stopped, or was killed. It never maps a file, never changes one, and never shows a record twice: for
//! each ring it remembers the position up to which it has shown records, wherever it found them.

mod segments;

pub use segments::{Passage, SegmentsReader};

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_event::EventRef;
use lockgate_event::segment::frame_bytes;

use crate::batch::{RawRecord, RecordPlace};
use crate::data_dir::{RingNames, read_node};
use crate::error::ReadError;
use crate::leftover::{RingFile, Snapshot};
use crate::segment::{Footer, RingId, frames};

/// How long a place that looks damaged in the live segment gets to become whole.
const SECOND_LOOK: Duration = Duration::from_millis(30);

/// Where reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record there is.
    Beginning,
    /// At the first record made at or after this time, microseconds since 1970-01-01T00:00:00Z. Segments that end before are not read.
    Since(u64),
    /// Behind the newest record there is.
    End,
}

/// A record found in the journal's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    bytes: Box<[u8]>,
    /// The ring it came through.
    pub ring: RingId,
    /// Its position in that ring, bytes since the ring was made.
    pub ring_position: u64,
    /// Where it stands; `None` while it is only in its ring.
    pub place: Option<RecordPlace>,
}

impl StoredRecord {
    fn of(record: RawRecord<'_>) -> Self {
        Self {
            bytes: record.bytes.into(),
            ring: record.ring,
            ring_position: record.ring_position,
            place: Some(record.place),
        }
    }

    /// Position behind it in its ring.
    fn ring_end(&self) -> u64 {
        self.ring_position + frame_bytes(self.bytes.len()) as u64
    }

    /// The record, decoded; `None` only for a record of a later version.
    #[must_use]
    pub fn event(&self) -> Option<EventRef<'_>> {
        lockgate_event::decode(&self.bytes).ok()
    }

    /// The record's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads what the journal in `data_dir` holds now, oldest first.
///
/// # Errors
///
/// When there is no such directory, or it is no data directory.
pub fn read_dir(
    data_dir: &Path,
) -> Result<impl Iterator<Item = Result<StoredRecord, ReadError>> + use<>, ReadError> {
    let mut reader = JournalReader::open(data_dir, Start::Beginning)?;
    Ok(std::iter::from_fn(move || reader.next_record()))
}

/// Reads a journal and follows it, across segments and restarts of the gateway.
#[derive(Debug)]
pub struct JournalReader {
    data_dir: PathBuf,
    since_us: u64,
    segments: SegmentsReader,
    phase: Phase,
}

/// One pass: look into the rings, read the segments to their end, then show what of the rings was not in them.
///
/// In this order nothing is missed: a record leaves its ring only when it is in a segment.
#[derive(Debug)]
enum Phase {
    LookIntoRings,
    ReadSegments(VecDeque<StoredRecord>),
    ShowRings(VecDeque<StoredRecord>),
}

impl JournalReader {
    /// Opens the journal of a data directory.
    ///
    /// # Errors
    ///
    /// When there is no such directory, or it cannot be read.
    pub fn open(data_dir: &Path, start: Start) -> Result<Self, ReadError> {
        std::fs::read_dir(data_dir).map_err(ReadError::file(data_dir))?;
        let mut reader = Self {
            data_dir: data_dir.into(),
            since_us: 0,
            segments: SegmentsReader::new(data_dir),
            phase: Phase::LookIntoRings,
        };
        match start {
            Start::Beginning => {}
            Start::Since(us) => {
                reader.since_us = us;
                reader.segments.skip_before(us)?;
            }
            Start::End => reader.skip_to_end()?,
        }
        Ok(reader)
    }

    /// Passes over the sealed segments there are now whose footers are not wanted; records of others are read all the same.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn pass_over(&mut self, is_wanted: &dyn Fn(&Footer) -> bool) -> Result<(), ReadError> {
        self.segments.pass_over(is_wanted)
    }

    /// The next record; `None` when there is none for now, and a later call may find more.
    pub fn next_record(&mut self) -> Option<Result<StoredRecord, ReadError>> {
        loop {
            let found = self.advance()?;
            match found {
                Ok(record) if record.event().is_some_and(|event| event.ts_us < self.since_us) => {}
                found => return Some(found),
            }
        }
    }

    /// Any next record, however old.
    fn advance(&mut self) -> Option<Result<StoredRecord, ReadError>> {
        loop {
            match &mut self.phase {
                Phase::LookIntoRings => match self.look_into_rings() {
                    Ok(found) => self.phase = Phase::ReadSegments(found),
                    Err(error) => {
                        self.phase = Phase::ReadSegments(VecDeque::new());
                        return Some(Err(error));
                    }
                },
                Phase::ReadSegments(found) => {
                    let found = std::mem::take(found);
                    let next = self.next_in_segments().transpose();
                    self.phase = match &next {
                        Some(Ok(_) | Err(ReadError::Damaged { .. })) => Phase::ReadSegments(found),
                        // A file that cannot be read now is not tried again before the next pass.
                        Some(Err(ReadError::File { .. })) | None => Phase::ShowRings(found),
                    };
                    if next.is_some() {
                        return next;
                    }
                }
                Phase::ShowRings(found) => match found.pop_front() {
                    Some(record)
                        if self
                            .segments
                            .shown
                            .get(&record.ring)
                            .is_some_and(|shown| record.ring_position < *shown) => {}
                    Some(record) => {
                        self.segments.shown.insert(record.ring, record.ring_end());
                        return Some(Ok(record));
                    }
                    None => {
                        self.phase = Phase::LookIntoRings;
                        return None;
                    }
                },
            }
        }
    }

    /// The next record of the segments that has not been shown; `None` at their end.
    fn next_in_segments(&mut self) -> Result<Option<StoredRecord>, ReadError> {
        loop {
            if let Some(found) = self.segments.next_in_block() {
                return found.map(|record| Some(StoredRecord::of(record)));
            }
            if self.segments.next_block()?.is_none() {
                return Ok(None);
            }
        }
    }

    /// Passes over everything there is.
    fn skip_to_end(&mut self) -> Result<(), ReadError> {
        let mut paths = self.segments.segments()?;
        paths.pop();
        self.segments.last = paths.pop();
        while let Some(passed) = self.next_record() {
            if let Err(error @ ReadError::File { .. }) = passed {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Copies the records that are in rings and have not been shown.
    fn look_into_rings(&self) -> Result<VecDeque<StoredRecord>, ReadError> {
        let mut found = VecDeque::new();
        for snapshot in self.snapshots().map_err(ReadError::file(&self.data_dir))? {
            for frame in frames(&snapshot.bytes) {
                found.push_back(StoredRecord {
                    bytes: frame.record.into(),
                    ring: snapshot.ring,
                    ring_position: snapshot.start + frame.offset as u64,
                    place: None,
                });
            }
        }
        Ok(found)
    }

    fn snapshots(&self) -> io::Result<Vec<Snapshot>> {
        let node = match read_node(&self.data_dir) {
            Ok(Some(node)) => node,
            Ok(None) => return Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut snapshots = Vec::new();
        for (ring, path) in RingNames::of(&self.data_dir, node)?.list()? {
            let file = match RingFile::open(&path, ring, node) {
                // Drained and removed meanwhile: its records are in a segment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let seen = self.segments.shown.get(&ring).copied().unwrap_or(0);
            snapshots.extend(file.map(|file| file.peek(seen)).transpose()?.flatten());
        }
        Ok(snapshots)
    }
}
