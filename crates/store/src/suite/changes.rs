//! Changes of keys, as whoever follows them is told.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::pin::Pin;

use policy::{KeyFacts, KeyHash, Scopes};

use super::{NOW_US, Outcome, hash, key, now, routes, together, user};
use crate::{Fold, KeyChange, KeyState, KeyUse, NewKey, Store, StoreError, UserId};

fn growing(states: &[KeyState]) -> bool {
    states.windows(2).all(|pair| pair[0].number < pair[1].number)
}

fn hashes(states: &[KeyState]) -> Vec<KeyHash> {
    states.iter().map(|state| state.hash).collect()
}

pub async fn every_key_is_told_from_the_start(store: &dyn Store) -> Outcome {
    assert_eq!(store.key_changes(0, 10).await?, []);
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let scopes = routes(&["orders", "é"]);
    let limited = NewKey { scopes: scopes.clone(), expires_us: Some(NOW_US), ..key(ada, 1) };
    let first = now(store.create_key(&limited, None, NOW_US).await?).id;
    let second = now(store.create_key(&key(ada, 2), None, NOW_US).await?).id;
    let third = now(store.create_key(&key(ada, 3), None, NOW_US).await?).id;
    store.revoke_key(third, None, NOW_US).await?;
    let told = store.key_changes(0, 10).await?;
    assert!(growing(&told) && told[0].number > 0);
    let facts =
        |key_id: u64, expires_us, scopes| Some(KeyFacts { key_id, user_id: ada.0, expires_us, scopes });
    let expected = [
        (hash(1), facts(first.0, Some(NOW_US), scopes)),
        (hash(2), facts(second.0, None, Scopes::All)),
        (hash(3), None),
    ];
    assert_eq!(told.into_iter().map(|state| (state.hash, state.facts)).collect::<Vec<_>>(), expected);
    assert_eq!(store.key_changes(u64::MAX, 10).await?, []);
    Ok(())
}

pub async fn a_changed_key_is_told_again_and_last(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let first = now(store.create_key(&key(ada, 1), None, NOW_US).await?).id;
    store.create_key(&key(ada, 2), None, NOW_US).await?;
    let last = |told: &[KeyState]| told.last().map_or(0, |state| state.number);
    let seen = last(&store.key_changes(0, 10).await?);
    let change = KeyChange { scopes: Some(routes(&["a"])), ..KeyChange::default() };
    store.change_key(first, &change, None).await?;
    let told = store.key_changes(seen, 10).await?;
    assert_eq!(hashes(&told), [hash(1)]);
    assert_eq!(told[0].facts.as_ref().map(|facts| facts.scopes.clone()), Some(routes(&["a"])));
    assert_eq!(hashes(&store.key_changes(0, 10).await?), [hash(2), hash(1)]);
    store.revoke_key(first, None, NOW_US).await?;
    let revoked = store.key_changes(last(&told), 10).await?;
    assert_eq!((hashes(&revoked), &revoked[0].facts), (vec![hash(1)], &None));
    Ok(())
}

pub async fn changes_are_told_in_pages(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    for number in 1..=7 {
        store.create_key(&key(ada, number), None, NOW_US).await?;
    }
    let all = store.key_changes(0, 100).await?;
    assert_eq!(all.len(), 7);
    assert_eq!(pages(store, 3).await?, all);
    assert_eq!(store.key_changes(0, 0).await?, []);
    Ok(())
}

pub async fn a_deleted_user_is_told_key_by_key(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let bob = now(store.create_user(&user("bob"), None, NOW_US).await?).id;
    for number in 1..=3 {
        store.create_key(&key(ada, number), None, NOW_US).await?;
    }
    store.create_key(&key(bob, 4), None, NOW_US).await?;
    store.delete_user(ada, None, NOW_US).await?;
    let told = pages(store, 1).await?;
    assert!(growing(&told));
    let known: BTreeMap<_, _> = told.iter().map(|state| (state.hash, state.facts.is_some())).collect();
    let expected = [(hash(1), false), (hash(2), false), (hash(3), false), (hash(4), true)];
    assert_eq!(known, BTreeMap::from(expected));
    assert_eq!(told[0].hash, hash(4));
    Ok(())
}

pub async fn being_used_is_no_change(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let key_id = now(store.create_key(&key(ada, 1), None, NOW_US).await?).id;
    let told = store.key_changes(0, 10).await?;
    store.fold(&Fold { uses: vec![KeyUse { key_id, used_us: NOW_US }], ..Fold::default() }).await?;
    assert_eq!(store.key_changes(0, 10).await?, told);
    Ok(())
}

/// Writers make, change and revoke keys side by side, while a reader follows. What the reader was told must at the end be what is
/// told from the start: it is not, when a number appears below one that it has already passed.
pub async fn no_change_appears_below_one_already_told(store: &dyn Store) -> Outcome {
    const WRITERS: u64 = 4;
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let writing = Cell::new(WRITERS);
    let followed = Cell::new(BTreeMap::new());
    let writers = (0..WRITERS).map(|writer| {
        let writing = &writing;
        Box::pin(async move {
            let result = write_keys(store, ada, writer).await;
            writing.set(writing.get() - 1);
            result
        }) as Pin<Box<dyn Future<Output = Outcome>>>
    });
    let follower = Box::pin(async {
        followed.set(follow(store, || writing.get() > 0).await?);
        Ok(())
    });
    let follower: Pin<Box<dyn Future<Output = Outcome>>> = follower;
    for result in together(writers.chain([follower])).await {
        result?;
    }
    let from_start = pages(store, 100).await?;
    assert!(growing(&from_start) && from_start.len() == 4 * 12);
    let expected: BTreeMap<_, _> = from_start.into_iter().map(|state| (state.hash, state)).collect();
    assert_eq!(followed.into_inner(), expected);
    Ok(())
}

async fn write_keys(store: &dyn Store, user: UserId, writer: u64) -> Outcome {
    for number in 0..12 {
        let made = now(store.create_key(&key(user, writer * 100 + number), None, NOW_US).await?);
        let change = KeyChange { expires_us: Some(Some(NOW_US)), ..KeyChange::default() };
        store.change_key(made.id, &change, Some(1)).await?;
        if number % 3 == 0 {
            store.revoke_key(made.id, Some(2), NOW_US).await?;
        }
    }
    Ok(())
}

/// Follows the changes until nobody writes any more and nothing is left to be told; gives what is then known of each key.
async fn follow(
    store: &dyn Store,
    writing: impl Fn() -> bool,
) -> Result<BTreeMap<KeyHash, KeyState>, StoreError> {
    let (mut known, mut after) = (BTreeMap::new(), 0);
    loop {
        let ended = !writing();
        let told = store.key_changes(after, 5).await?;
        assert!(growing(&told) && told.iter().all(|state| state.number > after));
        if told.is_empty() && ended {
            return Ok(known);
        }
        after = told.last().map_or(after, |state| state.number);
        known.extend(told.into_iter().map(|state| (state.hash, state)));
    }
}

async fn pages(store: &dyn Store, limit: u32) -> Result<Vec<KeyState>, StoreError> {
    let mut all: Vec<KeyState> = Vec::new();
    loop {
        let page = store.key_changes(all.last().map_or(0, |state| state.number), limit).await?;
        assert!(page.len() <= limit as usize);
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
