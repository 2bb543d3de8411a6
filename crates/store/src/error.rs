//! Why the store did not do what it was asked.

use std::error::Error;

/// What went wrong, and so what can be done: the first ones are the asker's to mend, the later ones the operator's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such user, or key.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another user has the e-mail address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// The row is not at the version that was named.
    #[error("it was changed meanwhile and is at version {version}")]
    Changed {
        /// Its version now.
        version: u64,
    },
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    OnceReused,
    /// A mark of the fold is not where it was thought to be: somebody else folded, the answer to a commit was lost, or this is another database.
    #[error("this part of the journal has been folded already")]
    Folded,
    /// The database was made by a later version of the program.
    #[error("the database is at version {found}, and this program knows versions up to {known}")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Latest version known here.
        known: i64,
    },
    /// The database does not answer, is locked, or ends the connection; trying again later may help.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database's disk is full.
    #[error("the database has no room left on its disk")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The database answered with something that was not expected.
    #[error("the database failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything about the call itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }
}
