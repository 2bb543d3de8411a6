//! What SQLite says, as the store's errors.

use std::error::Error as StdError;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use store::StoreError;

/// Primary result codes, https://www.sqlite.org/rescode.html. An extended code has its primary one in its lowest byte.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO_ERROR: i32 = 10;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

/// The store's error, with a way from sqlx's.
#[derive(Debug)]
pub(crate) struct Error(StoreError);

impl Error {
    /// The database holds, or is to hold, what it cannot.
    pub(crate) fn failed(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(StoreError::Failed(why.into()))
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let variant = match &error {
            sqlx::Error::Database(database) => match primary_code(&**database) {
                Some(BUSY | LOCKED | IO_ERROR | CANNOT_OPEN) => StoreError::Unavailable,
                Some(FULL) => StoreError::Full,
                _ => StoreError::Failed,
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => StoreError::Unavailable,
            _ => StoreError::Failed,
        };
        Self(variant(Box::new(error)))
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            error => Self::failed(error),
        }
    }
}

fn primary_code(error: &dyn DatabaseError) -> Option<i32> {
    let extended: i32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}
