//! Part of a file as the lines that start in it: workers each read a part, and every line is read once.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// The lines that start behind `start` and no later than at `end`, and at the start of the file the first one.
pub(crate) struct Lines<R> {
    reader: R,
    /// Where in the file the next byte is.
    offset: u64,
    end: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Within a line that started before.
    Before,
    Within,
    Behind,
}

impl<R: BufRead> Lines<R> {
    /// `reader` gives the bytes of the file from `start` on, to its end.
    pub(crate) fn new(reader: R, start: u64, end: u64) -> Self {
        let state = if start == 0 { State::Within } else { State::Before };
        Self { reader, offset: start, end, state }
    }

    /// Passes over the line that started before; `false` at the end of the file.
    fn skip(&mut self) -> io::Result<bool> {
        let there = self.reader.fill_buf()?;
        let line_end = memchr(b'\n', there).map(|at| at + 1);
        let (passed, is_end) = (line_end.unwrap_or(there.len()), there.is_empty());
        self.reader.consume(passed);
        self.offset += passed as u64;
        if line_end.is_some() {
            self.state = if self.offset > self.end { State::Behind } else { State::Within };
        }
        Ok(!is_end)
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.state == State::Before {
            if !self.skip()? {
                return Ok(0);
            }
        }
        if self.state == State::Behind {
            return Ok(0);
        }
        let read = self.reader.read(buffer)?;
        // The line that starts no later than at the end goes on to the first end of line there or behind it.
        let from = usize::try_from(self.end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.offset += read as u64;
        let last = buffer[..read].get(from..).and_then(|rest| memchr(b'\n', rest));
        if last.is_some() {
            self.state = State::Behind;
        }
        Ok(last.map_or(read, |at| from + at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn part(text: &[u8], start: usize, end: usize, buffer: usize) -> Vec<u8> {
        let reader = BufReader::with_capacity(buffer, &text[start..]);
        let mut lines = Vec::new();
        Lines::new(reader, start as u64, end as u64).read_to_end(&mut lines).unwrap();
        lines
    }

    #[test]
    fn every_line_is_in_one_part_wherever_a_file_is_cut() {
        for text in ["", "a", "\n", "\n\n\n", "ab\nc\n\ndef\n", "ab\nc\n\ndef", "abcdefgh", "a\nb\nc\nd\ne\n"]
        {
            let text = text.as_bytes();
            for (first, second) in (0..=text.len()).flat_map(|a| (a..=text.len()).map(move |b| (a, b))) {
                for buffer in [1, 2, 3, 100] {
                    let cuts = [0, first, second, text.len()];
                    let parts = cuts.windows(2).filter(|cut| cut[0] < cut[1]);
                    let lines: Vec<u8> = parts.flat_map(|cut| part(text, cut[0], cut[1], buffer)).collect();
                    assert_eq!(lines, text, "cut at {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn a_part_holds_the_lines_that_start_in_it() {
        let text = b"one\ntwo\nthree\n";
        assert_eq!(part(text, 0, 3, 8), b"one\n");
        assert_eq!(part(text, 0, 4, 8), b"one\ntwo\n");
        assert_eq!(part(text, 4, 8, 8), b"three\n");
        assert_eq!(part(text, 9, 14, 8), b"");
    }
}
