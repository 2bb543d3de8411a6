//! Connections of one kind: opened when they are needed, lent to one caller at a time, kept open.
//!
//! sqlx's own pool asks every connection whether it is still there when it comes back, from a task of its own. Each question to SQLite
//! wakes a thread; a read of one row took four such turns, and takes one.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Connections with the same options.
pub(crate) struct Connections {
    kept: Arc<Kept>,
    /// One for each connection that there may be; who waits for one gets it in turn.
    places: Arc<Semaphore>,
    count: u32,
    wait_max: Duration,
}

struct Kept {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Kept {
    fn with_idle<T>(&self, change: impl FnOnce(&mut Vec<SqliteConnection>) -> T) -> T {
        // A list is whole whatever became of the thread that held it.
        change(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connection in use. Unless it is given back, it is closed when this is dropped: a caller that went away in the middle may have left
/// anything on it.
pub(crate) struct Lent {
    connection: Option<SqliteConnection>,
    kept: Arc<Kept>,
    place: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// At most `count` connections; who waits for one waits at most `wait_max`.
    pub(crate) fn new(options: SqliteConnectOptions, count: u32, wait_max: Duration) -> Self {
        let kept = Arc::new(Kept { options, idle: Mutex::default() });
        Self { kept, places: Arc::new(Semaphore::new(count as usize)), count, wait_max }
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// When all are in use for too long, when they were closed, and when a new one cannot be opened.
    pub(crate) async fn lend(&self) -> Result<Lent, Error> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait(Arc::clone(&self.places).acquire_owned()).await?,
        };
        let connection = match self.kept.with_idle(Vec::pop) {
            Some(connection) => connection,
            None => self.kept.options.connect().await?,
        };
        Ok(Lent { connection: Some(connection), kept: Arc::clone(&self.kept), place: Some(place) })
    }

    async fn wait<T, E>(&self, place: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        timeout(self.wait_max, place).await.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)
    }

    /// Waits until none is in use and closes them; none is lent any more.
    pub(crate) async fn close(&self) {
        // Only a second call finds them closed.
        let all = self.places.acquire_many(self.count).await;
        self.places.close();
        for connection in self.kept.with_idle(std::mem::take) {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection to the database ended before it was closed");
            }
        }
        drop(all);
    }
}

impl Lent {
    /// Gives the connection back after what was `done` on it.
    pub(crate) async fn give_back<T, E>(mut self, done: &Result<T, E>) {
        if (done.is_ok() || self.is_whole().await)
            && let Some(connection) = self.connection.take()
        {
            self.kept.with_idle(|idle| idle.push(connection));
        }
    }

    /// SQLite ends a transaction by itself when the disk is full. sqlx takes it for open then, and would for ever. The ping comes back
    /// when a rollback before it is done.
    async fn is_whole(&mut self) -> bool {
        self.ping().await.is_ok() && !self.is_in_transaction()
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("a connection is there until it is given back")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a connection is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current()) else { return };
        let place = self.place.take();
        // Its place is free when what runs on it has ended.
        runtime.spawn(async move {
            // Closing is all that was left to do with it.
            let _ = connection.close().await;
            drop(place);
        });
    }
}
