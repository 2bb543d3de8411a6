//! A stream of bytes, seen through a window that only moves forward.

use std::io::{self, Read};
use std::vec::Vec;

use lockgate_event::segment::{READ_BYTES, Source};

/// Some of a stream's bytes: as many as the largest block that was asked for.
pub(super) struct Window<R> {
    input: R,
    /// All of it is initialized, so that nothing has to be when it is filled again.
    buffer: Vec<u8>,
    /// What of the buffer is in the window.
    from: usize,
    to: usize,
    /// Offset of the first byte in the window.
    offset: u64,
    has_ended: bool,
}

impl<R: Read> Window<R> {
    /// `input` starts at `offset`.
    pub(super) fn new(input: R, offset: u64) -> Self {
        Self { input, buffer: Vec::new(), from: 0, to: 0, offset, has_ended: false }
    }

    /// Lets go of what lies before `offset`.
    fn forget_before(&mut self, offset: u64) -> io::Result<()> {
        loop {
            let ahead = offset.saturating_sub(self.offset);
            let here = ahead.min((self.to - self.from) as u64);
            self.from += here as usize;
            self.offset += here;
            if ahead == here || self.has_ended {
                return Ok(());
            }
            self.fill(1)?;
        }
    }

    /// Reads until so many bytes are in the window, or the stream ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        if self.buffer.len() < wanted.max(READ_BYTES) {
            self.buffer.resize(wanted.max(READ_BYTES), 0);
        }
        while self.to < wanted && !self.has_ended {
            match self.input.read(&mut self.buffer[self.to..]) {
                Ok(0) => self.has_ended = true,
                Ok(read) => self.to += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Source for Window<R> {
    type Error = io::Error;

    fn bytes_at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        self.forget_before(offset)?;
        if self.to - self.from < wanted && !self.has_ended {
            self.fill(wanted)?;
        }
        // Behind the end of the stream there is nothing.
        if self.offset < offset {
            return Ok(&[]);
        }
        Ok(&self.buffer[self.from..self.to.min(self.from + wanted)])
    }
}
