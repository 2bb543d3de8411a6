//! Reads one segment with plain reads and bounded memory, whether it is sealed, live, or damaged.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind, FOOTER_PAYLOAD_BYTES_MAX, frames};
use super::footer::TRAILER_BYTES;
use super::header::FIXED_BYTES;
use super::{Footer, SegmentHeader, created_of_name};
use crate::batch::{RawRecord, RecordPlace};
use crate::error::ReadError;
use crate::ring::frame_bytes;

/// Bytes fetched at once when nothing larger is asked for.
const READ_BYTES: usize = 256 << 10;

/// Where a record of the current block is, and whether its checksum holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    /// Frame's distance from the start of the payload, bytes.
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) sound: bool,
}

/// What comes next in a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A whole block is current.
    Block,
    /// Nothing more for now: the file ends here, or with something not whole.
    End,
    /// The segment is sealed and has been read.
    Sealed,
    /// Something is wrong at `offset`; the next call goes on behind it.
    Damaged { offset: u64, what: &'static str },
}

/// Reads the records of one segment in their order.
#[derive(Debug)]
pub struct SegmentReader {
    file: File,
    path: PathBuf,
    /// `None` when it is damaged.
    header: Option<SegmentHeader>,
    /// Start of the block to read next.
    offset: u64,
    window: Vec<u8>,
    window_start: u64,
    current: Option<(BlockHeader, u64)>,
    records: Vec<Checked>,
    next_record: usize,
}

impl SegmentReader {
    /// Opens a segment.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is too short to hold a record. A damaged header is no error here, it is the first damage to be named.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(ReadError::file(path))?;
        let mut start = vec![0; FIXED_BYTES];
        let header = Self::read_header(&file, &mut start).map_err(ReadError::file(path))?;
        if header.is_none() && start.len() < FIXED_BYTES {
            return Err(ReadError::Damaged {
                path: path.into(),
                offset: 0,
                what: "it ends within its header",
            });
        }
        Ok(Self {
            file,
            path: path.into(),
            offset: if header.is_some() { start.len() as u64 } else { 0 },
            header,
            window: Vec::new(),
            window_start: 0,
            current: None,
            records: Vec::new(),
            next_record: 0,
        })
    }

    fn read_header(file: &File, start: &mut Vec<u8>) -> io::Result<Option<SegmentHeader>> {
        let read = read_up_to(file, start, 0)?;
        start.truncate(read);
        let Some(length) = SegmentHeader::length_of(start) else { return Ok(None) };
        start.resize(length, 0);
        if read_up_to(file, start, 0)? < length {
            return Ok(None);
        }
        Ok(SegmentHeader::parse(start))
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
        self.window.capacity()
    }

    /// What the first bytes say; `None` when they are damaged.
    pub(crate) fn header(&self) -> Option<&SegmentHeader> {
        self.header.as_ref()
    }

    /// Start of the block that comes next, which is the end of the last whole one.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
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
        read_up_to(&self.file, &mut head, offset).map_err(ReadError::file(&self.path))?;
        let header = BlockHeader::parse(&head).ok_or_else(damaged)?;
        let mut payload = vec![0; (header.payload_bytes as usize).min(FOOTER_PAYLOAD_BYTES_MAX)];
        read_up_to(&self.file, &mut payload, offset + BLOCK_HEADER_BYTES as u64)
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
        read_up_to(&self.file, &mut trailer, at)?;
        Ok(Footer::offset_of(&trailer).filter(|&offset| offset < at))
    }

    /// The next record; `None` at the end of what is whole. A live segment may have more later.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is damaged; the next call goes on behind the damage.
    pub fn next_record(&mut self) -> Result<Option<RawRecord<'_>>, ReadError> {
        while self.next_record >= self.records.len() {
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
        &self.records
    }

    /// A record of the current block; `None` when its checksum is wrong.
    pub(crate) fn record_at(&self, index: usize) -> Option<RawRecord<'_>> {
        let (block, start) = self.current.as_ref()?;
        let checked = self.records.get(index).filter(|checked| checked.sound)?;
        let payload = start + BLOCK_HEADER_BYTES as u64;
        let offset = payload + checked.offset as u64;
        let in_window = (offset - self.window_start) as usize + crate::ring::FRAME_HEADER_BYTES;
        Some(RawRecord {
            bytes: self.window.get(in_window..in_window + checked.length)?,
            ring: block.ring,
            ring_position: block.ring_position + checked.offset as u64,
            place: RecordPlace { segment: self.created_us(), offset },
        })
    }

    /// Offset in the file of a record of the current block.
    pub(crate) fn offset_of(&self, index: usize) -> u64 {
        let payload = self.current.map_or(self.offset, |(_, start)| start + BLOCK_HEADER_BYTES as u64);
        payload + self.records.get(index).map_or(0, |record| record.offset as u64)
    }

    /// Goes to the block at `offset`.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.leave_block();
        self.offset = offset;
    }

    /// Makes durable what has been written to the segment.
    pub(crate) fn sync(&self) -> Result<(), ReadError> {
        self.file.sync_data().map_err(ReadError::file(&self.path))
    }

    /// Forgets what it has read, and looks again at the block at `offset`.
    pub(crate) fn again_from(&mut self, offset: u64) -> Result<Step, ReadError> {
        self.offset = offset;
        self.window.clear();
        self.next_block()
    }

    /// The current block, its offset and its payload.
    pub(crate) fn block(&self) -> Option<(&BlockHeader, u64, &[u8])> {
        let (block, start) = self.current.as_ref()?;
        let payload = (start - self.window_start) as usize + BLOCK_HEADER_BYTES;
        Some((block, *start, self.window.get(payload..payload + block.payload_bytes as usize)?))
    }

    /// Makes the next block current.
    pub(crate) fn next_block(&mut self) -> Result<Step, ReadError> {
        self.leave_block();
        self.settled_step().map_err(|source| ReadError::File { path: self.path.clone(), source })
    }

    /// A step that holds: what looks like damage while the file grows may be a block that was being written when its start was read and
    /// was followed by another one before its end was looked for.
    fn settled_step(&mut self) -> io::Result<Step> {
        let before = self.offset;
        let mut step = self.step()?;
        while matches!(step, Step::Damaged { .. }) {
            let length = self.file.metadata()?.len();
            self.offset = before;
            self.window.clear();
            step = self.step()?;
            if self.file.metadata()?.len() == length {
                break;
            }
        }
        Ok(step)
    }

    /// Has no current block any more.
    pub(crate) fn leave_block(&mut self) {
        self.current = None;
        self.records.clear();
        self.next_record = 0;
    }

    fn step(&mut self) -> io::Result<Step> {
        let start = self.offset;
        if start == 0 {
            return self.skip_damage(start, "it does not start like a segment");
        }
        let head = self.bytes_at(start, BLOCK_HEADER_BYTES)?;
        if head.len() < BLOCK_HEADER_BYTES {
            return Ok(self.nothing_more());
        }
        let Some(block) = BlockHeader::parse(head) else {
            return self.skip_damage(start, "no block starts here");
        };
        let whole = block.block_bytes() as usize;
        let bytes = self.bytes_at(start, whole)?;
        if bytes.len() < whole {
            // A header that was torn with its payload looks the same as one being written, unless another block follows it.
            return self.skip_damage(start, "the block is not whole");
        }
        let payload = &bytes[BLOCK_HEADER_BYTES..];
        if block.kind == BlockKind::Footer {
            return match Footer::parse(&block, payload) {
                Some(_) => Ok(Step::Sealed),
                None => self.skip_damage(start, "the footer is not what was written"),
            };
        }
        let records = check_frames(payload);
        if records.iter().any(|record| !record.sound) {
            return self.block_with_damage(block, records);
        }
        self.enter(block, records);
        Ok(Step::Block)
    }

    fn enter(&mut self, block: BlockHeader, records: Vec<Checked>) {
        self.current = Some((block, self.offset));
        self.records = records;
        self.offset += block.block_bytes();
    }

    /// A block whose bytes are all there, but not all of them right. At the end of the file it may be one being written over a torn one.
    fn block_with_damage(&mut self, block: BlockHeader, records: Vec<Checked>) -> io::Result<Step> {
        let end = self.offset + block.block_bytes();
        if self.bytes_at(end, 1)?.is_empty() {
            return Ok(self.nothing_more());
        }
        // The bytes asked for last may have moved the window; records are looked up in the whole block.
        let whole = block.block_bytes() as usize;
        self.bytes_at(self.offset, whole)?;
        self.enter(block, records);
        Ok(Step::Block)
    }

    /// Finds the next whole block header behind damage; if there is none, nothing has been damaged yet.
    fn skip_damage(&mut self, start: u64, what: &'static str) -> io::Result<Step> {
        let mut at = start + 8;
        loop {
            let bytes = self.bytes_at(at, READ_BYTES)?;
            if bytes.len() < BLOCK_HEADER_BYTES {
                return Ok(self.nothing_more());
            }
            let candidates = bytes.len() - BLOCK_HEADER_BYTES;
            let found =
                (0..=candidates).step_by(8).find(|&skip| BlockHeader::parse(&bytes[skip..]).is_some());
            if let Some(skip) = found {
                self.offset = at + skip as u64;
                return Ok(Step::Damaged { offset: start, what });
            }
            at += (candidates / 8 * 8 + 8) as u64;
        }
    }

    fn nothing_more(&mut self) -> Step {
        // What is not whole now may be different bytes the next time.
        self.window.clear();
        Step::End
    }

    /// Up to `wanted` bytes at `offset`; fewer at the end of the file.
    fn bytes_at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let in_window = offset >= self.window_start
            && offset + wanted as u64 <= self.window_start + self.window.len() as u64;
        if !in_window {
            self.window.resize(wanted.max(READ_BYTES), 0);
            let read = read_up_to(&self.file, &mut self.window, offset)?;
            self.window.truncate(read);
            self.window_start = offset;
        }
        let start = (offset - self.window_start) as usize;
        let end = (start + wanted).min(self.window.len());
        Ok(&self.window[start..end])
    }
}

/// Finds the records of a payload. Where a length leads nowhere, what is left counts as one that is not sound.
fn check_frames(payload: &[u8]) -> Vec<Checked> {
    let mut records: Vec<_> = frames(payload)
        .map(|frame| Checked { offset: frame.offset, length: frame.record.len(), sound: frame.is_sound() })
        .collect();
    let covered = records.last().map_or(0, |last| last.offset + frame_bytes(last.length));
    if covered < payload.len() {
        records.push(Checked { offset: covered, length: 0, sound: false });
    }
    records
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
