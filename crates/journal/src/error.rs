//! What can go wrong with the journal, and where.

use std::io;
use std::path::PathBuf;

/// A journal that cannot start, or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another gateway uses the data directory.
    #[error("data directory `{path}` is used by the gateway with process id {pid}")]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Process id found in the lock file, `unknown` when it could not be read.
        pid: String,
    },
    /// A file could not be made, read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was tried, such as `create`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the data directory does not hold what it should.
    #[error("`{path}` is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The drainer's thread could not be started.
    #[error("cannot start the journal's thread")]
    Thread(#[source] io::Error),
    /// The operating system gave no random numbers.
    #[error("no random number for the node id")]
    Random(#[source] io::Error),
    /// More workers than a record can name.
    #[error("{0} workers are more than a journal can have, {max}", max = u16::MAX)]
    TooManyWorkers(usize),
    /// The disk did not take everything before the deadline; what is left stays in the rings for the next start.
    #[error(
        "{bytes} bytes could not be written before the deadline; the next start recovers them from the rings"
    )]
    NotDrained {
        /// What is left in the rings.
        bytes: u64,
    },
    /// The drainer's thread did not end before the deadline.
    #[error("the journal's thread did not end before the deadline, its disk may be stalled")]
    Stalled,
    /// The drainer's thread panicked.
    #[error("the journal's thread ended early")]
    Died,
}

impl JournalError {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

/// A place of the journal that cannot be read; reading goes on behind it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Bytes that are not what was written.
    #[error("`{path}` is damaged at offset {offset}: {what}")]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the damage starts, bytes from the start of the file.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

impl ReadError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Whether the file does not exist (any more).
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
