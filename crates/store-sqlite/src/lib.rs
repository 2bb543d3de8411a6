//! The store on SQLite: one file in the data directory, one process.
//!
//! One connection writes, a few read what is committed meanwhile (a write-ahead log), apart from those that sum usage. Every statement is checked against the schema of
//! `migrations` when it is compiled; what is needed for that is kept in `.sqlx`, so that a build needs no database.

mod connections;
mod error;
mod file;
mod keys;
mod numbers;
mod once;
mod usage;
mod users;

use std::path::Path;

use async_trait::async_trait;
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageQuery, UsageRow, UsageSink, User,
    UserChange, UserId,
};

use crate::error::Error;
use crate::file::File;

/// A database in a file.
pub struct SqliteStore {
    file: File,
}

impl SqliteStore {
    /// Opens a database, makes it if there is none (for its owner alone), and brings it to the latest version.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later version of the program made it; [`StoreError::Unavailable`] when the file cannot be opened or
    /// another program holds it; [`StoreError::Full`]; [`StoreError::Failed`] when it is no database, or a damaged one.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path).await? })
    }
}

/// Does something on a connection that is lent, and gives that back.
macro_rules! on {
    ($connection:expr, $($call:tt)::+ ( $($argument:expr),* )) => {{
        let mut connection = $connection;
        let done = $($call)::+(&mut connection, $($argument),*).await;
        connection.give_back(&done).await;
        Ok(done?)
    }};
}

/// Does a write as one transaction.
macro_rules! in_transaction {
    ($store:expr, $($call:tt)::+ ( $($argument:expr),* )) => {{
        let mut connection = $store.file.write().await?;
        let done = async {
            let mut transaction = file::begin(&mut connection).await?;
            let done = $($call)::+(&mut transaction, $($argument),*).await?;
            transaction.commit().await?;
            Ok::<_, Error>(done)
        };
        let done = done.await;
        connection.give_back(&done).await;
        Ok(done?)
    }};
}

/// Does a read on a connection of its own.
macro_rules! reading {
    ($store:expr, $($call:tt)::+ ( $($argument:expr),* )) => {
        on!($store.file.read().await?, $($call)::+($($argument),*))
    };
}

#[async_trait]
impl Store for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.file.check_place()?;
        reading!(self, keys::check())
    }

    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        reading!(self, usage::identity())
    }

    async fn create_user(
        &self,
        user: &NewUser,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<User>, StoreError> {
        if once.is_none() {
            // One statement is a transaction by itself.
            return on!(self.file.write().await?, users::create(user, once, now_us));
        }
        in_transaction!(self, users::create(user, once, now_us))
    }

    async fn users(&self, page: Page<UserId>) -> Result<Vec<User>, StoreError> {
        reading!(self, users::list(page))
    }

    async fn user(&self, id: UserId) -> Result<User, StoreError> {
        reading!(self, users::get(numbers::clamped(id.0)))
    }

    async fn user_by_email(&self, email: &str) -> Result<User, StoreError> {
        reading!(self, users::get_by_email(email))
    }

    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
        version: Option<u64>,
    ) -> Result<User, StoreError> {
        in_transaction!(self, users::change(id, change, version))
    }

    async fn delete_user(&self, id: UserId, version: Option<u64>, now_us: u64) -> Result<(), StoreError> {
        in_transaction!(self, users::delete(id, version, now_us))
    }

    async fn create_key(
        &self,
        key: &NewKey,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError> {
        in_transaction!(self, keys::create(key, once, now_us))
    }

    async fn keys(&self, user: UserId, page: Page<KeyId>) -> Result<Vec<Key>, StoreError> {
        reading!(self, keys::list(user, page))
    }

    async fn key(&self, id: KeyId) -> Result<Key, StoreError> {
        reading!(self, keys::get(numbers::clamped(id.0)))
    }

    async fn change_key(
        &self,
        id: KeyId,
        change: &KeyChange,
        version: Option<u64>,
    ) -> Result<Key, StoreError> {
        in_transaction!(self, keys::change(id, change, version))
    }

    async fn revoke_key(&self, id: KeyId, version: Option<u64>, now_us: u64) -> Result<(), StoreError> {
        in_transaction!(self, keys::revoke(id, version, now_us))
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        rotation: &Rotation,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError> {
        in_transaction!(self, keys::rotate(id, rotation, once, now_us))
    }

    async fn key_changes(&self, after: u64, limit: u32) -> Result<Vec<KeyState>, StoreError> {
        reading!(self, keys::changes(after, limit))
    }

    async fn listen(&self) -> Result<Box<dyn ChangeListener>, StoreError> {
        Ok(Box::new(Silence))
    }

    async fn marks(&self, node: u64) -> Result<Vec<Mark>, StoreError> {
        reading!(self, usage::marks(node))
    }

    async fn fold(&self, fold: &Fold) -> Result<(), StoreError> {
        in_transaction!(self, usage::fold(fold))
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        on!(self.file.sum().await?, usage::sum(query))
    }

    async fn stream_usage(&self, query: &UsageQuery, sink: &mut dyn UsageSink) -> Result<(), StoreError> {
        on!(self.file.stream().await?, usage::stream(query, sink))
    }

    async fn correct(
        &self,
        correction: &NewCorrection,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Correction>, StoreError> {
        in_transaction!(self, usage::correct(correction, once, now_us))
    }

    async fn corrected(&self, once: &Once) -> Result<Option<Correction>, StoreError> {
        reading!(self, usage::corrected(once))
    }

    async fn corrections(&self, user: UserId, page: Page<u64>) -> Result<Vec<Correction>, StoreError> {
        reading!(self, usage::corrections(user, page))
    }

    async fn prune(&self, before_us: u64) -> Result<(), StoreError> {
        in_transaction!(self, once::prune(before_us))
    }

    async fn close(&self) {
        self.file.close().await;
    }
}

/// A database of one process has nobody else to hear of.
struct Silence;

#[async_trait]
impl ChangeListener for Silence {
    async fn changed(&mut self) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

fn check_version(is: u64, named: Option<u64>) -> Result<(), StoreError> {
    match named {
        Some(named) if named != is => Err(StoreError::Changed { version: is }),
        _ => Ok(()),
    }
}
