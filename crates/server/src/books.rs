//! Users, keys and usage of the process: the store, and what follows it. Traffic waits for none of them.

use std::sync::Arc;
use std::time::SystemTime;

use config::Config;
use control::{KeyFollower, KeyHint, KeySink, KeysHandle, Metering, MeteringHandle};
use journal::{DataDir, EventReader};
use policy::{KeyFacts, KeyHash};
use proxy::Plane;
use store::{Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::late_store::LateStore;
use crate::limits::{BOOKS_END_WITHIN, ONCE_KEPT, PRUNE_EVERY};
use crate::opening::Opening;

/// File of the saved keys in the data directory.
const SAVED_KEYS_FILE: &str = "keys";

/// The books of one process.
pub(crate) struct Books {
    opening: Opening,
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
        let (reader, metering) = Metering::new(store.clone(), dir);
        let (sink, saved) = (Arc::new(Table(plane.clone())), dir.path().join(SAVED_KEYS_FILE));
        let follower = KeyFollower::new(store.clone(), sink.clone(), saved.clone(), hint.clone());
        let opening = Opening {
            database: config.data.database.clone(),
            store: store.clone(),
            data_dir: dir.path().into(),
            boot: dir.boot(),
            saved_keys: saved,
            sink,
            hint: hint.clone(),
        };
        (reader, Self { opening, store, hint, follower, metering })
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
        let Self { opening, store, mut follower, metering, .. } = self;
        follower.load();
        runtime.block_on(opening.first_try())?;
        let (end, ended) = watch::channel(false);
        let until = |mut ended: watch::Receiver<bool>| async move {
            // A sender that is gone means the same.
            let _ = ended.wait_for(|ended| *ended).await;
        };
        let folding = runtime.spawn(metering.run(until(ended.clone())));
        runtime.spawn(follower.run(until(ended.clone())));
        if !store.is_opened() {
            let (trying, until) = (runtime.clone(), until(ended));
            // On a thread of its own: the future of a database's migrations cannot change threads.
            runtime.spawn_blocking(move || trying.block_on(opening.keep_trying(until)));
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
