//! The keys that are known: a table that every worker looks into without a lock, and that changes while they do.

mod shard;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use policy::{KeyFacts, KeyHash};

use shard::Shard;

/// First bits of a hash that say which shard its key is in.
const SHARD_BITS: u32 = 10;
/// Parts that change on their own: one changed key of a million copies a thousand.
const SHARDS: usize = 1 << SHARD_BITS;

/// All known keys by the hash of their text.
///
/// It is filled and changed by the control side and outlives every configuration. A look takes no lock; changes are seen by the next
/// look on any worker.
#[derive(Debug)]
pub struct KeyTable {
    shards: Box<[ArcSwap<Shard>]>,
    loaded: AtomicBool,
    /// Held while shards are replaced, so that of two changes to one shard none is lost.
    changing: Mutex<()>,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyTable {
    /// A table that nobody has filled.
    #[must_use]
    pub fn new() -> Self {
        let none = Arc::<Shard>::default();
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::new(none.clone())).collect(),
            loaded: AtomicBool::new(false),
            changing: Mutex::new(()),
        }
    }

    /// Makes these all the keys there are; of several with one hash the last counts.
    pub fn replace(&self, keys: Vec<(KeyHash, KeyFacts)>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, keys) in self.shards.iter().zip(by_shard(keys)) {
            shard.store(Arc::new(Shard::of(keys)));
        }
        self.loaded.store(true, Ordering::Release);
    }

    /// Changes single keys, in order; `None`: the key is known no more.
    pub fn apply(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, changes) in self.shards.iter().zip(by_shard(changes)) {
            if !changes.is_empty() {
                shard.store(Arc::new(shard.load().with(changes)));
            }
        }
    }

    /// Lets `look` see what is known of a key; `None`: the key is not known.
    pub fn find<T>(&self, hash: &KeyHash, look: impl FnOnce(&KeyFacts) -> T) -> Option<T> {
        self.shards[shard_of(hash)].load().find(hash).map(look)
    }

    /// Whether the table has been filled, be it with no key at all.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The shard of a key. Hashes are spread evenly as they are.
fn shard_of(hash: &KeyHash) -> usize {
    usize::from(u16::from_be_bytes([hash.0[0], hash.0[1]]) >> (u16::BITS - SHARD_BITS))
}

/// Sorts keys into their shards, each in the order given.
fn by_shard<T>(keys: Vec<(KeyHash, T)>) -> Vec<Vec<(KeyHash, T)>> {
    let mut shards: Vec<Vec<(KeyHash, T)>> = Vec::new();
    shards.resize_with(SHARDS, Vec::new);
    for key in keys {
        shards[shard_of(&key.0)].push(key);
    }
    shards
}

#[cfg(test)]
mod tests;
