//! A store in memory that keeps usage, marks and changes of keys, and fails as a test wants.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use policy::{KeyFacts, KeyHash};
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageQuery, UsageRow, User, UserChange, UserId,
};
use tokio::task::yield_now;

/// User, key, route, hour → count, total.
pub(crate) type Usage = BTreeMap<(u64, u64, String, u64), (i64, i128)>;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Nothing is done, nothing is answered.
    Down,
    /// Folds are committed and not answered.
    LosesAnswers,
    /// Folds of more groups than so many take too long; of the others, every third is committed and not answered.
    IsSlow(usize),
}

#[derive(Default)]
pub(crate) struct Books {
    state: Mutex<State>,
}

#[derive(Clone)]
struct State {
    fault: Fault,
    identity: DatabaseId,
    marks: BTreeMap<(u64, u64), u64>,
    usage: Usage,
    uses: BTreeMap<u64, u64>,
    folds: u64,
    number: u64,
    keys: BTreeMap<KeyHash, KeyState>,
}

impl Default for State {
    /// Each one is another database.
    fn default() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let identity = DatabaseId(LAST.fetch_add(1, Ordering::Relaxed).into());
        let (marks, usage, uses, keys) = Default::default();
        Self { fault: Fault::None, identity, marks, usage, uses, folds: 0, number: 0, keys }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("as the test wants")]
struct AsPlanned;

fn unavailable() -> StoreError {
    StoreError::Unavailable(Box::new(AsPlanned))
}

impl Books {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.state().fault = fault;
    }

    pub(crate) fn usage(&self) -> Usage {
        self.state().usage.clone()
    }

    pub(crate) fn folds(&self) -> u64 {
        self.state().folds
    }

    /// Changes or revokes a key.
    pub(crate) fn change_key_to(&self, hash: KeyHash, facts: Option<KeyFacts>) -> u64 {
        let mut state = self.state();
        state.number += 1;
        let number = state.number;
        state.keys.insert(hash, KeyState { number, hash, facts });
        number
    }

    /// What a backup taken now would have.
    pub(crate) fn backup(&self) -> Self {
        Self { state: Mutex::new(self.state().clone()) }
    }

    /// Puts a backup in the place of everything.
    pub(crate) fn restore(&self, backup: &Self) {
        let state = backup.state().clone();
        *self.state() = state;
    }

    fn answer(&self) -> Result<std::sync::MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.fault == Fault::Down { Err(unavailable()) } else { Ok(state) }
    }

    fn commit(&self, fold: &Fold) -> Result<(), StoreError> {
        let mut state = self.answer()?;
        if matches!(state.fault, Fault::IsSlow(groups_max) if fold.usage.len() > groups_max) {
            return Err(unavailable());
        }
        if fold.database.is_some_and(|database| database != state.identity) {
            return Err(StoreError::Folded);
        }
        for advance in &fold.advances {
            let mark = state.marks.get(&(fold.node, advance.segment)).copied().unwrap_or(0);
            if mark != advance.from {
                return Err(StoreError::Folded);
            }
        }
        for advance in &fold.advances {
            state.marks.insert((fold.node, advance.segment), advance.to);
        }
        for delta in &fold.usage {
            let user = delta.user_id.map_or(0, |UserId(id)| id);
            let key = delta.key_id.map_or(0, |KeyId(id)| id);
            let sum = state.usage.entry((user, key, delta.route.to_string(), delta.hour)).or_default();
            *sum = (sum.0 + delta.count, sum.1 + delta.total);
        }
        for used in &fold.uses {
            let last_us = state.uses.entry(used.key_id.0).or_default();
            *last_us = used.used_us.max(*last_us);
        }
        state.folds += 1;
        match state.fault {
            Fault::LosesAnswers => Err(unavailable()),
            Fault::IsSlow(_) if state.folds.is_multiple_of(3) => Err(unavailable()),
            _ => Ok(()),
        }
    }
}

/// Never hears of anything.
struct Silence;

#[async_trait]
impl ChangeListener for Silence {
    async fn changed(&mut self) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

macro_rules! not_kept {
    ($($call:ident($($argument:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Books {
            $(async fn $call(&self, $(_: $argument),*) -> Result<$answer, StoreError> {
                Err(StoreError::NotFound("place for it"))
            })*

            async fn check(&self) -> Result<(), StoreError> {
                self.answer().map(drop)
            }

            async fn identity(&self) -> Result<DatabaseId, StoreError> {
                Ok(self.answer()?.identity)
            }

            async fn marks(&self, node: u64) -> Result<Vec<Mark>, StoreError> {
                yield_now().await;
                let state = self.answer()?;
                let own = state.marks.iter().filter(|((of, _), _)| *of == node);
                Ok(own.map(|((_, segment), offset)| Mark { segment: *segment, offset: *offset }).collect())
            }

            /// May be dropped before and after it is done.
            async fn fold(&self, fold: &Fold) -> Result<(), StoreError> {
                yield_now().await;
                let outcome = self.commit(fold);
                yield_now().await;
                outcome
            }

            async fn key_changes(&self, after: u64, limit: u32) -> Result<Vec<KeyState>, StoreError> {
                yield_now().await;
                let mut states: Vec<_> = self.answer()?.keys.values().filter(|state| state.number > after).cloned().collect();
                states.sort_unstable_by_key(|state| state.number);
                states.truncate(limit as usize);
                Ok(states)
            }

            async fn listen(&self) -> Result<Box<dyn ChangeListener>, StoreError> {
                Ok(Box::new(Silence))
            }

            async fn close(&self) {}
        }
    };
}

not_kept! {
    create_user(&NewUser, Option<&Once>, u64) -> Made<User>;
    users(Page<UserId>) -> Vec<User>;
    user(UserId) -> User;
    user_by_email(&str) -> User;
    change_user(UserId, &UserChange, Option<u64>) -> User;
    delete_user(UserId, Option<u64>, u64) -> ();
    create_key(&NewKey, Option<&Once>, u64) -> Made<Key>;
    keys(UserId, Page<KeyId>) -> Vec<Key>;
    key(KeyId) -> Key;
    change_key(KeyId, &KeyChange, Option<u64>) -> Key;
    revoke_key(KeyId, Option<u64>, u64) -> ();
    rotate_key(KeyId, &Rotation, Option<&Once>, u64) -> Made<Key>;
    usage(&UsageQuery) -> Vec<UsageRow>;
    stream_usage(&UsageQuery, &mut dyn store::UsageSink) -> ();
    correct(&NewCorrection, Option<&Once>, u64) -> Made<Correction>;
    corrected(&Once) -> Option<Correction>;
    corrections(UserId, Page<u64>) -> Vec<Correction>;
    prune(u64) -> ();
}
