//! A part of the key table that never changes: it is replaced by another.

use std::collections::BTreeMap;

use policy::{KeyFacts, KeyHash};

use super::SHARD_BITS;

/// Keys at the place their hash says, or the next one that is free.
///
/// Hashes are spread evenly as they are, and a fifth of the places is free, so that a key is found within a few places from its
/// own: in one piece of memory, which is what a look costs when a million keys fit in no cache.
#[derive(Debug, Default)]
pub(super) struct Shard {
    places: Box<[Option<(KeyHash, KeyFacts)>]>,
    len: usize,
}

impl Shard {
    /// Makes a shard; of several keys with one hash the last counts.
    pub(super) fn of(keys: Vec<(KeyHash, KeyFacts)>) -> Self {
        let places = if keys.is_empty() { 0 } else { keys.len() + keys.len() / 4 + 1 };
        let mut shard = Self { places: vec![None; places].into(), len: 0 };
        for (hash, facts) in keys {
            if let Some(at) = shard.place_of(&hash) {
                shard.len += usize::from(shard.places[at].is_none());
                shard.places[at] = Some((hash, facts));
            }
        }
        shard
    }

    /// The same keys with some changes, made in their order; `None`: the key is gone.
    pub(super) fn with(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>) -> Self {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        let mut keys = Vec::with_capacity(self.len + changes.len());
        keys.extend(self.places.iter().flatten().filter(|key| !changes.contains_key(&key.0)).cloned());
        keys.extend(changes.into_iter().filter_map(|(hash, facts)| Some((hash, facts?))));
        Self::of(keys)
    }

    /// What is known of a key.
    pub(super) fn find(&self, hash: &KeyHash) -> Option<&KeyFacts> {
        self.places[self.place_of(hash)?].as_ref().map(|key| &key.1)
    }

    /// Where a key is, or would be: `None` only where there are no places, since not all of them are taken.
    fn place_of(&self, hash: &KeyHash) -> Option<usize> {
        let own = own_place(hash, self.places.len());
        // Hashes are compared as any bytes are: what the time tells of them is not what a key is made of.
        let is_it = |at: &usize| self.places[*at].as_ref().is_none_or(|key| key.0 == *hash);
        (own..self.places.len()).chain(0..own).find(is_it)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// The place a hash says, of so many. The first bits, which all keys of a shard share, say nothing here.
fn own_place(hash: &KeyHash, places: usize) -> usize {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    let position = u64::from_be_bytes([a, b, c, d, e, f, g, h]) << SHARD_BITS >> 32;
    ((position * places as u64) >> 32) as usize
}
