//! A stream as pieces of whole lines, or of whole records.

use std::boxed::Box;
use std::io::{self, Read};
use std::vec::Vec;

use memchr::{memchr, memrchr};

use super::{LINE_BYTES_MAX, PIECE_BYTES};

/// Finds where the last whole record ends in bytes that start with a record; `None` when not even one is whole.
pub(super) type RecordEnd = fn(&[u8]) -> Option<usize>;

/// Behind the last end of line.
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    memrchr(b'\n', bytes).map(|at| at + 1)
}

/// Something read from its start to its end.
pub(super) struct Stream<'a> {
    reader: Box<dyn Read + Send + 'a>,
    record_end: RecordEnd,
    /// Read but not handed out: the start of a record.
    rest: Vec<u8>,
    /// The number of the next piece.
    pub(super) next_piece: u64,
    has_ended: bool,
}

/// What a stream has next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Whole records.
    Records,
    /// A record that is too long was passed over.
    TooLong,
    /// Nothing.
    End,
}

impl<'a> Stream<'a> {
    /// `rest` has been read already.
    pub(super) fn new(reader: Box<dyn Read + Send + 'a>, rest: Vec<u8>, record_end: RecordEnd) -> Self {
        Self { reader, record_end, rest, next_piece: 0, has_ended: false }
    }

    /// Puts the next records into `buffer`.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Next> {
        buffer.clear();
        buffer.append(&mut self.rest);
        let mut wanted = PIECE_BYTES;
        loop {
            if !self.has_ended {
                self.fill(buffer, wanted)?;
            }
            let end = (self.record_end)(buffer);
            // A record that is too long but has ends of lines in it has a quote that is not closed: its reader knows where to go on.
            let end = end.or_else(|| line_end(buffer).filter(|_| buffer.len() > LINE_BYTES_MAX));
            if end.is_none() && buffer.len() > LINE_BYTES_MAX {
                self.next_piece += 1;
                self.skip_line(buffer)?;
                return Ok(Next::TooLong);
            }
            let end = if self.has_ended { Some(buffer.len()) } else { end };
            match end {
                Some(0) => return Ok(Next::End),
                Some(end) => {
                    self.rest.extend_from_slice(&buffer[end..]);
                    buffer.truncate(end);
                    self.next_piece += 1;
                    return Ok(Next::Records);
                }
                None => wanted = (buffer.len() * 2).min(LINE_BYTES_MAX + 1),
            }
        }
    }

    /// Passes over what is left of a record that is too long: up to the next end of line, whatever the format.
    fn skip_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        loop {
            if let Some(at) = memchr(b'\n', buffer) {
                self.rest.extend_from_slice(&buffer[at + 1..]);
                return Ok(());
            }
            buffer.clear();
            if self.has_ended {
                return Ok(());
            }
            self.fill(buffer, PIECE_BYTES)?;
        }
    }

    fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
        let known = buffer.len();
        let missing = wanted.saturating_sub(known).max(PIECE_BYTES / 4);
        let read = (&mut self.reader).take(missing as u64).read_to_end(buffer)?;
        self.has_ended = read < missing;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn pieces(text: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut stream = Stream::new(Box::new(Cursor::new(text.to_vec())), Vec::new(), line_end);
        let (mut pieces, mut too_long, mut buffer) = (Vec::new(), 0, Vec::new());
        loop {
            match stream.next(&mut buffer).unwrap() {
                Next::Records => pieces.push(buffer.clone()),
                Next::TooLong => too_long += 1,
                Next::End => return (pieces, too_long),
            }
            assert_eq!(stream.next_piece, pieces.len() as u64 + too_long);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

        #[test]
        fn pieces_are_whole_lines_and_all_there_is(lengths in proptest::collection::vec(0_usize..60_000, 0..40), ended: bool) {
            let mut text: Vec<u8> = lengths.iter().flat_map(|length| std::iter::repeat_n(b'a', *length).chain([b'\n'])).collect();
            if !ended {
                text.pop();
            }
            let (pieces, too_long) = pieces(&text);
            prop_assert_eq!(too_long, 0);
            prop_assert!(pieces.iter().rev().skip(1).all(|piece| piece.ends_with(b"\n")));
            prop_assert_eq!(pieces.concat(), text);
        }
    }

    /// Each line opens a quote that is closed on none: all of them are handed out at once, not looked through once more for each.
    #[test]
    fn a_quote_that_is_not_closed_is_handed_out_with_the_lines_behind_it() {
        let text = b"x\",\"\n".repeat(LINE_BYTES_MAX / 4);
        let records_end = super::super::csv::Header::of(b"a,b\n").records_end();
        assert_eq!(records_end(&text[..1000]), None);
        let mut stream = Stream::new(Box::new(Cursor::new(text.clone())), Vec::new(), records_end);
        let (mut read, mut pieces, mut buffer) = (Vec::new(), 0, Vec::new());
        while stream.next(&mut buffer).unwrap() == Next::Records {
            read.extend_from_slice(&buffer);
            pieces += 1;
        }
        assert!(pieces < 10, "{pieces} pieces");
        assert!(read == text);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let long = std::vec![b'a'; LINE_BYTES_MAX * 2];
        let text = [&b"one\n"[..], &long, b"\ntwo\n"].concat();
        let (read, too_long) = pieces(&text);
        assert_eq!((read.concat(), too_long), (b"one\ntwo\n".to_vec(), 1));
        let (read, too_long) = pieces(&long);
        assert_eq!((read.concat(), too_long), (Vec::new(), 1));
    }
}
