//! Connections of one kind: opened when they are needed, lent to one caller at a time, kept open.
//!
//! sqlx's own pool asks every connection whether it is still there when it comes back, from a task of its own. Each question to SQLite
//! wakes a thread; a read of one row would take three such turns, and takes one.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Steps of SQLite's machine after which a statement looks whether its caller has gone: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// Connections with the same options.
pub(crate) struct Connections {
    kept: Arc<Kept>,
    /// One for each connection that there may be; who waits for one gets it in turn.
    places: Arc<Semaphore>,
    count: usize,
    wait_max: Duration,
}

struct Kept {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<Open>>,
}

/// A connection, and the word that ends what runs on it.
struct Open {
    connection: SqliteConnection,
    is_abandoned: Arc<AtomicBool>,
}

impl Kept {
    fn with_idle<T>(&self, change: impl FnOnce(&mut Vec<Open>) -> T) -> T {
        // A list is whole whatever became of the thread that held it.
        change(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn open(&self) -> Result<Open, Error> {
        let mut connection = self.options.connect().await?;
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let word = Arc::clone(&is_abandoned);
        let goes_on = move || !word.load(Ordering::Relaxed);
        connection.lock_handle().await?.set_progress_handler(STEPS, goes_on);
        Ok(Open { connection, is_abandoned })
    }
}

/// A connection in use. Unless it is given back, what runs on it is stopped and it is closed when this is dropped: a caller that went away
/// in the middle may have left anything on it.
pub(crate) struct Lent {
    open: Option<Open>,
    kept: Arc<Kept>,
    place: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// At most `count` connections; who waits for one waits at most `wait_max`.
    pub(crate) fn new(options: SqliteConnectOptions, count: usize, wait_max: Duration) -> Self {
        let kept = Arc::new(Kept { options, idle: Mutex::default() });
        Self { kept, places: Arc::new(Semaphore::new(count)), count, wait_max }
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
        let open = match self.kept.with_idle(Vec::pop) {
            Some(open) => open,
            None => self.kept.open().await?,
        };
        Ok(Lent { open: Some(open), kept: Arc::clone(&self.kept), place: Some(place) })
    }

    async fn wait<T, E>(&self, place: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        timeout(self.wait_max, place).await.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)
    }

    /// Waits until none is in use and closes them; none is lent any more.
    pub(crate) async fn close(&self) {
        // Only a second call finds them closed.
        let all = self.places.acquire_many(self.count.try_into().unwrap_or(u32::MAX)).await;
        self.places.close();
        for open in self.kept.with_idle(std::mem::take) {
            if let Err(error) = open.connection.close().await {
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
            && let Some(open) = self.open.take()
        {
            self.kept.with_idle(|idle| idle.push(open));
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
        &self.open.as_ref().expect("a connection is there until it is given back").connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.open.as_mut().expect("a connection is there until it is given back").connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.is_abandoned.store(true, Ordering::Relaxed);
        let Ok(runtime) = Handle::try_current() else { return };
        let place = self.place.take();
        // Its place is free when what runs on it has ended.
        runtime.spawn(async move {
            // Closing is all that was left to do with it.
            let _ = open.connection.close().await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(wait_max: Duration) -> Connections {
        Connections::new(SqliteConnectOptions::new().in_memory(true), 1, wait_max)
    }

    async fn has_table(lent: &mut Lent) -> bool {
        sqlx::query("SELECT * FROM mark").fetch_optional(&mut **lent).await.is_ok()
    }

    async fn make_table(lent: &mut Lent) -> Result<(), Error> {
        sqlx::query("CREATE TABLE mark (one)").execute(&mut **lent).await.map(drop)
    }

    #[tokio::test]
    async fn what_is_given_back_is_lent_again_and_what_is_dropped_is_not() {
        let connections = one(Duration::from_secs(60));
        let mut lent = connections.lend().await.unwrap();
        make_table(&mut lent).await.unwrap();
        lent.give_back(&Ok::<_, Error>(())).await;
        let mut lent = connections.lend().await.unwrap();
        assert!(has_table(&mut lent).await, "a database in memory is its connection's");
        let failed = make_table(&mut lent).await;
        assert!(failed.is_err());
        lent.give_back(&failed).await;
        let mut lent = connections.lend().await.unwrap();
        assert!(has_table(&mut lent).await, "a refusal harms no connection");
        drop(lent);
        assert!(!has_table(&mut connections.lend().await.unwrap()).await);
    }

    #[tokio::test]
    async fn an_open_transaction_ends_its_connection() {
        let connections = one(Duration::from_secs(60));
        let mut lent = connections.lend().await.unwrap();
        make_table(&mut lent).await.unwrap();
        std::mem::forget(lent.begin().await.unwrap());
        lent.give_back(&Err::<(), _>(Error::PoolClosed)).await;
        assert!(!has_table(&mut connections.lend().await.unwrap()).await);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_stopped() {
        const ENDLESS: &str =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let connections = one(Duration::from_secs(60));
        let mut lent = connections.lend().await.unwrap();
        let running = sqlx::query(ENDLESS).fetch_one(&mut *lent);
        assert!(timeout(Duration::from_millis(50), running).await.is_err());
        drop(lent);
        connections.lend().await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_and_none_is_lent_after_closing() {
        let connections = one(Duration::from_millis(20));
        let lent = connections.lend().await.unwrap();
        assert!(matches!(connections.lend().await, Err(Error::PoolTimedOut)));
        lent.give_back(&Ok::<_, Error>(())).await;
        connections.close().await;
        assert!(matches!(connections.lend().await, Err(Error::PoolClosed)));
    }
}
