//! The way through the segments of a directory: from one to the next, each record once.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::SECOND_LOOK;
use crate::batch::{RawRecord, RecordPlace};
use crate::data_dir::journal_dir;
use crate::error::ReadError;
use crate::segment::{self, Errors, Footer, RingId, SegmentReader, Step};

/// Segments read to their end whose ring positions a resumed reader looks at. A record can be in two segments only when they follow each
/// other, or with a start between them that wrote nothing.
const LOOK_BACK: usize = 8;

/// Reads the segments of a data directory in their order, block by block, and can go on later from where it was. Rings are not looked at.
#[derive(Debug)]
pub struct SegmentsReader {
    dir: PathBuf,
    /// Where to go on, by segment.
    marks: HashMap<u64, u64>,
    /// For each ring, the position up to which its records have been shown.
    pub(super) shown: HashMap<RingId, u64>,
    current: Option<SegmentReader>,
    /// Nothing more will come in `current`.
    ended: bool,
    /// Name of the last segment that was opened or passed over.
    pub(super) last: Option<PathBuf>,
    /// Segments that are passed over when it is their turn.
    unwanted: HashSet<PathBuf>,
    /// Names of segments in which a place that the disk cannot give counts as damaged.
    past_errors: HashSet<OsString>,
    next_in_block: usize,
}

/// What a [`SegmentsReader`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A block, whose records are next.
    Block,
    /// The end of a segment in which nothing more will come.
    SegmentEnd,
}

impl SegmentsReader {
    /// Starts at the oldest segment of a data directory.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self {
            dir: journal_dir(data_dir),
            marks: HashMap::new(),
            shown: HashMap::new(),
            current: None,
            ended: false,
            last: None,
            unwanted: HashSet::new(),
            past_errors: HashSet::new(),
            next_in_block: 0,
        }
    }

    /// In the segments of these names, what the disk cannot give counts as damaged, instead of ending their reading.
    #[must_use]
    pub fn reading_past_errors(self, past_errors: HashSet<OsString>) -> Self {
        Self { past_errors, ..self }
    }

    /// Goes on from marks, each a segment and the offset behind its last block that has been read ([`SegmentsReader::place`]). What the
    /// segments hold before their marks is only looked at to know a record that comes again.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn resume(data_dir: &Path, marks: HashMap<u64, u64>) -> Result<Self, ReadError> {
        let mut reader = Self { marks, ..Self::new(data_dir) };
        let paths = reader.segments()?;
        let read_to_the_end = paths.iter().take_while(|path| reader.is_read_to_its_end(path)).count();
        reader.last = read_to_the_end.checked_sub(LOOK_BACK + 1).and_then(|at| paths.get(at).cloned());
        Ok(reader)
    }

    /// Goes to the next block or the end of a segment; `None` when there is nothing more for now.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is damaged. The next call goes on behind the damage, and with the segment behind one that could not be
    /// opened; where it could not be read on, the same is tried again, unless it is left ([`SegmentsReader::leave_unreadable`]).
    pub fn next_block(&mut self) -> Result<Option<Passage>, ReadError> {
        if self.ended {
            self.current = None;
            self.ended = false;
        }
        if self.current.is_none() && !self.open_next()? {
            return Ok(None);
        }
        match self.settled_block()? {
            Step::End if self.following()?.is_none() => Ok(None),
            // More may have come between the last look at this segment and the look at the directory.
            Step::End => match self.settled_block()? {
                Step::End => Ok(Some(self.at_end())),
                step => self.passage(step).map(Some),
            },
            step => self.passage(step).map(Some),
        }
    }

    /// Passes over what is left of the segment that cannot be read, and says which one that is and why.
    ///
    /// # Errors
    ///
    /// What is no failure of this segment.
    pub fn leave_unreadable(&mut self, error: ReadError) -> Result<(PathBuf, io::Error), ReadError> {
        match error {
            ReadError::File { path, source } if self.last.as_ref() == Some(&path) => {
                self.current = None;
                self.ended = false;
                Ok((path, source))
            }
            error => Err(error),
        }
    }

    /// The next record of the block that has not been shown; `None` at its end.
    ///
    /// # Errors
    ///
    /// When a record is damaged; the next call goes on behind it.
    pub fn next_in_block(&mut self) -> Option<Result<RawRecord<'_>, ReadError>> {
        loop {
            let current = self.current.as_ref()?;
            let index = self.next_in_block;
            if index >= current.checked().len() {
                return None;
            }
            self.next_in_block += 1;
            let Some(record) = current.record_at(index) else {
                let offset = current.offset_of(index);
                return Some(Err(self.damaged(offset, "a record's checksum is wrong")));
            };
            let shown = self.shown.entry(record.ring).or_insert(0);
            if record.ring_position >= *shown {
                *shown = record.ring_end();
                break;
            }
        }
        self.current.as_ref()?.record_at(self.next_in_block - 1).map(Ok)
    }

    /// The segment it is in and the end of its last block that was come to: a mark, once the block's records have been read.
    #[must_use]
    pub fn place(&self) -> Option<RecordPlace> {
        let current = self.current.as_ref()?;
        Some(RecordPlace { segment: current.created_us(), offset: current.offset() })
    }

    /// The file it is in.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.current.as_ref().map(SegmentReader::path)
    }

    /// Makes what it has read of this segment safe from a crash of the machine, its name included.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), ReadError> {
        let Some(current) = &self.current else { return Ok(()) };
        current.sync()?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(ReadError::file(&self.dir))
    }

    /// Bytes of the segments from this one on that have not been come to, and the number of those segments.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn rest(&self) -> Result<(u64, u64), ReadError> {
        let current = self.current.as_ref().filter(|_| !self.ended);
        let mut rest = (0, 0);
        for path in self.segments()? {
            let is_current = current.is_some_and(|current| current.path() == path);
            if !is_current && self.last.as_ref().is_some_and(|last| path <= *last) {
                continue;
            }
            let offset = if is_current { current.map_or(0, SegmentReader::offset) } else { 0 };
            let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len());
            rest = (rest.0 + bytes.saturating_sub(offset), rest.1 + 1);
        }
        Ok(rest)
    }

    fn passage(&mut self, step: Step) -> Result<Passage, ReadError> {
        match step {
            Step::Block => {
                self.next_in_block = 0;
                Ok(Passage::Block)
            }
            Step::Sealed | Step::End => Ok(self.at_end()),
            Step::Damaged { offset, what } => Err(self.damaged(offset, what)),
        }
    }

    fn at_end(&mut self) -> Passage {
        self.ended = true;
        Passage::SegmentEnd
    }

    /// Makes the next block of the current segment current. What looks damaged in the live segment may be in the middle of being written,
    /// so it gets a second look.
    fn settled_block(&mut self) -> Result<Step, ReadError> {
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

    /// Opens the segment that follows; false when there is none.
    fn open_next(&mut self) -> Result<bool, ReadError> {
        while let Some(path) = self.following()? {
            // Passed over from now on, whatever happens: a file that cannot be read must not stop what follows.
            self.last = Some(path.clone());
            if self.unwanted.contains(&path) {
                continue;
            }
            let is_past_errors = path.file_name().is_some_and(|name| self.past_errors.contains(name));
            let errors = if is_past_errors { Errors::Damage } else { Errors::Fail };
            match SegmentReader::open_with(&path, errors) {
                Ok(segment) => {
                    self.enter(segment)?;
                    return Ok(true);
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Starts on a segment. What its header says to be in earlier ones has been shown, or passed over on purpose.
    fn enter(&mut self, segment: SegmentReader) -> Result<(), ReadError> {
        let mark = self.marks.get(&segment.created_us()).copied();
        self.show_to(segment.header().into_iter().flat_map(|header| &header.positions));
        self.next_in_block = 0;
        self.current = Some(match mark {
            Some(mark) => self.behind(segment, mark)?,
            None => segment,
        });
        Ok(())
    }

    /// Goes behind what stands before a mark.
    fn behind(&mut self, mut segment: SegmentReader, mark: u64) -> Result<SegmentReader, ReadError> {
        if segment.footer_offset()? == Some(mark)
            && let Ok(Some(footer)) = segment.footer()
        {
            self.show_to(footer.positions.iter());
            segment.skip_to(mark);
            return Ok(segment);
        }
        while segment.offset() < mark {
            match segment.next_block()? {
                Step::Block => {
                    let last = (0..segment.checked().len()).rev().find_map(|index| segment.record_at(index));
                    if let Some(last) = last {
                        let shown = self.shown.entry(last.ring).or_insert(0);
                        *shown = (*shown).max(last.ring_end());
                    }
                }
                Step::Damaged { .. } => {}
                Step::Sealed | Step::End => break,
            }
        }
        if segment.offset() != mark {
            let (path, end) = (segment.path().display(), segment.offset());
            tracing::error!(segment = %path, mark, end, "a segment is not the one that was read before");
        }
        segment.leave_block();
        Ok(segment)
    }

    fn show_to<'a>(&mut self, positions: impl Iterator<Item = &'a (RingId, u64)>) {
        for (ring, position) in positions {
            let shown = self.shown.entry(*ring).or_insert(0);
            *shown = (*shown).max(*position);
        }
    }

    fn is_read_to_its_end(&self, path: &Path) -> bool {
        let opened = SegmentReader::open(path);
        opened.is_ok_and(|segment| match self.marks.get(&segment.created_us()) {
            Some(mark) => segment.footer_offset().is_ok_and(|offset| offset == Some(*mark)),
            None => false,
        })
    }

    /// The oldest segment behind the last one opened or passed over.
    fn following(&self) -> Result<Option<PathBuf>, ReadError> {
        let last = self.last.as_deref();
        Ok(self.segments()?.into_iter().find(|path| last.is_none_or(|last| path.as_path() > last)))
    }

    pub(super) fn segments(&self) -> Result<Vec<PathBuf>, ReadError> {
        match segment::list(&self.dir).map_err(ReadError::file(&self.dir)) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            listed => listed,
        }
    }

    /// Passes over sealed segments that are not wanted.
    pub(super) fn pass_over(&mut self, is_wanted: &dyn Fn(&Footer) -> bool) -> Result<(), ReadError> {
        for path in self.segments()? {
            let footer = SegmentReader::open(&path).and_then(|segment| segment.footer());
            if matches!(footer, Ok(Some(footer)) if !is_wanted(&footer)) {
                self.unwanted.insert(path);
            }
        }
        Ok(())
    }

    /// Passes over sealed segments whose last record was made before `us`.
    pub(super) fn skip_before(&mut self, us: u64) -> Result<(), ReadError> {
        for path in self.segments()? {
            let footer = SegmentReader::open(&path).and_then(|segment| segment.footer());
            if !matches!(footer, Ok(Some(footer)) if footer.ts_us.is_none_or(|(_, last)| last < us)) {
                break;
            }
            self.last = Some(path);
        }
        Ok(())
    }
}
