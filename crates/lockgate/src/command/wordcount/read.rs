//! Reads files in pieces: large ones by several threads.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::count::{Unit, Words, unfinished};

/// Read at once, bytes: what a core's second cache has room for.
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// Size of the parts of a large file that threads share, bytes.
const PART_BYTES: u64 = 16 << 20;

/// Words or lines of a file, or of standard input.
pub(super) fn count(path: &Path, unit: Unit) -> io::Result<u64> {
    if path == Path::new("-") {
        return count_stream(io::stdin().lock(), unit);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() || metadata.len() <= PART_BYTES {
        return count_stream(file, unit);
    }
    let length = metadata.len();
    let parts = (0..length.div_ceil(PART_BYTES)).into_par_iter().map(|part| {
        let start = boundary(&file, part * PART_BYTES, length)?;
        let end = boundary(&file, (part + 1) * PART_BYTES, length)?;
        count_part(Part { file: &file, at: start, end }, unit)
    });
    parts.try_reduce(Sum::default, |sum, part| Ok(sum.followed_by(part))).map(Sum::number)
}

fn count_stream(stream: impl Read, unit: Unit) -> io::Result<u64> {
    count_part(stream, unit).map(Sum::number)
}

/// What has been counted.
#[derive(Clone, Copy, Default)]
struct Sum {
    words: Words,
    lines: u64,
}

impl Sum {
    fn of(text: &[u8], unit: Unit) -> Self {
        match unit {
            Unit::Words => Self { words: Words::of(text), lines: 0 },
            Unit::Lines => Self { lines: memchr::memchr_iter(b'\n', text).count() as u64, ..Self::default() },
        }
    }

    fn followed_by(self, next: Self) -> Self {
        Self { words: self.words.followed_by(next.words), lines: self.lines + next.lines }
    }

    /// Only one of the two was counted.
    fn number(self) -> u64 {
        self.words.count() + self.lines
    }
}

fn count_part(mut part: impl Read, unit: Unit) -> io::Result<Sum> {
    let mut bytes = vec![0; PIECE_BYTES];
    let (mut sum, mut kept) = (Sum::default(), 0);
    loop {
        let count = match part.read(&mut bytes[kept..]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let text = &bytes[..kept + count];
        if count == 0 {
            return Ok(sum.followed_by(Sum::of(text, unit)));
        }
        let end = text.len() - unfinished(text);
        sum = sum.followed_by(Sum::of(&text[..end], unit));
        kept = text.len() - end;
        bytes.copy_within(end..end + kept, 0);
    }
}

/// The place at or up to two bytes before `at` at which no character is divided that is white space.
fn boundary(file: &File, at: u64, length: u64) -> io::Result<u64> {
    if at == 0 || at >= length {
        return Ok(at.min(length));
    }
    let mut before = [0; 2];
    file.read_exact_at(&mut before, at - 2)?;
    Ok(at - unfinished(&before) as u64)
}

/// A part of a file.
struct Part<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
