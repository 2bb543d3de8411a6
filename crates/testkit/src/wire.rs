//! Reads heads and bodies from a connection piece by piece, with the oracle's rules, without keeping bodies.

use std::io::{self, Read, Write};

use crate::conn::Conn;
use crate::oracle::{Fault, Fields, Framing, Parsed, body};

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 64 * 1024;

/// What ended an attempt to read.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The peer closed before the element was whole.
    Ended,
    /// The bytes are no message.
    Fault(Fault),
    /// The socket failed, or the time is over.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Tap = Box<dyn FnMut(&[u8]) + Send>;

/// A connection with what was read from it and not yet used.
pub(crate) struct Wire {
    pub(crate) conn: Conn,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    tap: Option<Tap>,
}

impl Wire {
    pub(crate) fn new(conn: Conn) -> Self {
        Self { conn, buffer: Vec::new(), scratch: vec![0; READ_BYTES], tap: None }
    }

    /// Shows every byte that arrives to `tap`, as soon as it has been read.
    pub(crate) fn with_tap(conn: Conn, tap: Tap) -> Self {
        Self { tap: Some(tap), ..Self::new(conn) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.conn.write_all(bytes)
    }

    /// Asks the socket for at most so many bytes at once from now on.
    pub(crate) fn read_at_most(&mut self, bytes: usize) {
        self.scratch.resize(bytes.max(1), 0);
    }

    /// Takes all that has been read and not used.
    pub(crate) fn take_buffered(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Reads once; 0 at the end.
    pub(crate) fn fill(&mut self) -> io::Result<usize> {
        let read = loop {
            match self.conn.read(&mut self.scratch) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer.extend_from_slice(&self.scratch[..read]);
        if let Some(tap) = &mut self.tap {
            tap(&self.scratch[..read]);
        }
        Ok(read)
    }

    fn fill_more(&mut self) -> Result<(), Stop> {
        if self.fill()? == 0 { Err(Stop::Ended) } else { Ok(()) }
    }

    /// Reads until `parse` finds something whole at the start of what is there, and takes it off.
    pub(crate) fn take<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T, Stop> {
        loop {
            if !self.buffer.is_empty() {
                match parse(&self.buffer) {
                    Parsed::Complete(found, used) => {
                        self.buffer.drain(..used);
                        return Ok(found);
                    }
                    Parsed::Refused(fault) => return Err(Stop::Fault(fault)),
                    Parsed::Partial => {}
                }
            }
            self.fill_more()?;
        }
    }

    /// Reads a body and hands its content on, piece by piece; returns its trailers.
    pub(crate) fn body(&mut self, framing: Framing, sink: &mut dyn FnMut(&[u8])) -> Result<Fields, Stop> {
        match framing {
            Framing::None => {}
            Framing::Length(length) => self.pass(length, sink)?,
            Framing::Chunked => return self.chunks(sink),
            Framing::Close => match self.pass(u64::MAX, sink) {
                Ok(()) | Err(Stop::Ended) => {}
                Err(other) => return Err(other),
            },
        }
        Ok(Fields::default())
    }

    fn chunks(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<Fields, Stop> {
        loop {
            match self.take(body::size_line)? {
                0 => return self.take(body::trailers),
                size => self.pass(size, sink)?,
            }
            self.take(body::chunk_end)?;
        }
    }

    fn pass(&mut self, mut left: u64, sink: &mut dyn FnMut(&[u8])) -> Result<(), Stop> {
        while left > 0 {
            if self.buffer.is_empty() {
                self.fill_more()?;
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            sink(&self.buffer[..count]);
            if count == self.buffer.len() {
                self.buffer.clear();
            } else {
                self.buffer.drain(..count);
            }
            left -= count as u64;
        }
        Ok(())
    }
}
