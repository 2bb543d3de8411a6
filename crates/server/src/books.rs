//! Users, keys and usage of the process: the store, and what follows it. Traffic waits for none of them.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use config::{Config, Database};
use control::{KeyFollower, KeyHint, KeySink, KeysHandle, Metering, MeteringHandle};
use journal::{DataDir, EventReader};
use policy::{KeyFacts, KeyHash};
use proxy::Plane;
use store::{Store, StoreError};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::late_store::LateStore;
use crate::limits::{BOOKS_END_WITHIN, ONCE_KEPT, PRUNE_EVERY, STORE_FIRST, STORE_RETRY};

/// File of the saved keys in the data directory.
const SAVED_KEYS_FILE: &str = "keys";

/// The books of one process.
pub(crate) struct Books {
    database: Database,
    store: Arc<LateStore>,
    hint: KeyHint,
    follower: KeyFollower,
    metering: Metering,
}

/// Tells how the books are kept.
pub(crate) struct BooksHandle {
    pub(crate) keys: KeysHandle,
    pub(crate) metering: MeteringHandle,
}

/// The books while they are kept.
pub(crate) struct OpenBooks {
    store: Arc<LateStore>,
    /// Told once there is nothing more to come.
    end: watch::Sender<bool>,
    folding: JoinHandle<()>,
}

/// The data plane's key table, as the control side fills it.
struct Table(Arc<Plane>);

impl KeySink for Table {
    fn replace(&self, keys: Vec<(KeyHash, KeyFacts)>) {
        self.0.keys().replace(keys);
    }

    fn apply(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>) {
        self.0.keys().apply(changes);
    }
}

impl Books {
    /// Makes the books, and the reader that the journal needs for them. Nothing is opened yet.
    pub(crate) fn new(config: &Config, dir: &DataDir, plane: &Arc<Plane>) -> (Box<dyn EventReader>, Self) {
        let (store, hint) = (Arc::<LateStore>::default(), KeyHint::new());
        let (reader, metering) = Metering::new(store.clone(), dir.path(), dir.node());
        let (sink, saved) = (Arc::new(Table(plane.clone())), dir.path().join(SAVED_KEYS_FILE));
        let follower = KeyFollower::new(store.clone(), sink, saved, hint.clone());
        (reader, Self { database: config.data.database.clone(), store, hint, follower, metering })
    }

    /// What tells how they are kept.
    pub(crate) fn handle(&self) -> BooksHandle {
        BooksHandle { keys: self.follower.handle(), metering: self.metering.handle() }
    }

    /// What the admin side is given.
    pub(crate) fn for_admin(&self) -> (Arc<dyn Store>, KeyHint) {
        (self.store.clone(), self.hint.clone())
    }

    /// Puts the saved keys in force, opens the database, and begins to follow it. A database that cannot be opened is tried again and again.
    ///
    /// # Errors
    /// [`StoreError::Newer`]: no later try would do better.
    pub(crate) fn open(self, runtime: &Handle) -> Result<OpenBooks, StoreError> {
        let Self { database, store, mut follower, metering, .. } = self;
        follower.load();
        runtime.block_on(first_try(&database, &store))?;
        let (end, ended) = watch::channel(false);
        let until = |mut ended: watch::Receiver<bool>| async move {
            // A sender that is gone means the same.
            let _ = ended.wait_for(|ended| *ended).await;
        };
        let folding = runtime.spawn(metering.run(until(ended.clone())));
        runtime.spawn(follower.run(until(ended.clone())));
        if !store.is_opened() {
            let (trying, store, until) = (runtime.clone(), store.clone(), until(ended));
            // On a thread of its own: the future of a database's migrations cannot change threads.
            runtime.spawn_blocking(move || trying.block_on(keep_trying(database, store, until)));
        }
        runtime.spawn(prune(store.clone()));
        Ok(OpenBooks { store, end, folding })
    }
}

impl OpenBooks {
    /// Folds what the journal holds, which must have been stopped, and closes the database.
    pub(crate) async fn close(self) {
        // Nobody listens when the tasks are gone already.
        let _ = self.end.send(true);
        if timeout(BOOKS_END_WITHIN, self.folding).await.is_err() {
            tracing::warn!("the usage of the last requests is left to the next start");
        }
        if timeout(BOOKS_END_WITHIN, self.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }
}

async fn open(database: &Database, store: &LateStore) -> Result<(), StoreError> {
    let opened: Arc<dyn Store> = match database {
        Database::Sqlite(path) => Arc::new(SqliteStore::open(path).await?),
        Database::Postgres(url) => Arc::new(PostgresStore::connect(url.expose()).await?),
    };
    store.opened(opened);
    Ok(())
}

/// The first try, which the start waits for: a database that is there is there from the first request on.
async fn first_try(database: &Database, store: &LateStore) -> Result<(), StoreError> {
    let late = || StoreError::Unavailable(Box::new(io::Error::from(io::ErrorKind::TimedOut)));
    match timeout(STORE_FIRST, open(database, store)).await.unwrap_or_else(|_| Err(late())) {
        Err(error @ StoreError::Newer { .. }) => Err(error),
        Err(error) => {
            complain(&error);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Tries until the database is open, or until the end.
async fn keep_trying(database: Database, store: Arc<LateStore>, ended: impl Future<Output = ()>) {
    let mut ended = pin!(ended);
    let (mut pause, longest) = STORE_RETRY;
    while timeout(pause, &mut ended).await.is_err() {
        match open(&database, &store).await {
            Ok(()) => return tracing::info!("the database of users, keys and usage is open"),
            Err(error) => complain(&error),
        }
        pause = (pause * 2).min(longest);
    }
}

fn complain(error: &StoreError) {
    let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(%error, reason, "users, keys and usage cannot be read or changed; known keys go on working");
}

/// Forgets, now and then, what was kept to tell repeated requests.
async fn prune(store: Arc<LateStore>) {
    loop {
        sleep(PRUNE_EVERY).await;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let before = now.saturating_sub(ONCE_KEPT);
        if let Err(error) = store.prune(u64::try_from(before.as_micros()).unwrap_or(u64::MAX)).await {
            tracing::debug!(%error, "old idempotency keys are forgotten later");
        }
    }
}
