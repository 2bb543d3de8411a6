//! A reader whose buffer takes memory while it is read, and not before: thousands of files wait for their turn at once.

use std::io::{self, BufRead, Read};

/// Reads from `reader` through a buffer, which is made at the first read and let go of at the end.
pub(crate) struct Buffered<R> {
    reader: R,
    capacity_bytes: usize,
    /// Empty as long as nothing has been read.
    buffer: Vec<u8>,
    /// What of the buffer is yet to be handed out.
    from: usize,
    to: usize,
}

impl<R: Read> Buffered<R> {
    /// The reader through a buffer of so many bytes; none if there is nothing to read.
    pub(crate) fn new(reader: R, capacity_bytes: usize) -> Self {
        Self { reader, capacity_bytes, buffer: Vec::new(), from: 0, to: 0 }
    }
}

impl<R: Read> BufRead for Buffered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            self.buffer.resize(self.capacity_bytes, 0);
            (self.from, self.to) = (0, 0);
            self.to = self.reader.read(&mut self.buffer)?;
            if self.to == 0 {
                self.buffer = Vec::new();
            }
        }
        Ok(self.buffer.get(self.from..self.to).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.from = self.to.min(self.from + bytes);
    }
}

impl<R: Read> Read for Buffered<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(bytes)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_handed_out_whatever_the_size_of_the_buffer() {
        let text: Vec<u8> = (0..=255).collect();
        for capacity_bytes in [1, 7, 256, 1000] {
            let mut read = Vec::new();
            Buffered::new(&text[..], capacity_bytes).read_to_end(&mut read).unwrap();
            assert_eq!(read, text);
            let lines = Buffered::new(&b"a\nbc\n\nd"[..], capacity_bytes).lines();
            assert_eq!(lines.map(Result::unwrap).collect::<Vec<_>>(), ["a", "bc", "", "d"]);
        }
        assert!(Buffered::new(&b""[..], 0).fill_buf().unwrap().is_empty());
    }

    #[test]
    fn memory_is_taken_from_the_first_read_to_the_end() {
        let mut reader = Buffered::new(&b"ab"[..], 1 << 20);
        assert_eq!(reader.buffer.capacity(), 0);
        assert_eq!(reader.fill_buf().unwrap(), b"ab");
        assert_eq!(reader.buffer.len(), 1 << 20);
        reader.consume(2);
        assert!(reader.fill_buf().unwrap().is_empty());
        assert_eq!(reader.buffer.capacity(), 0);
    }
}
