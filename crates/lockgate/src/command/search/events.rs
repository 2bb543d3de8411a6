//! Events of a journal as the lines they are printed as.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use journal::{JournalReader, ReadError, RingId, SegmentReader, Start};
use lockgate_event::{EventRef, write_ndjson};

use super::conditions::Conditions;
use crate::failure::Failure;

/// Lines are made in pieces of about this size, bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Takes the next event out of a journal and appends its line; false at the end.
type Next<'a> = dyn FnMut(&mut Vec<u8>) -> Result<bool, ReadError> + 'a;

/// The lines of events, to be read as a file is.
pub(super) struct EventLines<'a> {
    next: Box<Next<'a>>,
    /// Is told of each place that cannot be read; what stands behind it is read all the same.
    complain: &'a dyn Fn(&Failure),
    lines: Vec<u8>,
    taken: usize,
}

impl<'a> EventLines<'a> {
    /// The events in a data directory that may be wanted: of its segments, and what is still in its rings.
    pub(super) fn of_journal(
        data_dir: &Path,
        conditions: &'a Conditions<'a>,
        complain: &'a dyn Fn(&Failure),
    ) -> Result<Self, ReadError> {
        let start = conditions.since_us().map_or(Start::Beginning, Start::Since);
        let mut reader = JournalReader::open(data_dir, start)?;
        reader.pass_over(&|footer| conditions.may_want_segment(footer))?;
        let next = move |lines: &mut Vec<u8>| {
            let Some(record) = reader.next_record().transpose()? else { return Ok(false) };
            put(record.event(), conditions, complain, lines);
            Ok(true)
        };
        Ok(Self { next: Box::new(next), complain, lines: Vec::new(), taken: 0 })
    }

    /// The events in a segment that may be wanted, each once.
    pub(super) fn of_segment(
        path: &Path,
        conditions: &'a Conditions<'a>,
        complain: &'a dyn Fn(&Failure),
    ) -> Result<Self, ReadError> {
        let mut reader = SegmentReader::open(path)?;
        let is_wanted = !matches!(reader.footer(), Ok(Some(footer)) if !conditions.may_want_segment(&footer));
        let mut seen: HashMap<RingId, u64> = HashMap::new();
        let next = move |lines: &mut Vec<u8>| {
            if !is_wanted {
                return Ok(false);
            }
            let Some(record) = reader.next_record()? else { return Ok(false) };
            let behind = seen.entry(record.ring).or_insert(0);
            if record.ring_position >= *behind {
                *behind = record.ring_position + 1;
                put(record.event(), conditions, complain, lines);
            }
            Ok(true)
        };
        Ok(Self { next: Box::new(next), complain, lines: Vec::new(), taken: 0 })
    }
}

fn put(
    event: Option<EventRef<'_>>,
    conditions: &Conditions<'_>,
    complain: &dyn Fn(&Failure),
    lines: &mut Vec<u8>,
) {
    match event {
        Some(event) if conditions.may_want(&event) => write_ndjson(&event, lines),
        Some(_) => {}
        None => complain(
            &Failure::new("a record was passed over").because("a later version of lockgate wrote it"),
        ),
    }
}

impl Read for EventLines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.lines.len() {
            self.lines.clear();
            self.taken = 0;
            while self.lines.len() < PIECE_BYTES {
                match (self.next)(&mut self.lines) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error @ ReadError::Damaged { .. }) => (self.complain)(&damaged(&error)),
                    Err(error @ ReadError::File { .. }) => return Err(io::Error::other(error)),
                }
            }
        }
        let piece = &self.lines[self.taken..];
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.taken += count;
        Ok(count)
    }
}

fn damaged(error: &ReadError) -> Failure {
    Failure::new("a place of the journal cannot be read").caused_by(error)
}
