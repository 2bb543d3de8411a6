//! The store before its database has been opened: traffic does not wait for a database, and one that is down may come later.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageQuery, UsageRow, UsageSink, User,
    UserChange, UserId,
};

/// A store that is unavailable until it is given the real one.
#[derive(Default)]
pub(crate) struct LateStore {
    opened: OnceLock<Arc<dyn Store>>,
}

/// What the log says of a call that came too early.
#[derive(Debug, thiserror::Error)]
#[error("it has not been opened yet")]
struct NotOpened;

impl LateStore {
    /// Gives it the real store. A second one is not taken.
    pub(crate) fn opened(&self, store: Arc<dyn Store>) {
        let _ = self.opened.set(store);
    }

    /// Whether it has the real store.
    pub(crate) fn is_opened(&self) -> bool {
        self.opened.get().is_some()
    }

    fn store(&self) -> Result<&dyn Store, StoreError> {
        self.opened.get().map(|store| &**store).ok_or_else(|| StoreError::Unavailable(Box::new(NotOpened)))
    }
}

macro_rules! passes_on {
    ($($call:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for LateStore {
            $(async fn $call(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.store()?.$call($($argument),*).await
            })*

            async fn close(&self) {
                if let Some(store) = self.opened.get() {
                    store.close().await;
                }
            }
        }
    };
}

passes_on! {
    check() -> ();
    identity() -> DatabaseId;
    create_user(user: &NewUser, once: Option<&Once>, now_us: u64) -> Made<User>;
    users(page: Page<UserId>) -> Vec<User>;
    user(id: UserId) -> User;
    user_by_email(email: &str) -> User;
    change_user(id: UserId, change: &UserChange, version: Option<u64>) -> User;
    delete_user(id: UserId, version: Option<u64>, now_us: u64) -> ();
    create_key(key: &NewKey, once: Option<&Once>, now_us: u64) -> Made<Key>;
    keys(user: UserId, page: Page<KeyId>) -> Vec<Key>;
    key(id: KeyId) -> Key;
    change_key(id: KeyId, change: &KeyChange, version: Option<u64>) -> Key;
    revoke_key(id: KeyId, version: Option<u64>, now_us: u64) -> ();
    rotate_key(id: KeyId, rotation: &Rotation, once: Option<&Once>, now_us: u64) -> Made<Key>;
    key_changes(after: u64, limit: u32) -> Vec<KeyState>;
    listen() -> Box<dyn ChangeListener>;
    marks(node: u64) -> Vec<Mark>;
    fold(fold: &Fold) -> ();
    usage(query: &UsageQuery) -> Vec<UsageRow>;
    stream_usage(query: &UsageQuery, sink: &mut dyn UsageSink) -> ();
    correct(correction: &NewCorrection, once: Option<&Once>, now_us: u64) -> Made<Correction>;
    corrected(once: &Once) -> Option<Correction>;
    corrections(user: UserId, page: Page<u64>) -> Vec<Correction>;
    prune(before_us: u64) -> ();
}
