//! Users: their addresses, versions and lists.

use super::{ALL_USERS, NOW_US, Outcome, now, refused, together, user};
use crate::{NewUser, Page, Store, StoreError, User, UserChange, UserId};

pub async fn a_new_user_is_found_by_id_and_by_address(store: &dyn Store) -> Outcome {
    let new = NewUser { name: "Ada Lovelace".into(), email: "Ada@Example.com".into() };
    let ada = now(store.create_user(&new, None, NOW_US).await?);
    assert!(ada.id.0 >= 1);
    let expected =
        User { id: ada.id, name: new.name, email: "Ada@Example.com".into(), created_us: NOW_US, version: 1 };
    assert_eq!(ada, expected);
    assert_eq!(store.user(ada.id).await?, expected);
    assert_eq!(store.user_by_email("aDA@eXAMPLE.COM").await?, expected);
    assert_eq!(store.users(ALL_USERS).await?, [expected]);
    Ok(())
}

pub async fn users_are_listed_by_growing_id(store: &dyn Store) -> Outcome {
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(now(store.create_user(&user(&format!("user{number}")), None, NOW_US).await?));
    }
    store.delete_user(made.remove(3).id, None, NOW_US).await?;
    assert_eq!(store.users(ALL_USERS).await?, made);
    assert_eq!(store.users(Page { after: None, limit: 2 }).await?, made[..2]);
    assert_eq!(store.users(Page { after: Some(made[1].id), limit: 3 }).await?, made[2..5]);
    assert_eq!(store.users(Page { after: Some(made[5].id), limit: 3 }).await?, []);
    assert_eq!(store.users(Page { after: Some(UserId(u64::MAX)), limit: 3 }).await?, []);
    assert_eq!(store.users(Page { after: None, limit: 0 }).await?, []);
    Ok(())
}

pub async fn an_address_is_taken_whatever_its_case(store: &dyn Store) -> Outcome {
    for (taken, asked) in
        [("a@example.com", "A@EXAMPLE.COM"), ("ZOË@example.com", "zoë@Example.com"), ("ΟΔΟΣ@x", "οδος@x")]
    {
        let new = |email: &str| NewUser { name: "x".into(), email: email.into() };
        store.create_user(&new(taken), None, NOW_US).await?;
        refused!(store.create_user(&new(asked), None, NOW_US).await, StoreError::EmailTaken);
        assert_eq!(store.user_by_email(asked).await?.email, taken);
    }
    assert_eq!(store.users(ALL_USERS).await?.len(), 3);
    Ok(())
}

pub async fn of_users_made_at_once_with_one_address_one_is_made(store: &dyn Store) -> Outcome {
    let new = user("ada");
    let results = together((0..8).map(|_| store.create_user(&new, None, NOW_US))).await;
    let (made, refusals): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for refusal in refusals {
        refused!(refusal, StoreError::EmailTaken);
    }
    assert_eq!(store.users(ALL_USERS).await?.len(), 1);
    Ok(())
}

pub async fn an_address_may_change_its_case(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?);
    let bob = now(store.create_user(&user("bob"), None, NOW_US).await?);
    let email = |email: &str| UserChange { name: None, email: Some(email.into()) };
    let changed = store.change_user(ada.id, &email("ADA@example.com"), None).await?;
    assert_eq!((changed.email.as_str(), changed.version), ("ADA@example.com", 2));
    refused!(store.change_user(bob.id, &email("adA@example.com"), None).await, StoreError::EmailTaken);
    assert_eq!(store.user(bob.id).await?, bob);
    store.change_user(ada.id, &email("lovelace@example.com"), None).await?;
    refused!(store.user_by_email("ada@example.com").await, StoreError::NotFound("user"));
    assert_eq!(store.change_user(bob.id, &email("ada@example.com"), None).await?.email, "ada@example.com");
    Ok(())
}

pub async fn a_change_leaves_what_it_does_not_name(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?);
    let name = UserChange { name: Some("Countess".into()), email: None };
    let renamed = store.change_user(ada.id, &name, Some(1)).await?;
    assert_eq!(renamed, User { name: "Countess".into(), version: 2, ..ada.clone() });
    let both = UserChange { name: Some("A".into()), email: Some("a@example.com".into()) };
    let changed = store.change_user(ada.id, &both, Some(2)).await?;
    assert_eq!(changed, User { name: "A".into(), email: "a@example.com".into(), version: 3, ..ada });
    assert_eq!(store.user(changed.id).await?, changed);
    Ok(())
}

pub async fn a_user_of_another_version_is_neither_changed_nor_deleted(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?);
    let change = UserChange { name: Some("x".into()), email: None };
    for wrong in [0, 2, u64::MAX] {
        let version = Some(wrong);
        refused!(store.change_user(ada.id, &change, version).await, StoreError::Changed { version: 1 });
        refused!(store.delete_user(ada.id, version, NOW_US).await, StoreError::Changed { version: 1 });
    }
    assert_eq!(store.user(ada.id).await?, ada);
    let writers = (0..6).map(|_| store.change_user(ada.id, &change, Some(1)));
    let done = together(writers).await.into_iter().filter(Result::is_ok).count();
    assert_eq!((done, store.user(ada.id).await?.version), (1, 2));
    store.delete_user(ada.id, Some(2), NOW_US).await
}

pub async fn a_deleted_user_is_gone_and_its_address_is_free(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?);
    store.delete_user(ada.id, None, NOW_US).await?;
    refused!(store.user(ada.id).await, StoreError::NotFound("user"));
    refused!(store.user_by_email(&ada.email).await, StoreError::NotFound("user"));
    refused!(store.delete_user(ada.id, None, NOW_US).await, StoreError::NotFound("user"));
    assert_eq!(store.users(ALL_USERS).await?, []);
    let again = now(store.create_user(&user("ada"), None, NOW_US).await?);
    assert!(again.id > ada.id, "{:?} was used again", ada.id);
    Ok(())
}

pub async fn an_unknown_user_is_not_found(store: &dyn Store) -> Outcome {
    let change = UserChange::default();
    for id in [0, 1, u64::MAX].map(UserId) {
        refused!(store.user(id).await, StoreError::NotFound("user"));
        refused!(store.change_user(id, &change, Some(1)).await, StoreError::NotFound("user"));
        refused!(store.delete_user(id, Some(1), NOW_US).await, StoreError::NotFound("user"));
    }
    refused!(store.user_by_email("nobody@example.com").await, StoreError::NotFound("user"));
    Ok(())
}
