//! Requests that are made twice and must count once.

use super::{ALL_USERS, NOW_US, Outcome, hash, key, now, once, refused, together, user};
use crate::{
    Made, NewCorrection, NewUser, Page, Rotation, Store, StoreError, UsageQuery, UserChange, UserId,
};

fn correction(user_id: UserId) -> NewCorrection {
    let note = "twice".to_owned();
    NewCorrection { user_id, key_id: None, route: "orders".into(), hour: 7, count: 1, total: 5, note }
}

fn rotation() -> Rotation {
    Rotation { prefix: "p".into(), hash: hash(2), old_expires_us: NOW_US }
}

pub async fn a_repeated_request_finds_what_it_made(store: &dyn Store) -> Outcome {
    let once = ["user", "key", "rotation", "correction"].map(|name| once(name, 1));
    let [of_user, of_key, of_rotation, of_correction] = once.each_ref().map(Some);
    let ada = now(store.create_user(&user("ada"), of_user, NOW_US).await?);
    assert_eq!(store.create_user(&user("ada"), of_user, NOW_US + 1).await?, Made::Before(ada.clone()));
    let made = now(store.create_key(&key(ada.id, 1), of_key, NOW_US).await?);
    // A repeated request brings a text of its own, and so another hash.
    assert_eq!(store.create_key(&key(ada.id, 9), of_key, NOW_US + 1).await?, Made::Before(made.clone()));
    let rotated = now(store.rotate_key(made.id, &rotation(), of_rotation, NOW_US).await?);
    let again = store.rotate_key(made.id, &rotation(), of_rotation, NOW_US + 1).await?;
    assert_eq!(again, Made::Before(rotated));
    let corrected = now(store.correct(&correction(ada.id), of_correction, NOW_US).await?);
    let again = store.correct(&correction(ada.id), of_correction, NOW_US + 1).await?;
    assert_eq!(again, Made::Before(corrected));
    assert_eq!(store.users(ALL_USERS).await?.len(), 1);
    assert_eq!(store.keys(ada.id, Page { after: None, limit: 9 }).await?.len(), 2);
    assert_eq!(store.usage(&UsageQuery::default()).await?[0].total, 5);
    Ok(())
}

pub async fn a_key_of_idempotency_stands_for_one_request(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), Some(&once("a", 1)), NOW_US).await?).id;
    let made = now(store.create_key(&key(ada, 1), Some(&once("b", 1)), NOW_US).await?).id;
    let other = once("a", 2);
    let other = Some(&other);
    refused!(store.create_user(&user("bob"), other, NOW_US).await, StoreError::OnceReused);
    refused!(store.create_key(&key(ada, 2), other, NOW_US).await, StoreError::OnceReused);
    refused!(store.rotate_key(made, &rotation(), other, NOW_US).await, StoreError::OnceReused);
    refused!(store.correct(&correction(ada), other, NOW_US).await, StoreError::OnceReused);
    assert_eq!(store.users(ALL_USERS).await?.len(), 1);
    assert_eq!(store.keys(ada, Page { after: None, limit: 9 }).await?.len(), 1);
    assert_eq!(store.usage(&UsageQuery::default()).await?, []);
    Ok(())
}

pub async fn of_equal_requests_at_once_one_makes_something(store: &dyn Store) -> Outcome {
    let (same, new) = (once("a", 1), user("ada"));
    let users = together((0..8).map(|_| store.create_user(&new, Some(&same), NOW_US))).await;
    let ada = exactly_one_now(users)?.id;
    let same = once("b", 1);
    let keys: Vec<_> = (0..8).map(|number| key(ada, number)).collect();
    let keys = together(keys.iter().map(|key| store.create_key(key, Some(&same), NOW_US))).await;
    let made = exactly_one_now(keys)?;
    let same = once("c", 1);
    let rotations: Vec<_> = (10..18).map(|number| Rotation { hash: hash(number), ..rotation() }).collect();
    let rotated = rotations.iter().map(|rotation| store.rotate_key(made.id, rotation, Some(&same), NOW_US));
    exactly_one_now(together(rotated).await)?;
    let (same, correction) = (once("d", 1), correction(ada));
    let corrected = (0..8).map(|_| store.correct(&correction, Some(&same), NOW_US));
    exactly_one_now(together(corrected).await)?;
    assert_eq!(store.keys(ada, Page { after: None, limit: 9 }).await?.len(), 2);
    assert_eq!(store.corrections(ada, Page { after: None, limit: 9 }).await?.len(), 1);
    Ok(())
}

fn exactly_one_now<T: PartialEq + std::fmt::Debug>(
    results: Vec<Result<Made<T>, StoreError>>,
) -> Result<T, StoreError> {
    let (mut made, mut before) = (Vec::new(), Vec::new());
    for result in results {
        match result? {
            Made::Now(value) => made.push(value),
            Made::Before(value) => before.push(value),
        }
    }
    assert_eq!(made.len(), 1);
    assert!(before.iter().all(|value| *value == made[0]), "{made:?} {before:?}");
    Ok(made.remove(0))
}

pub async fn a_refused_request_is_not_remembered(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let again = once("a", 1);
    refused!(store.create_user(&user("ada"), Some(&again), NOW_US).await, StoreError::EmailTaken);
    let bob = UserId(ada.0 + 1);
    refused!(store.create_key(&key(bob, 1), Some(&again), NOW_US).await, StoreError::NotFound("user"));
    store.delete_user(ada, None, NOW_US).await?;
    now(store.create_user(&user("ada"), Some(&again), NOW_US).await?);
    Ok(())
}

pub async fn a_repeated_request_finds_what_became_of_it(store: &dyn Store) -> Outcome {
    let (of_user, of_key) = (once("a", 1), once("b", 1));
    let ada = now(store.create_user(&user("ada"), Some(&of_user), NOW_US).await?).id;
    let change = UserChange { name: Some("Countess".into()), email: None };
    let changed = store.change_user(ada, &change, None).await?;
    let again = NewUser { ..user("ada") };
    assert_eq!(store.create_user(&again, Some(&of_user), NOW_US).await?, Made::Before(changed));
    let made = now(store.create_key(&key(ada, 1), Some(&of_key), NOW_US).await?).id;
    store.delete_user(ada, None, NOW_US + 3).await?;
    refused!(store.create_user(&again, Some(&of_user), NOW_US).await, StoreError::NotFound("user"));
    let again = store.create_key(&key(ada, 2), Some(&of_key), NOW_US).await?;
    assert_eq!(again, Made::Before(store.key(made).await?));
    assert_eq!(again.into_inner().revoked_us, Some(NOW_US + 3));
    Ok(())
}

pub async fn a_correction_is_found_by_its_request_though_the_user_is_gone(store: &dyn Store) -> Outcome {
    let (same, other) = (once("a", 1), once("b", 1));
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    assert_eq!(store.corrected(&same).await?, None);
    let made = now(store.correct(&correction(ada), Some(&same), NOW_US).await?);
    store.delete_user(ada, None, NOW_US + 1).await?;
    assert_eq!(store.corrected(&same).await?, Some(made));
    assert_eq!(store.corrected(&other).await?, None);
    refused!(store.corrected(&once("a", 2)).await, StoreError::OnceReused);
    // To look for a request is not to make one.
    assert_eq!(now(store.correct(&correction(ada), Some(&other), NOW_US + 2).await?).created_us, NOW_US + 2);
    Ok(())
}

pub async fn what_is_pruned_is_forgotten(store: &dyn Store) -> Outcome {
    let (old, new) = (once("old", 1), once("new", 1));
    let ada = now(store.create_user(&user("ada"), Some(&old), NOW_US).await?);
    let bob = now(store.create_user(&user("bob"), Some(&new), NOW_US + 1).await?);
    store.prune(NOW_US + 1).await?;
    assert_eq!(store.create_user(&user("bob"), Some(&new), NOW_US + 2).await?, Made::Before(bob));
    now(store.create_user(&user("eve"), Some(&old), NOW_US + 2).await?);
    assert_eq!(store.user(ada.id).await?, ada);
    Ok(())
}
