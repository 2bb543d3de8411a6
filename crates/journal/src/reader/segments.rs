//! The reader's way through the segments of a directory.

use std::path::PathBuf;

use super::{JournalReader, SECOND_LOOK, StoredRecord};
use crate::data_dir::journal_dir;
use crate::error::ReadError;
use crate::segment::{self, SegmentReader, Step};

impl JournalReader {
    /// The next record of the segments that has not been shown; `None` at their end.
    pub(super) fn next_in_segments(&mut self) -> Result<Option<StoredRecord>, ReadError> {
        loop {
            if let Some(found) = self.next_in_block() {
                return found.map(Some);
            }
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            match self.next_block()? {
                Step::Block => self.next_in_block = 0,
                Step::Sealed => self.current = None,
                Step::Damaged { offset, what } => return Err(self.damaged(offset, what)),
                Step::End => {
                    if !self.leave_abandoned()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn next_in_block(&mut self) -> Option<Result<StoredRecord, ReadError>> {
        let current = self.current.as_ref()?;
        while self.next_in_block < current.checked().len() {
            let index = self.next_in_block;
            self.next_in_block += 1;
            let Some(record) = current.record_at(index) else {
                let offset = current.offset_of(index);
                return Some(Err(self.damaged(offset, "a record's checksum is wrong")));
            };
            let shown = self.shown.entry(record.ring).or_insert(0);
            if record.ring_position >= *shown {
                *shown = record.ring_end();
                return Some(Ok(StoredRecord::of(record)));
            }
        }
        None
    }

    /// Makes the next block of the current segment current. What looks damaged in the live segment may be in the middle of being written,
    /// so it gets a second look.
    fn next_block(&mut self) -> Result<Step, ReadError> {
        let Some(current) = &mut self.current else { return Ok(Step::End) };
        let before = current.offset();
        let step = current.next_block()?;
        let suspicious = match step {
            Step::Damaged { .. } => true,
            Step::Block => current.checked().iter().any(|record| !record.sound),
            Step::End | Step::Sealed => false,
        };
        if !suspicious || self.following()?.is_some() {
            return Ok(step);
        }
        std::thread::sleep(SECOND_LOOK);
        match &mut self.current {
            Some(current) => current.again_from(before),
            None => Ok(step),
        }
    }

    fn damaged(&self, offset: u64, what: &'static str) -> ReadError {
        let path = self.current.as_ref().map_or_else(PathBuf::new, |current| current.path().into());
        ReadError::Damaged { path, offset, what }
    }

    /// At the end of a segment without a footer: if another one follows, nothing more will come here.
    fn leave_abandoned(&mut self) -> Result<bool, ReadError> {
        if self.following()?.is_none() {
            return Ok(false);
        }
        // More may have come between the last look at this segment and the look at the directory.
        match self.next_block()? {
            Step::Block => self.next_in_block = 0,
            Step::End | Step::Sealed => self.current = None,
            Step::Damaged { offset, what } => return Err(self.damaged(offset, what)),
        }
        Ok(true)
    }

    /// Opens the segment that follows; false when there is none.
    fn open_next(&mut self) -> Result<bool, ReadError> {
        while let Some(path) = self.following()? {
            // Passed over from now on, whatever happens: a file that cannot be read must not stop what follows.
            self.last = Some(path.clone());
            match SegmentReader::open(&path) {
                Ok(segment) => {
                    self.enter(segment);
                    return Ok(true);
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Starts on a segment. What its header says to be in earlier ones has been shown, or passed over on purpose.
    fn enter(&mut self, segment: SegmentReader) {
        for (ring, position) in segment.header().into_iter().flat_map(|header| &header.positions) {
            let shown = self.shown.entry(*ring).or_insert(0);
            *shown = (*shown).max(*position);
        }
        self.current = Some(segment);
        self.next_in_block = 0;
    }

    /// The oldest segment behind the last one opened or passed over.
    fn following(&self) -> Result<Option<PathBuf>, ReadError> {
        let last = self.last.as_deref();
        Ok(self.segments()?.into_iter().find(|path| last.is_none_or(|last| path.as_path() > last)))
    }

    fn segments(&self) -> Result<Vec<PathBuf>, ReadError> {
        let dir = journal_dir(&self.data_dir);
        match segment::list(&dir).map_err(ReadError::file(dir)) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            listed => listed,
        }
    }

    /// Passes over sealed segments whose last record was made before `us`.
    pub(super) fn skip_segments_before(&mut self, us: u64) -> Result<(), ReadError> {
        for path in self.segments()? {
            let footer = SegmentReader::open(&path).and_then(|segment| segment.footer());
            if !matches!(footer, Ok(Some(footer)) if footer.ts_us.is_none_or(|(_, last)| last < us)) {
                break;
            }
            self.last = Some(path);
        }
        Ok(())
    }

    /// Passes over everything there is.
    pub(super) fn skip_to_end(&mut self) -> Result<(), ReadError> {
        let mut paths = self.segments()?;
        paths.pop();
        self.last = paths.pop();
        while let Some(passed) = self.next_record() {
            if let Err(error @ ReadError::File { .. }) = passed {
                return Err(error);
            }
        }
        Ok(())
    }
}
