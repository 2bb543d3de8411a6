//! What a command prints to standard output.

use std::io::{self, Write};

use crate::failure::Failure;

/// Whether anyone reads on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Listens,
    /// As `head` does when it has seen enough: no failure.
    Gone,
}

/// Prints `bytes` and flushes.
pub(crate) fn print(bytes: &[u8]) -> Result<Reader, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Listens),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new("standard output cannot be written").caused_by(&error)),
    }
}
