//! Reads past places that the disk cannot give.

use std::io;

/// What a disk fails to give at once, and the system to read.
const PAGE_BYTES: u64 = 4096;

/// Fills `bytes` from `offset` on as far as a file of `length` bytes goes, and returns how far. Pages that fail with an input/output error are
/// zeros, in which no checksum is right; every other error ends it.
pub(super) fn read_past_errors(
    bytes: &mut [u8],
    offset: u64,
    length: u64,
    read_at: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let there = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
    let end = bytes.len().min(there);
    let mut done = 0;
    while done < end {
        let at = offset + done as u64;
        match read_at(&mut bytes[done..end], at) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                let page_end = done + (PAGE_BYTES - at % PAGE_BYTES) as usize;
                let unread = done..page_end.min(end);
                done = unread.end;
                bytes[unread].fill(0);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of three pages and a bit, whose second page cannot be read.
    fn read_at(bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = match offset {
            0..4096 => 4096,
            4096..8192 => return Err(io::Error::from_raw_os_error(libc::EIO)),
            _ => 12_300,
        };
        let read = bytes.len().min(end - offset as usize);
        bytes[..read].fill(7);
        Ok(read)
    }

    #[test]
    fn a_page_that_cannot_be_read_is_zero_and_what_is_around_it_is_not() {
        let check = |offset: u64, wanted: usize| {
            let mut bytes = vec![1; wanted];
            let read = read_past_errors(&mut bytes, offset, 12_300, read_at).unwrap();
            assert_eq!(read, wanted.min(12_300 - offset as usize));
            for (at, byte) in (offset..).zip(&bytes[..read]) {
                assert_eq!(*byte, if (4096..8192).contains(&at) { 0 } else { 7 }, "{at} from {offset}");
            }
        };
        check(0, 20_000);
        check(100, 4100);
        check(5000, 10);
        check(5000, 5000);
        check(9000, 100);
    }

    #[test]
    fn other_errors_end_the_reading_and_so_does_the_end_of_the_file() {
        let denied = |_: &mut [u8], _| Err(io::ErrorKind::PermissionDenied.into());
        assert!(read_past_errors(&mut [0; 9], 0, 9, denied).is_err());
        assert_eq!(read_past_errors(&mut [0; 9], 9, 9, denied).unwrap(), 0);
        assert_eq!(read_past_errors(&mut [0; 9], 0, 9, |_, _| Ok(0)).unwrap(), 0);
    }
}
