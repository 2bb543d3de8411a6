//! Reads one segment with plain reads and bounded memory, whether it is sealed, live, or damaged.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lockgate_event::segment::{
    BLOCK_HEADER_BYTES, BlockHeader, Checked, FOOTER_PAYLOAD_BYTES_MAX, FRAME_HEADER_BYTES,
    HEADER_FIXED_BYTES, READ_BYTES, Source, Step, TRAILER_BYTES, Walker,
};

use super::errors::read_past_errors;
use super::{Footer, SegmentHeader, created_of_name};
use crate::batch::{RawRecord, RecordPlace};
use crate::error::ReadError;

/// Reads the records of one segment in their order.
#[derive(Debug)]
pub struct SegmentReader {
    file: File,
    path: PathBuf,
    /// `None` when it is damaged.
    header: Option<SegmentHeader>,
    walker: Walker,
    window: Window,
    next_record: usize,
    errors: Errors,
}

/// What becomes of bytes that the disk cannot give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Nothing is read.
    Fail,
    /// They are taken for damaged: zeros.
    Damage,
}

impl SegmentReader {
    /// Opens a segment.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is too short to hold a record. A damaged header is no error here, it is the first damage to be named.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::open_with(path, Errors::Fail)
    }

    pub(crate) fn open_with(path: &Path, errors: Errors) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(ReadError::file(path))?;
        let mut start = Window::default();
        let read = Walker::start(&mut View { file: &file, window: &mut start, read_bytes: 0, errors });
        let (walker, header) = read.map_err(ReadError::file(path))?;
        if header.is_none() && start.bytes.len() < HEADER_FIXED_BYTES {
            return Err(ReadError::Damaged {
                path: path.into(),
                offset: 0,
                what: "it ends within its header",
            });
        }
        Ok(Self {
            file,
            path: path.into(),
            header,
            walker,
            window: Window::default(),
            next_record: 0,
            errors,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When the segment was made, microseconds since 1970-01-01T00:00:00Z; its number in a [`RecordPlace`]. Its name says so too, in case the
    /// header is damaged.
    #[must_use]
    pub fn created_us(&self) -> u64 {
        let named = || self.path.file_name().and_then(|name| created_of_name(name.to_str()?));
        self.header.as_ref().map(|header| header.created_us).or_else(named).unwrap_or(0)
    }

    /// Memory held for the file's content, bytes: bounded by the largest block, however large the segment.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.window.bytes.capacity()
    }

    /// What the first bytes say; `None` when they are damaged.
    pub(crate) fn header(&self) -> Option<&SegmentHeader> {
        self.header.as_ref()
    }

    /// Start of the block that comes next, which is the end of the last whole one.
    pub(crate) fn offset(&self) -> u64 {
        self.walker.offset()
    }

    /// What the segment holds, if it is sealed; reads only its end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is sealed by a footer that is damaged.
    pub fn footer(&self) -> Result<Option<Footer>, ReadError> {
        let Some(offset) = self.footer_offset()? else { return Ok(None) };
        let damaged = || ReadError::Damaged {
            path: self.path.clone(),
            offset,
            what: "the footer is not what was written",
        };
        let mut head = [0; BLOCK_HEADER_BYTES];
        self.errors.read(&self.file, &mut head, offset).map_err(ReadError::file(&self.path))?;
        let header = BlockHeader::parse(&head).ok_or_else(damaged)?;
        let mut payload = vec![0; (header.payload_bytes as usize).min(FOOTER_PAYLOAD_BYTES_MAX)];
        self.errors
            .read(&self.file, &mut payload, offset + BLOCK_HEADER_BYTES as u64)
            .map_err(ReadError::file(&self.path))?;
        Footer::parse(&header, &payload).map(Some).ok_or_else(damaged)
    }

    /// Where the footer of a sealed segment is.
    pub(crate) fn footer_offset(&self) -> Result<Option<u64>, ReadError> {
        self.find_footer().map_err(ReadError::file(&self.path))
    }

    fn find_footer(&self) -> io::Result<Option<u64>> {
        let length = self.file.metadata()?.len();
        let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
        let mut trailer = [0; TRAILER_BYTES];
        self.errors.read(&self.file, &mut trailer, at)?;
        Ok(Footer::offset_of(&trailer).filter(|&offset| offset < at))
    }

    /// The next record; `None` at the end of what is whole. A live segment may have more later.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is damaged; the next call goes on behind the damage.
    pub fn next_record(&mut self) -> Result<Option<RawRecord<'_>>, ReadError> {
        while self.next_record >= self.walker.records().len() {
            match self.next_block()? {
                Step::Block => {}
                Step::End | Step::Sealed => return Ok(None),
                Step::Damaged { offset, what } => {
                    return Err(ReadError::Damaged { path: self.path.clone(), offset, what });
                }
            }
        }
        let at = self.next_record;
        self.next_record += 1;
        let Some(record) = self.record_at(at) else {
            return Err(ReadError::Damaged {
                path: self.path.clone(),
                offset: self.offset_of(at),
                what: "a record's checksum is wrong",
            });
        };
        Ok(Some(record))
    }

    /// The records of the current block.
    pub(crate) fn checked(&self) -> &[Checked] {
        self.walker.records()
    }

    /// A record of the current block; `None` when its checksum is wrong.
    pub(crate) fn record_at(&self, index: usize) -> Option<RawRecord<'_>> {
        let (block, _) = self.walker.block()?;
        let checked = self.checked().get(index).filter(|checked| checked.sound)?;
        let offset = self.offset_of(index);
        Some(RawRecord {
            bytes: self.window.get(offset + FRAME_HEADER_BYTES as u64, checked.length as usize)?,
            ring: block.ring,
            ring_position: block.ring_position + u64::from(checked.offset),
            place: RecordPlace { segment: self.created_us(), offset },
        })
    }

    /// Offset in the file of a record of the current block.
    pub(crate) fn offset_of(&self, index: usize) -> u64 {
        let payload =
            self.walker.block().map_or(self.offset(), |(_, start)| start + BLOCK_HEADER_BYTES as u64);
        payload + self.checked().get(index).map_or(0, |record| record.offset.into())
    }

    /// Goes to the block at `offset`.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.leave_block();
        self.walker.go_to(offset);
    }

    /// Makes durable what has been written to the segment.
    pub(crate) fn sync(&self) -> Result<(), ReadError> {
        self.file.sync_data().map_err(ReadError::file(&self.path))
    }

    /// Forgets what it has read, and looks again at the block at `offset`.
    pub(crate) fn again_from(&mut self, offset: u64) -> Result<Step, ReadError> {
        self.walker.go_to(offset);
        self.window.bytes.clear();
        self.next_block()
    }

    /// The current block, its offset and its payload.
    pub(crate) fn block(&self) -> Option<(&BlockHeader, u64, &[u8])> {
        let (block, start) = self.walker.block()?;
        let payload = self.window.get(start + BLOCK_HEADER_BYTES as u64, block.payload_bytes as usize)?;
        Some((block, *start, payload))
    }

    /// Makes the next block current.
    pub(crate) fn next_block(&mut self) -> Result<Step, ReadError> {
        self.leave_block();
        self.settled_step().map_err(|source| ReadError::File { path: self.path.clone(), source })
    }

    /// A step that holds: what looks like damage while the file grows may be a block that was being written when its start was read and
    /// was followed by another one before its end was looked for.
    fn settled_step(&mut self) -> io::Result<Step> {
        let before = self.offset();
        let mut step = self.step()?;
        while matches!(step, Step::Damaged { .. }) {
            let length = self.file.metadata()?.len();
            self.walker.go_to(before);
            self.window.bytes.clear();
            step = self.step()?;
            if self.file.metadata()?.len() == length {
                break;
            }
        }
        Ok(step)
    }

    fn step(&mut self) -> io::Result<Step> {
        let (window, errors) = (&mut self.window, self.errors);
        let mut view = View { file: &self.file, window, read_bytes: READ_BYTES, errors };
        let step = self.walker.step(&mut view)?;
        if step == Step::End {
            // What is not whole now may be different bytes the next time.
            self.window.bytes.clear();
        }
        Ok(step)
    }

    /// Has no current block any more.
    pub(crate) fn leave_block(&mut self) {
        self.walker.leave();
        self.next_record = 0;
    }
}

/// Some of the file's bytes.
#[derive(Debug, Default)]
struct Window {
    /// Where they start in the file.
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `length` bytes at `offset`, if they are all here.
    fn get(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..start.checked_add(length)?)
    }
}

/// A file seen through a window.
struct View<'a> {
    file: &'a File,
    window: &'a mut Window,
    /// Least to fetch at once, bytes.
    read_bytes: usize,
    errors: Errors,
}

impl Errors {
    fn read(self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Fail => read_up_to(file, bytes, offset),
            Self::Damage => {
                let length = file.metadata()?.len();
                read_past_errors(bytes, offset, length, |bytes, offset| file.read_at(bytes, offset))
            }
        }
    }
}

impl Source for View<'_> {
    type Error = io::Error;

    fn bytes_at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let window = &mut *self.window;
        if window.get(offset, wanted).is_none() {
            window.bytes.resize(wanted.max(self.read_bytes), 0);
            let read = self.errors.read(self.file, &mut window.bytes, offset)?;
            window.bytes.truncate(read);
            window.start = offset;
        }
        let start = (offset - window.start) as usize;
        let end = (start + wanted).min(window.bytes.len());
        Ok(&window.bytes[start..end])
    }
}

/// Fills `bytes` from `offset` on as far as the file goes; returns how far.
pub(crate) fn read_up_to(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
