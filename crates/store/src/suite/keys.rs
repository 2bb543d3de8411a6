//! Keys: made, listed, changed, revoked.

use policy::Scopes;

use super::{NOW_US, Outcome, key, now, refused, routes, user};
use crate::{Key, KeyChange, KeyId, NewKey, Page, Rotation, Store, StoreError, UserId};

pub async fn a_new_key_is_as_it_was_asked_for(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?);
    let scopes = [Scopes::All, routes(&[]), routes(&["orders", "b \"quoted\"\\, [x]", "é"])];
    for (number, scopes) in (0..).zip(scopes) {
        let expires_us = (number > 0).then_some(NOW_US + number);
        let new = NewKey { scopes, expires_us, ..key(ada.id, number) };
        let made = now(store.create_key(&new, None, NOW_US + 5).await?);
        let expected = Key {
            id: made.id,
            user_id: ada.id,
            name: new.name,
            prefix: new.prefix,
            scopes: new.scopes,
            created_us: NOW_US + 5,
            expires_us,
            revoked_us: None,
            last_used_us: None,
            version: 1,
        };
        assert_eq!(made, expected);
        assert_eq!(store.key(made.id).await?, expected);
    }
    Ok(())
}

pub async fn keys_are_listed_by_growing_id(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let bob = now(store.create_user(&user("bob"), None, NOW_US).await?).id;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(now(store.create_key(&key(ada, number), None, NOW_US).await?));
        store.create_key(&key(bob, 100 + number), None, NOW_US).await?;
    }
    store.revoke_key(made[1].id, None, NOW_US + 1).await?;
    made[1] = store.key(made[1].id).await?;
    assert_eq!(store.keys(ada, Page { after: None, limit: u32::MAX }).await?, made);
    assert_eq!(store.keys(ada, Page { after: None, limit: 2 }).await?, made[..2]);
    assert_eq!(store.keys(ada, Page { after: Some(made[1].id), limit: 2 }).await?, made[2..4]);
    assert_eq!(store.keys(ada, Page { after: Some(made[4].id), limit: 2 }).await?, []);
    assert_eq!(store.keys(bob, Page { after: None, limit: 9 }).await?.len(), 5);
    refused!(store.keys(UserId(77), Page { after: None, limit: 9 }).await, StoreError::NotFound("user"));
    Ok(())
}

pub async fn a_key_needs_a_user(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    store.delete_user(ada, None, NOW_US).await?;
    for id in [ada, UserId(0), UserId(77), UserId(u64::MAX)] {
        refused!(store.create_key(&key(id, 1), None, NOW_US).await, StoreError::NotFound("user"));
    }
    assert_eq!(store.key_changes(0, 9).await?, []);
    Ok(())
}

pub async fn two_keys_do_not_share_a_hash(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    store.create_key(&key(ada, 1), None, NOW_US).await?;
    refused!(store.create_key(&key(ada, 1), None, NOW_US).await, StoreError::Failed(_));
    assert_eq!(store.key_changes(0, 9).await?.len(), 1);
    Ok(())
}

/// A change, and what is then different.
type Step = (KeyChange, fn(&mut Key));

pub async fn a_change_of_a_key_leaves_what_it_does_not_name(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let mut expected = now(store.create_key(&key(ada, 1), None, NOW_US).await?);
    let id = expected.id;
    let steps: [Step; 5] = [
        (KeyChange { name: Some("b".into()), ..KeyChange::default() }, |key| key.name = "b".into()),
        (KeyChange { scopes: Some(routes(&["orders"])), ..KeyChange::default() }, |key| {
            key.scopes = routes(&["orders"]);
        }),
        (KeyChange { expires_us: Some(Some(NOW_US)), ..KeyChange::default() }, |key| {
            key.expires_us = Some(NOW_US);
        }),
        (KeyChange { scopes: Some(Scopes::All), ..KeyChange::default() }, |key| key.scopes = Scopes::All),
        (KeyChange { expires_us: Some(None), ..KeyChange::default() }, |key| key.expires_us = None),
    ];
    for (version, (change, difference)) in (1..).zip(steps) {
        difference(&mut expected);
        expected.version = version + 1;
        assert_eq!(store.change_key(id, &change, Some(version)).await?, expected);
        assert_eq!(store.key(id).await?, expected);
    }
    Ok(())
}

pub async fn a_key_of_another_version_is_neither_changed_nor_revoked(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let made = now(store.create_key(&key(ada, 1), None, NOW_US).await?);
    let change = KeyChange { name: Some("x".into()), ..KeyChange::default() };
    for wrong in [0, 2, u64::MAX] {
        let version = Some(wrong);
        refused!(store.change_key(made.id, &change, version).await, StoreError::Changed { version: 1 });
        refused!(store.revoke_key(made.id, version, NOW_US).await, StoreError::Changed { version: 1 });
    }
    assert_eq!(store.key(made.id).await?, made);
    store.revoke_key(made.id, Some(1), NOW_US).await
}

pub async fn a_revoked_key_is_kept_and_stays_as_it_is(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let made = now(store.create_key(&key(ada, 1), None, NOW_US).await?);
    store.revoke_key(made.id, None, NOW_US + 9).await?;
    let revoked = Key { revoked_us: Some(NOW_US + 9), version: 2, ..made };
    assert_eq!(store.key(made.id).await?, revoked);
    let rotation = Rotation { prefix: "p".into(), hash: super::hash(2), old_expires_us: NOW_US };
    refused!(store.revoke_key(made.id, None, NOW_US).await, StoreError::NotFound("key"));
    refused!(store.change_key(made.id, &KeyChange::default(), Some(2)).await, StoreError::NotFound("key"));
    refused!(store.rotate_key(made.id, &rotation, None, NOW_US).await, StoreError::NotFound("key"));
    assert_eq!(store.keys(ada, Page { after: None, limit: 9 }).await?, [revoked]);
    Ok(())
}

pub async fn keys_of_a_deleted_user_are_revoked(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let bob = now(store.create_user(&user("bob"), None, NOW_US).await?).id;
    let early = now(store.create_key(&key(ada, 1), None, NOW_US).await?).id;
    let late = now(store.create_key(&key(ada, 2), None, NOW_US).await?).id;
    let others = now(store.create_key(&key(bob, 3), None, NOW_US).await?);
    store.revoke_key(early, None, NOW_US + 1).await?;
    store.delete_user(ada, None, NOW_US + 2).await?;
    let ends = [store.key(early).await?.revoked_us, store.key(late).await?.revoked_us];
    assert_eq!(ends, [Some(NOW_US + 1), Some(NOW_US + 2)]);
    assert_eq!(store.key(late).await?.version, 2);
    assert_eq!(store.key(others.id).await?, others);
    refused!(store.keys(ada, Page { after: None, limit: 9 }).await, StoreError::NotFound("user"));
    Ok(())
}

pub async fn an_unknown_key_is_not_found(store: &dyn Store) -> Outcome {
    let rotation = Rotation { prefix: "p".into(), hash: super::hash(2), old_expires_us: NOW_US };
    for id in [0, 1, u64::MAX].map(KeyId) {
        refused!(store.key(id).await, StoreError::NotFound("key"));
        refused!(store.change_key(id, &KeyChange::default(), None).await, StoreError::NotFound("key"));
        refused!(store.revoke_key(id, Some(1), NOW_US).await, StoreError::NotFound("key"));
        refused!(store.rotate_key(id, &rotation, None, NOW_US).await, StoreError::NotFound("key"));
    }
    Ok(())
}
