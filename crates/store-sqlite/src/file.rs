//! The database's file: how it is opened, and the connections to it.

#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use store::StoreError;

use crate::connections::{Connections, Lent};
use crate::error::Error;

/// Longest wait for a lock that another program holds, and longest wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Connections that read, one for each core; there is one that writes. With two, a long read leaves a way for short ones.
const READERS: RangeInclusive<usize> = 2..=4;
/// Sums of usage at once. They have connections of their own, so that what is looked up beside them, keys above all, never waits for them.
const SUMS: usize = 2;
/// Streams of usage at once. Each holds what it reads, and so the write-ahead log, for as long as its caller lets it.
const STREAMS: usize = 2;
/// Rows that a connection reads before it waits for somebody to take them: most pages at once.
const ROWS_AHEAD: usize = 256;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The file and its connections.
pub(crate) struct File {
    path: PathBuf,
    /// Device and inode, by which the file is known again.
    identity: (u64, u64),
    /// One connection: who writes waits here for its turn, fairly, and not in SQLite.
    writer: Connections,
    readers: Connections,
    summing: Connections,
    streaming: Connections,
}

impl File {
    /// Opens the file, makes it if need be, and brings it to the latest version.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        create(path).map_err(sqlx::Error::Io)?;
        let identity = identity(path).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(WAIT_MAX);
        // FULL: in a write-ahead log, NORMAL would lose the latest commits with the power, and so a user or a revocation that was
        // already answered. It costs one fsync for each write; folds are a few in a second.
        let writing = options
            .clone()
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = Connections::new(writing, 1, WAIT_MAX);
        let mut connection = writer.lend().await?;
        let migrated = migrate(&mut connection).await;
        connection.give_back(&migrated).await;
        if migrated.is_err() {
            writer.close().await;
        }
        migrated?;
        let reading = options.read_only(true).row_buffer_size(ROWS_AHEAD);
        let cores = thread::available_parallelism().map_or(*READERS.end(), NonZero::get);
        let count = cores.clamp(*READERS.start(), *READERS.end());
        let readers = |count| Connections::new(reading.clone(), count, WAIT_MAX);
        let (readers, summing, streaming) = (readers(count), readers(SUMS), readers(STREAMS));
        Ok(Self { path: path.to_owned(), identity, writer, readers, summing, streaming })
    }

    /// A connection that reads what is committed.
    pub(crate) async fn read(&self) -> Result<Lent, Error> {
        Ok(self.readers.lend().await?)
    }

    /// A connection that sums usage.
    pub(crate) async fn sum(&self) -> Result<Lent, Error> {
        Ok(self.summing.lend().await?)
    }

    /// A connection that streams usage.
    pub(crate) async fn stream(&self) -> Result<Lent, Error> {
        Ok(self.streaming.lend().await?)
    }

    /// The connection that writes.
    pub(crate) async fn write(&self) -> Result<Lent, Error> {
        self.check_place()?;
        Ok(self.writer.lend().await?)
    }

    /// What is written to a file that was deleted is lost, though SQLite does not notice.
    pub(crate) fn check_place(&self) -> Result<(), Error> {
        match identity(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => {
                let text = "another file took the place of the database; start again to use it";
                Err(StoreError::Unavailable(text.into()).into())
            }
            Err(error) => Err(sqlx::Error::Io(error).into()),
        }
    }

    /// Ends the connections after the write-ahead log has been taken into the file, which then is whole by itself.
    pub(crate) async fn close(&self) {
        for connections in [&self.readers, &self.summing, &self.streaming] {
            connections.close().await;
        }
        if let Ok(mut connection) = self.writer.lend().await {
            let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *connection).await;
            connection.give_back(&emptied).await;
            if let Err(error) = emptied {
                tracing::warn!(%error, "the write-ahead log stays until the next start");
            }
        }
        self.writer.close().await;
    }
}

/// Begins a transaction that holds the right to write from its start, so that what it read is still true when it writes.
pub(crate) async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, Error> {
    Ok(connection.begin_with("BEGIN IMMEDIATE").await?)
}

/// Makes the file for its owner alone; SQLite gives its log the same rights.
fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    match MIGRATIONS.run(&mut *connection).await {
        Err(MigrateError::VersionMissing(_)) => {
            let applied = connection.list_applied_migrations(&MIGRATIONS.table_name).await?;
            let found = applied.iter().map(|migration| migration.version).max().unwrap_or(0);
            let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
            Err(StoreError::Newer { found, known }.into())
        }
        result => Ok(result?),
    }
}
