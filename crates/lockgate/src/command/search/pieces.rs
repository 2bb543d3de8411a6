//! A large file in pieces that all cores search, printed in their order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::output::Output;
use super::source::Seeker;

/// Size of a piece, bytes: what a core's second cache has room for.
const PIECE_BYTES: u64 = 1 << 20;
/// Smallest file that is divided.
pub(super) const FILE_BYTES_MIN: u64 = 4 * PIECE_BYTES;
/// Read before a piece and behind it, for the first line and the rest of the last one.
const PAGE_BYTES: usize = 4 << 10;
/// Longest line, bytes.
const LINE_BYTES_MAX: usize = 64 << 20;
/// Pieces that wait for one before them, at most.
const WAITING_MAX: usize = 64;

/// The pieces of a file. The lines that begin in a piece belong to it.
pub(super) struct Pieces<'f> {
    file: &'f File,
    length: u64,
    output: &'f Output,
    next: AtomicU64,
    queue: Mutex<Queue>,
    has_moved: Condvar,
}

/// What is to be printed.
#[derive(Default)]
struct Queue {
    /// The piece that is printed next.
    turn: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    failure: Option<io::Error>,
}

impl<'f> Pieces<'f> {
    pub(super) fn new(file: &'f File, length: u64, output: &'f Output) -> Self {
        let (next, queue, has_moved) = (AtomicU64::new(0), Mutex::default(), Condvar::new());
        Self { file, length, output, next, queue, has_moved }
    }

    /// Searches all pieces.
    pub(super) fn search<'s>(self, seeker: impl Fn() -> Seeker<'s> + Sync) -> io::Result<()> {
        rayon::broadcast(|_| self.work(seeker()));
        let queue = self.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        queue.failure.map_or(Ok(()), Err)
    }

    /// Searches one piece after another, as long as there is one that nobody has taken.
    fn work(&self, mut seeker: Seeker<'_>) {
        let mut bytes = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.length.div_ceil(PIECE_BYTES) {
                return;
            }
            let found = self.lines(number, &mut bytes).and_then(|lines| seeker.look_at(lines));
            if !self.print(number, found) {
                return;
            }
        }
    }

    /// The lines of a piece.
    fn lines<'b>(&self, number: u64, bytes: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
        // The byte before tells whether the first line begins there. A whole page before costs less: copies out of the kernel want to
        // begin where a page does.
        let before = if number == 0 { 0 } else { PAGE_BYTES };
        let start = number * PIECE_BYTES - before as u64;
        let end = ((number + 1) * PIECE_BYTES).min(self.length);
        let piece = (end - start) as usize;
        bytes.resize(piece + PAGE_BYTES, 0);
        let mut count = self.fill(bytes, start)?;
        let first = match before.checked_sub(1) {
            None => 0,
            Some(at) => match memchr::memchr(b'\n', bytes.get(at..count.min(piece)).unwrap_or_default()) {
                Some(length) => at + length + 1,
                None => return Ok(&[]),
            },
        };
        if first >= piece || count < piece {
            return Ok(&bytes[first.min(count)..count.min(piece)]);
        }
        let mut looked_at = piece - 1;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &bytes[looked_at..count]) {
                return Ok(&bytes[first..=looked_at + at]);
            }
            if count < bytes.len() {
                return Ok(&bytes[first..count]);
            }
            if count > LINE_BYTES_MAX {
                return Err(io::Error::other("allocation limit"));
            }
            looked_at = count;
            bytes.resize(count * 2, 0);
            count += self.fill(&mut bytes[looked_at..], start + looked_at as u64)?;
        }
    }

    /// Reads at a place until the buffer is full or the file ends.
    fn fill(&self, buffer: &mut [u8], start: u64) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() {
            match self.file.read_at(&mut buffer[count..], start + count as u64) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Prints what was found in a piece when it is its turn; false when the search is over.
    fn print(&self, number: u64, found: io::Result<Vec<u8>>) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while number > queue.turn && queue.waiting.len() >= WAITING_MAX && queue.failure.is_none() {
            queue = self.has_moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        match found {
            Ok(lines) => drop(queue.waiting.insert(number, lines)),
            Err(error) => queue.failure = Some(error),
        }
        loop {
            let turn = queue.turn;
            let Some(lines) = queue.waiting.remove(&turn) else { break };
            queue.turn += 1;
            if !lines.is_empty()
                && let Err(error) = self.output.print(&lines)
            {
                queue.failure = Some(error);
            }
        }
        self.has_moved.notify_all();
        queue.failure.is_none()
    }
}
