//! Users, keys, usage: what is kept in a database, as a trait with the suite that every database passes.
//!
//! Times are microseconds since 1970-01-01T00:00:00Z, amounts are millionths of a unit. The clock is an argument: a database never asks
//! for the time itself.

mod error;
mod key;
mod once;
#[cfg(feature = "suite")]
pub mod suite;
mod usage;
mod user;

pub use error::StoreError;
pub use key::{Key, KeyChange, KeyState, NewKey, Rotation};
pub use once::{Made, Once};
pub use usage::{
    Advance, Bucket, Correction, Fold, KeyUse, Mark, NewCorrection, UsageBy, UsageDelta, UsageQuery,
    UsageRow, UsageSink,
};
pub use user::{NewUser, User, UserChange, email_key};

use std::fmt;

use async_trait::async_trait;

/// Names a user; counted from 1, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u64);

/// Names a key; counted from 1, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u64);

/// Names a database, at random; a backup that is put back, or a copy, has the name of what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseId(pub u128);

impl DatabaseId {
    /// The name as a database keeps it; `None` when the bytes are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u128::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A page of a list: what follows an id, at most so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<Id> {
    /// The last id of the page before; `None`: from the start.
    pub after: Option<Id>,
    /// Most entries to give.
    pub limit: u32,
}

/// What the gateway keeps in a database.
///
/// Every write is one transaction. A write that names a version fails with [`StoreError::Changed`] when the row has another one.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Looks whether the database answers.
    async fn check(&self) -> Result<(), StoreError>;
    /// Which database this is: ids of users and keys mean something in it, and nothing in another one.
    async fn identity(&self) -> Result<DatabaseId, StoreError>;

    /// Makes a user; [`StoreError::EmailTaken`] when another one has the address, whatever its case ([`email_key`]).
    ///
    /// With `once`, here and below, this request is looked for before anything else is looked at, and what it made before is given as it
    /// is now; [`StoreError::NotFound`] when that is gone. A request that is refused is not remembered.
    async fn create_user(
        &self,
        user: &NewUser,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<User>, StoreError>;
    /// Users by growing id.
    async fn users(&self, page: Page<UserId>) -> Result<Vec<User>, StoreError>;
    /// One user; [`StoreError::NotFound`] when there is none, or no more.
    async fn user(&self, id: UserId) -> Result<User, StoreError>;
    /// The user with this address, whatever its case.
    async fn user_by_email(&self, email: &str) -> Result<User, StoreError>;
    /// Changes a user.
    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
        version: Option<u64>,
    ) -> Result<User, StoreError>;
    /// Deletes a user and revokes its keys, which stay as history. Its usage stays; its id is not used again, its address may be.
    async fn delete_user(&self, id: UserId, version: Option<u64>, now_us: u64) -> Result<(), StoreError>;

    /// Makes a key for a user that exists.
    async fn create_key(
        &self,
        key: &NewKey,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError>;
    /// A user's keys by growing id, revoked ones included; [`StoreError::NotFound`] when there is no such user.
    async fn keys(&self, user: UserId, page: Page<KeyId>) -> Result<Vec<Key>, StoreError>;
    /// One key, revoked or not, also of a user that was deleted.
    async fn key(&self, id: KeyId) -> Result<Key, StoreError>;
    /// Changes a key that has not been revoked.
    async fn change_key(
        &self,
        id: KeyId,
        change: &KeyChange,
        version: Option<u64>,
    ) -> Result<Key, StoreError>;
    /// Revokes a key; [`StoreError::NotFound`] when there is none that has not been revoked.
    async fn revoke_key(&self, id: KeyId, version: Option<u64>, now_us: u64) -> Result<(), StoreError>;
    /// Makes a key like another one, which ends when the overlap is over; [`StoreError::NotFound`] when that one is revoked.
    async fn rotate_key(
        &self,
        id: KeyId,
        rotation: &Rotation,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Key>, StoreError>;

    /// The keys changed after change number `after`, by growing number, at most `limit`. From 0, this tells every key that is not
    /// revoked, besides those revoked. Numbers appear in the order they are committed: what was once passed is never filled in.
    async fn key_changes(&self, after: u64, limit: u32) -> Result<Vec<KeyState>, StoreError>;
    /// Begins to listen for changes of keys made by other nodes.
    async fn listen(&self) -> Result<Box<dyn ChangeListener>, StoreError>;

    /// How far each segment of a node has been folded.
    async fn marks(&self, node: u64) -> Result<Vec<Mark>, StoreError>;
    /// Adds usage and moves marks on, all or nothing; [`StoreError::Folded`] when a mark is not where it was thought to be, or it is
    /// for another database. Neither users nor keys need to exist (any more); their ids are not given to others.
    async fn fold(&self, fold: &Fold) -> Result<(), StoreError>;
    /// Sums usage, corrections included, in the order of its groups (users, keys, routes by their bytes, then time; each growing, none
    /// first). A group with no usage has no row.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError>;
    /// Hands the rows of [`Store::usage`] on as they come, some at a time, however many there are: all as they were at one moment, summed
    /// once, and never more in memory than the sink has not taken. Whoever calls says how long that may take, since a part of the database
    /// is held meanwhile, and drops the call when nobody wants more.
    async fn stream_usage(&self, query: &UsageQuery, sink: &mut dyn UsageSink) -> Result<(), StoreError>;
    /// Adds a correction; to the usage of a user that was deleted, too.
    async fn correct(
        &self,
        correction: &NewCorrection,
        once: Option<&Once>,
        now_us: u64,
    ) -> Result<Made<Correction>, StoreError>;
    /// The correction that a request made before, though its user may be gone since; `None` when it made none.
    async fn corrected(&self, once: &Once) -> Result<Option<Correction>, StoreError>;
    /// A user's corrections by growing id.
    async fn corrections(&self, user: UserId, page: Page<u64>) -> Result<Vec<Correction>, StoreError>;

    /// Forgets what was kept to tell repeated requests, if older than a time.
    async fn prune(&self, before_us: u64) -> Result<(), StoreError>;
    /// Ends the connections, so that nothing is written later.
    async fn close(&self);
}

/// Hears of changed keys.
#[async_trait]
pub trait ChangeListener: Send {
    /// Waits until a key may have changed. A database of one process never tells; whoever changes a key there knows it.
    ///
    /// # Cancel safety
    /// A wait that is given up loses at most a hint: the changes are found by their numbers.
    async fn changed(&mut self) -> Result<(), StoreError>;
}
