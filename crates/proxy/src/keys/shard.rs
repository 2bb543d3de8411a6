//! A part of the key table that never changes: it is replaced by another.

use std::collections::BTreeMap;

use policy::{KeyFacts, KeyHash};

use super::SHARD_BITS;

/// Keys in the order of their hashes, with an index of where each stretch of hashes begins.
///
/// Hashes are spread evenly, so that a stretch holds one key on average: a look reads one number of the index and one or two keys.
/// Nothing is set aside for keys to come.
#[derive(Debug, Default)]
pub(super) struct Shard {
    keys: Box<[(KeyHash, KeyFacts)]>,
    /// For each stretch, the place of its first key; one more for the end of the last.
    starts: Box<[u32]>,
}

impl Shard {
    /// Makes a shard; of several keys with one hash the last counts.
    pub(super) fn of(mut keys: Vec<(KeyHash, KeyFacts)>) -> Self {
        // The sort keeps the order of equal hashes, so the last of them comes first here.
        keys.reverse();
        keys.sort_by_key(|key| key.0);
        keys.dedup_by_key(|key| key.0);
        Self::of_sorted(keys)
    }

    /// The same keys with some changes, made in their order; `None`: the key is gone.
    pub(super) fn with(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>) -> Self {
        let mut changes: BTreeMap<_, _> = changes.into_iter().collect();
        let mut keys = Vec::with_capacity(self.keys.len() + changes.len());
        for (hash, facts) in &self.keys {
            match changes.remove(hash) {
                None => keys.push((*hash, facts.clone())),
                Some(Some(changed)) => keys.push((*hash, changed)),
                Some(None) => {}
            }
        }
        keys.extend(changes.into_iter().filter_map(|(hash, facts)| Some((hash, facts?))));
        keys.sort_by_key(|key| key.0);
        Self::of_sorted(keys)
    }

    fn of_sorted(keys: Vec<(KeyHash, KeyFacts)>) -> Self {
        let stretches = keys.len();
        let mut starts = Vec::with_capacity(stretches + 1);
        for (at, key) in keys.iter().enumerate() {
            // Every stretch up to this key's begins here, if it has not begun before.
            let begun = stretch_of(&key.0, stretches) + 1;
            starts.resize(begun.max(starts.len()), at as u32);
        }
        starts.resize(stretches + 1, stretches as u32);
        Self { keys: keys.into(), starts: starts.into() }
    }

    /// What is known of a key.
    pub(super) fn find(&self, hash: &KeyHash) -> Option<&KeyFacts> {
        let stretch = stretch_of(hash, self.keys.len());
        let (start, end) = (*self.starts.get(stretch)?, *self.starts.get(stretch + 1)?);
        // Hashes are compared as any bytes are: what the time tells of them is not what a key is made of.
        self.keys[start as usize..end as usize].iter().find(|key| key.0 == *hash).map(|key| &key.1)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// The stretch of a hash, of so many. The first bits, which all keys of a shard share, say nothing here.
fn stretch_of(hash: &KeyHash, stretches: usize) -> usize {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    let position = u64::from_be_bytes([a, b, c, d, e, f, g, h]) << SHARD_BITS >> 32;
    (position * stretches as u64 >> 32) as usize
}
