//! Rings as files: those of a running gateway, looked at from outside, and those a dead one left.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::map::{RING_MAGIC, offset};
use crate::ring::RING_BYTES_MAX;
use crate::segment::{RingId, frames, read_up_to};

/// A ring file, open for plain reads.
pub(crate) struct RingFile {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) ring: RingId,
    header_bytes: u64,
    capacity: u64,
}

/// Positions of a ring at one moment, bytes since it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positions {
    pub(crate) head: u64,
    pub(crate) tail: u64,
}

/// Records of a ring that were not yet in a segment when they were looked at.
pub(crate) struct Snapshot {
    pub(crate) ring: RingId,
    /// Position of the first byte.
    pub(crate) start: u64,
    /// Whole frames, without checksums.
    pub(crate) bytes: Vec<u8>,
}

impl RingFile {
    /// Opens a ring; `None` when the file is none, or its maker did not get to the end of its header.
    pub(crate) fn open(path: &Path, ring: RingId, node: u64) -> io::Result<Option<Self>> {
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)?;
        let header = read_header(&file)?;
        let (header_bytes, capacity) =
            (number_at(&header, offset::HEADER_BYTES), number_at(&header, offset::CAPACITY));
        let sound = number_at(&header, offset::MAGIC) == RING_MAGIC
            && number_at(&header, offset::NODE) == node
            && number_at(&header, offset::BOOT) == u64::from(ring.boot)
            && number_at(&header, offset::WORKER) == u64::from(ring.worker)
            && capacity.is_power_of_two()
            && capacity <= RING_BYTES_MAX as u64
            && header_bytes >= offset::END as u64
            && header_bytes.checked_add(capacity) == Some(file.metadata()?.len());
        Ok(sound.then(|| Self { file, path: path.into(), ring, header_bytes, capacity }))
    }

    /// Where writer and drainer are; `None` when the two make no sense together.
    pub(crate) fn positions(&self) -> io::Result<Option<Positions>> {
        let header = read_header(&self.file)?;
        let positions =
            Positions { head: number_at(&header, offset::HEAD), tail: number_at(&header, offset::TAIL) };
        let sensible = positions.head.checked_sub(positions.tail).is_some_and(|used| used <= self.capacity);
        Ok(sensible.then_some(positions))
    }

    /// Copies what is in the ring from `seen` on and not yet in a segment, while its writer and its drainer may be at work.
    pub(crate) fn peek(&self, seen: u64) -> io::Result<Option<Snapshot>> {
        let Some(before) = self.positions()? else { return Ok(None) };
        let start = before.tail.max(seen);
        if start >= before.head {
            return Ok(None);
        }
        let bytes = self.copy(start, before.head)?;
        let Some(after) = self.positions()? else { return Ok(None) };
        // What the drainer has taken meanwhile may have been overwritten, and is in a segment.
        let gone = after.tail.saturating_sub(start).min(bytes.len() as u64);
        Ok(Some(self.snapshot(start + gone, &bytes[gone as usize..])))
    }

    /// Copies what a dead process left from `resume` on, the position up to which segments hold its records; without one, from where its
    /// drainer was.
    pub(crate) fn recover(&self, resume: Option<u64>) -> io::Result<Option<Snapshot>> {
        let Some(Positions { head, tail }) = self.positions()? else { return Ok(None) };
        let within = |position: &u64| *position <= head && head - *position <= self.capacity;
        let start = resume.filter(within).unwrap_or(tail);
        let bytes = self.copy(start, head)?;
        Ok(Some(self.snapshot(start, &bytes)))
    }

    fn snapshot(&self, start: u64, bytes: &[u8]) -> Snapshot {
        let whole = frames(bytes)
            .take_while(|frame| lockgate_event::decode(frame.record).is_ok())
            .last()
            .map_or(0, |last| last.end());
        if whole < bytes.len() {
            tracing::warn!(ring = %self.path.display(), position = start + whole as u64, "the ring is damaged from here on");
        }
        Snapshot { ring: self.ring, start, bytes: bytes[..whole].to_vec() }
    }

    fn copy(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (end - start) as usize];
        let at = start % self.capacity;
        let before_wrap = ((self.capacity - at) as usize).min(bytes.len());
        let (first, second) = bytes.split_at_mut(before_wrap);
        let read = read_up_to(&self.file, first, self.header_bytes + at)?
            + read_up_to(&self.file, second, self.header_bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

fn read_header(file: &File) -> io::Result<[u8; offset::END]> {
    let mut header = [0; offset::END];
    read_up_to(file, &mut header, 0)?;
    Ok(header)
}

fn number_at(header: &[u8; offset::END], at: usize) -> u64 {
    u64::from_ne_bytes(*header[at..].first_chunk().expect("offsets are constants within the header"))
}
