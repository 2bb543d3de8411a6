//! What the database's errors mean for whoever asked.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;
use store::StoreError;

/// Why a call did not do what it was asked.
pub(crate) enum Failure {
    /// The database works, and the answer is no.
    Refused(StoreError),
    /// The database, or the way to it, failed.
    Database(sqlx::Error),
}

/// Codes of transactions that were rolled back because others were in their way, and may fare better when they are run again:
/// serialization failure, deadlock.
const AGAIN: [&str; 2] = ["40001", "40P01"];
/// No room on the disk.
const FULL: &str = "53100";
/// Classes and codes of what passes: connection exceptions; transactions that others are in the way of; too little of a resource; an
/// operator's or a limit's intervention, shutdown among them; a lock that was not to be had; a server that takes no writes, as one that
/// was replaced does; a session ended for being idle in a transaction.
const PASSING: [&str; 7] = ["08", "40", "53", "57", "55P03", "25006", "25P03"];
/// What sqlx makes of a connection that ends where the server was to say whether it speaks TLS, as one does that is being killed: it
/// takes the byte that did not come for a zero.
const ENDED_AT_ONCE: &str = "unexpected response from SSLRequest: 0x00";
/// The constraint behind [`StoreError::EmailTaken`].
const EMAIL: &str = "users_email";

impl Failure {
    /// Whether nothing was done and the same may succeed at once.
    pub(crate) fn may_be_repeated(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if AGAIN.contains(&&*code(&**error)))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Database(error) => meaning(error),
        }
    }
}

fn meaning(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => {
            let code = code(&**database);
            if database.constraint() == Some(EMAIL) {
                StoreError::EmailTaken
            } else if code == FULL {
                StoreError::Full(Box::new(error))
            } else if PASSING.iter().any(|start| code.starts_with(start)) {
                StoreError::Unavailable(Box::new(error))
            } else {
                StoreError::Failed(Box::new(error))
            }
        }
        // A certificate that is not trusted, above all: that does not pass.
        sqlx::Error::Io(broken) if broken.kind() == ErrorKind::InvalidData => {
            StoreError::Failed(Box::new(error))
        }
        sqlx::Error::Protocol(said) if said.starts_with(ENDED_AT_ONCE) => {
            StoreError::Unavailable(Box::new(error))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Failed(Box::new(error)),
    }
}

fn code(error: &dyn DatabaseError) -> String {
    error.code().map(String::from).unwrap_or_default()
}
