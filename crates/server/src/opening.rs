//! How the database of users, keys and usage is opened, now or later, and what is done first when it is another one than before.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use config::Database;
use control::{Databases, KeyHint, KeySink};
use store::{DatabaseId, Store, StoreError};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use tokio::time::timeout;

use crate::late_store::LateStore;
use crate::limits::{STORE_FIRST, STORE_RETRY};

/// A database that is to be opened, and those who have to know which one it is.
pub(crate) struct Opening {
    pub(crate) database: Database,
    pub(crate) store: Arc<LateStore>,
    pub(crate) data_dir: PathBuf,
    pub(crate) boot: u32,
    pub(crate) saved_keys: PathBuf,
    pub(crate) sink: Arc<dyn KeySink>,
    pub(crate) hint: KeyHint,
}

impl Opening {
    /// The first try, which the start waits for: a database that is there is there from the first request on.
    pub(crate) async fn first_try(&self) -> Result<(), StoreError> {
        let late = || StoreError::Unavailable(Box::new(io::Error::from(io::ErrorKind::TimedOut)));
        match timeout(STORE_FIRST, self.open()).await.unwrap_or_else(|_| Err(late())) {
            Err(error @ StoreError::Newer { .. }) => Err(error),
            Err(error) => {
                complain(&error);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Tries until the database is open, or until the end.
    pub(crate) async fn keep_trying(self, ended: impl Future<Output = ()>) {
        let mut ended = pin!(ended);
        let (mut pause, longest) = STORE_RETRY;
        while timeout(pause, &mut ended).await.is_err() {
            match self.open().await {
                Ok(()) => return tracing::info!("the database of users, keys and usage is open"),
                Err(error) => complain(&error),
            }
            pause = (pause * 2).min(longest);
        }
    }

    async fn open(&self) -> Result<(), StoreError> {
        let opened: Arc<dyn Store> = match &self.database {
            Database::Sqlite(path) => Arc::new(SqliteStore::open(path).await?),
            Database::Postgres(url) => Arc::new(PostgresStore::connect(url.expose()).await?),
        };
        let adopted = match opened.identity().await {
            Ok(database) => self.adopt(database).map_err(|error| StoreError::Unavailable(Box::new(error))),
            Err(error) => Err(error),
        };
        if let Err(error) = adopted {
            opened.close().await;
            return Err(error);
        }
        self.store.opened(opened);
        Ok(())
    }

    /// Notes from when on requests are for this database. The keys of another one belong to nobody in it: they are out of force before that
    /// moment, and forgotten before it is noted, so that no kill in between brings them back.
    fn adopt(&self, database: DatabaseId) -> io::Result<()> {
        let mut databases = Databases::read(&self.data_dir)?;
        if databases.is_other(database) {
            self.sink.replace(Vec::new());
            self.hint.other_database();
            self.forget_saved_keys()?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        databases.note(database, self.boot, u64::try_from(now.as_micros()).unwrap_or(u64::MAX))
    }

    fn forget_saved_keys(&self) -> io::Result<()> {
        match fs::remove_file(&self.saved_keys) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(&self.data_dir)?.sync_all(),
        }
    }
}

fn complain(error: &StoreError) {
    let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(%error, reason, "users, keys and usage cannot be read or changed; known keys go on working");
}
