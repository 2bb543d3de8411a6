//! One step through the segments: from the marks to the end of the last whole block, or as far as a step may go.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;

use journal::{Passage, ReadError, RecordPlace, SegmentsReader};
use store::{Advance, DatabaseId, Fold, Mark};

use super::groups::Groups;
use crate::databases::Databases;
use crate::limits::{FOLD_BYTES, FOLD_GROUPS};

/// Where the fold is in the journal.
pub(super) struct Reading {
    segments: SegmentsReader,
    /// Marks by segment, as they will be once everything read is committed.
    marks: HashMap<u64, u64>,
    groups: Groups,
    /// Which records are for the database that this is folded into.
    databases: Databases,
    database: DatabaseId,
    /// Names of segments that could not be read to their end and were passed over.
    unreadable: BTreeSet<OsString>,
}

/// What a step may hold, about: it ends with the block that fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    groups: usize,
    bytes: u64,
}

impl Room {
    /// As much as a step may ever hold.
    pub(super) const ALL: Self = Self { groups: FOLD_GROUPS, bytes: FOLD_BYTES };

    /// Half of what a step held that failed, or was to hold where its last block was large. In the end, that is a single block.
    pub(super) fn halved_for(self, step: &Step) -> Self {
        let groups = step.fold.usage.len().max(step.fold.uses.len());
        Self { groups: (self.groups.min(groups) / 2).max(1), bytes: (self.bytes.min(step.bytes) / 2).max(1) }
    }

    /// A quarter more: not at once as much again as what has just failed.
    pub(super) fn grown(self) -> Self {
        Self {
            groups: (self.groups + self.groups / 4 + 1).min(FOLD_GROUPS),
            bytes: (self.bytes + self.bytes / 4 + 1).min(FOLD_BYTES),
        }
    }
}

/// What one transaction adds.
#[derive(Default)]
pub(super) struct Step {
    pub(super) fold: Fold,
    pub(super) records: u64,
    pub(super) bytes: u64,
    /// Name of the last segment that will not be needed once this is committed.
    pub(super) passed: Option<OsString>,
    /// Names of segments that could not be read to their end, and of all of those that were passed over since the marks were asked for.
    pub(super) unreadable: Vec<OsString>,
    pub(super) all_unreadable: BTreeSet<OsString>,
    /// Whether nothing more was there.
    pub(super) caught_up: bool,
    /// Bytes and segments behind it.
    pub(super) rest: (u64, u64),
}

impl Reading {
    /// Goes on from the marks that the database has; what the disk cannot give of the segments `past_errors` counts as damaged.
    pub(super) fn resume(
        data_dir: &Path,
        marks: &[Mark],
        databases: Databases,
        database: DatabaseId,
        past_errors: HashSet<OsString>,
    ) -> Result<Self, ReadError> {
        let marks: HashMap<_, _> = marks.iter().map(|mark| (mark.segment, mark.offset)).collect();
        let segments = SegmentsReader::resume(data_dir, marks.clone())?.reading_past_errors(past_errors);
        let (groups, unreadable) = (Groups::default(), BTreeSet::new());
        Ok(Self { segments, marks, groups, databases, database, unreadable })
    }

    /// Reads on; what it has read is safe from a crash of the machine. After an error it is of no use any more.
    pub(super) fn step(&mut self, node: u64, room: Room) -> Result<Step, ReadError> {
        let fold = Fold { database: Some(self.database), node, ..Fold::default() };
        let mut step = Step { fold, ..Step::default() };
        while step.bytes < room.bytes && self.groups.len() < room.groups {
            match self.segments.next_block() {
                Ok(Some(passage)) => self.pass(passage, &mut step)?,
                Ok(None) => {
                    step.caught_up = true;
                    break;
                }
                Err(error @ ReadError::Damaged { .. }) => survive(error)?,
                Err(error @ ReadError::File { .. }) => self.leave_unreadable(error, &mut step)?,
            }
        }
        self.sync(&step)?;
        (step.fold.usage, step.fold.uses) = self.groups.take();
        step.all_unreadable.clone_from(&self.unreadable);
        step.rest = self.rest()?;
        Ok(step)
    }

    /// Bytes and segments that have not been read.
    pub(super) fn rest(&self) -> Result<(u64, u64), ReadError> {
        self.segments.rest()
    }

    fn pass(&mut self, passage: Passage, step: &mut Step) -> Result<(), ReadError> {
        while let Some(record) = self.segments.next_in_block() {
            match record {
                Ok(record) => {
                    let Some(event) = record.event() else { continue };
                    let began_us = event.ts_us.saturating_sub(event.latency_us);
                    if self.databases.gives(self.database, record.ring.boot, began_us) {
                        self.groups.add(&event);
                        step.records += 1;
                    }
                }
                Err(damage) => survive(damage)?,
            }
        }
        if let Some(place) = self.segments.place() {
            self.advance(place, step);
        }
        if passage == Passage::SegmentEnd {
            self.sync(step)?;
            step.passed =
                self.segments.path().and_then(Path::file_name).map(Into::into).or(step.passed.take());
        }
        Ok(())
    }

    /// A segment that cannot be read keeps its mark and is read later; what is behind it does not wait.
    fn leave_unreadable(&mut self, error: ReadError, step: &mut Step) -> Result<(), ReadError> {
        self.sync(step)?;
        let (path, error) = self.segments.leave_unreadable(error)?;
        tracing::error!(segment = %path.display(), %error, "a segment cannot be read and is not in the usage; it is tried again");
        if let Some(name) = path.file_name() {
            self.unreadable.insert(name.into());
            step.unreadable.push(name.into());
        }
        Ok(())
    }

    /// Moves the mark of a segment to where the reading is.
    fn advance(&mut self, place: RecordPlace, step: &mut Step) {
        let RecordPlace { segment, offset: to } = place;
        let from = self.marks.get(&segment).copied().unwrap_or(0);
        if from == to {
            return;
        }
        match step.fold.advances.last_mut().filter(|last| last.segment == segment) {
            Some(last) => last.to = to,
            None => step.fold.advances.push(Advance { segment, from, to }),
        }
        step.bytes += to.saturating_sub(from);
        self.marks.insert(segment, to);
    }

    /// Syncs the segment it is in, if the step counts anything of it.
    fn sync(&self, step: &Step) -> Result<(), ReadError> {
        let last = step.fold.advances.last().map(|advance| advance.segment);
        if last.is_some() && last == self.segments.place().map(|place| place.segment) {
            self.segments.sync()?;
        }
        Ok(())
    }
}

/// Damage costs what is damaged.
fn survive(error: ReadError) -> Result<(), ReadError> {
    match error {
        ReadError::Damaged { path, offset, what } => {
            tracing::error!(segment = %path.display(), offset, what, "a damaged place of the journal is not in the usage");
            Ok(())
        }
        error @ ReadError::File { .. } => Err(error),
    }
}
