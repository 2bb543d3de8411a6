//! What a command prints to standard output, and says on standard error.

use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

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

/// Whether anyone reads on, found out without printing.
pub(crate) fn reader() -> Reader {
    let out = io::stdout();
    // What has ended is told unasked (POSIX), by macOS only of a direction that is asked for.
    let mut looked_at = [PollFd::new(&out, PollFlags::OUT)];
    let has_ended = |looked_at: &PollFd<'_>| looked_at.revents().intersects(PollFlags::ERR | PollFlags::HUP);
    match poll(&mut looked_at, Some(&Timespec::default())) {
        Ok(_) if looked_at.iter().any(has_ended) => Reader::Gone,
        _ => Reader::Listens,
    }
}

/// Says something on standard error; colors are taken out where they do not belong. What cannot be said is no failure: it can be told
/// nowhere else, and what was asked for is to be done all the same.
pub(crate) fn say(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}
