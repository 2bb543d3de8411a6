//! Part of a plain file as the lines that start in it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::vec::Vec;

use memchr::{memchr, memrchr};

use super::LINE_BYTES_MAX;

/// Bytes read at once to find the end of the last line.
const MORE_BYTES: usize = 4 << 10;

/// Where lines are in a buffer.
pub(super) struct Lines {
    /// Where they begin; they go on to its end.
    pub(super) from: usize,
    /// Whether another one would follow that is too long.
    pub(super) is_next_too_long: bool,
}

/// Reads the lines of a slice into `buffer`, and tells where they are in it: those that start behind `start` and no later than at `end`, and
/// at the start of the file the first one. So the byte before a slice need not be known, and reads begin where pages do, which is what
/// copying from the kernel's pages is fast for.
pub(super) fn read(file: &File, start: u64, end: u64, buffer: &mut Vec<u8>) -> io::Result<Lines> {
    buffer.resize((end - start) as usize, 0);
    let read = read_at(file, start, buffer)?;
    buffer.truncate(read);
    let first = if start == 0 { Some(0) } else { memchr(b'\n', buffer).map(|at| at + 1) };
    let Some(from) = first else { return Ok(Lines { from: buffer.len(), is_next_too_long: false }) };
    let line = memrchr(b'\n', buffer).map_or(from, |at| at + 1);
    loop {
        let known = buffer.len();
        let room = (LINE_BYTES_MAX + 1).saturating_sub(known - line);
        if room == 0 {
            buffer.truncate(line);
            return Ok(Lines { from, is_next_too_long: true });
        }
        let more = MORE_BYTES.max(known - line).min(room);
        buffer.resize(known + more, 0);
        let read = read_at(file, start + known as u64, &mut buffer[known..])?;
        let line_end = memchr(b'\n', &buffer[known..known + read]);
        buffer.truncate(known + line_end.map_or(read, |at| at + 1));
        if line_end.is_some() || read < more {
            return Ok(Lines { from, is_next_too_long: false });
        }
    }
}

/// The same lines of bytes in memory, and whether another one would follow that is too long.
pub(super) fn of_bytes(bytes: &[u8], start: usize, end: usize) -> (&[u8], bool) {
    let slice = &bytes[start..end];
    let first = if start == 0 { Some(0) } else { memchr(b'\n', slice).map(|at| start + at + 1) };
    let Some(from) = first else { return (&[], false) };
    let line = memrchr(b'\n', slice).map_or(from, |at| start + at + 1);
    let reach = bytes.len().min(line + LINE_BYTES_MAX + 1);
    match memchr(b'\n', &bytes[end..reach.max(end)]) {
        Some(at) => (&bytes[from..=end + at], false),
        None if bytes.len() - line <= LINE_BYTES_MAX => (&bytes[from..], false),
        None => (&bytes[from..line], true),
    }
}

/// The first bytes of a file.
pub(super) fn start(file: &File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut start = std::vec![0; bytes];
    let read = read_at(file, 0, &mut start)?;
    start.truncate(read);
    Ok(start)
}

/// Reads a file from a place of its own, so that threads can share the file.
pub(super) struct Reader<'f> {
    pub(super) file: &'f File,
    pub(super) offset: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = read_some(self.file, self.offset, bytes)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let sought = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.offset = sought.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

/// Fills `bytes` from `offset` on as far as the file goes; returns how far.
fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match read_some(file, offset + done as u64, &mut bytes[done..]) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(unix)]
fn read_some(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_some(mut file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    file.read(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    proptest! {
        #[test]
        fn every_line_is_in_one_slice(text in "[a\n]{0,60}", size in 1_u64..20) {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let length = text.len() as u64;
            let (mut read_back, mut buffer, mut in_memory) = (Vec::new(), Vec::new(), Vec::new());
            for start in (0..length).step_by(size as usize) {
                let end = (start + size).min(length);
                let lines_read = read(&file, start, end, &mut buffer).unwrap();
                prop_assert!(!lines_read.is_next_too_long);
                let from = lines_read.from;
                read_back.extend_from_slice(&buffer[from..]);
                let (lines, is_next_too_long) = of_bytes(text.as_bytes(), start as usize, end as usize);
                prop_assert!(!is_next_too_long);
                prop_assert_eq!(&buffer[from..], lines);
                in_memory.extend_from_slice(lines);
            }
            prop_assert_eq!(read_back, text.as_bytes());
            prop_assert_eq!(in_memory, text.as_bytes());
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out() {
        let mut file = tempfile::tempfile().unwrap();
        let long = std::vec![b'a'; LINE_BYTES_MAX];
        let whole = [b"one\n", &long[..], b"\n", &long, b"a\ntwo\n", &long, b"a"].concat();
        file.write_all(&whole).unwrap();
        let piece = 1 << 20;
        let (mut text, mut too_long, mut buffer) = (Vec::new(), 0, Vec::new());
        for start in (0..whole.len()).step_by(piece) {
            let end = (start + piece).min(whole.len());
            let lines = read(&file, start as u64, end as u64, &mut buffer).unwrap();
            let found = (&buffer[lines.from..], lines.is_next_too_long);
            assert!(found == of_bytes(&whole, start, end));
            text.extend_from_slice(found.0);
            too_long += usize::from(found.1);
        }
        assert_eq!(too_long, 2);
        assert!(text == [b"one\n", &long[..], b"\ntwo\n"].concat());
    }
}
