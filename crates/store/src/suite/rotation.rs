//! Keys that are replaced while the old one goes on for a while.

use super::{NOW_US, Outcome, hash, key, now, routes, user};
use crate::{Key, NewKey, Page, Rotation, Store};

const OVERLAP_END_US: u64 = NOW_US + 1_000;

fn rotation() -> Rotation {
    Rotation { prefix: "lg_live_second".into(), hash: hash(2), old_expires_us: OVERLAP_END_US }
}

pub async fn a_rotated_key_has_a_successor_like_it(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let end = Some(NOW_US + 5_000);
    let new = NewKey { scopes: routes(&["orders"]), expires_us: end, ..key(ada, 1) };
    let old = now(store.create_key(&new, None, NOW_US).await?);
    let successor = now(store.rotate_key(old.id, &rotation(), None, NOW_US + 1).await?);
    let prefix = "lg_live_second".to_owned();
    assert_eq!(successor, Key { id: successor.id, prefix, created_us: NOW_US + 1, ..old.clone() });
    assert!(successor.id > old.id);
    let old = Key { expires_us: Some(OVERLAP_END_US), version: 2, ..old };
    assert_eq!(store.keys(ada, Page { after: None, limit: 9 }).await?, [old, successor.clone()]);
    let told = store.key_changes(0, 9).await?;
    let facts: Vec<_> = told.iter().filter_map(|state| state.facts.as_ref()).collect();
    assert_eq!(
        told.iter().find(|state| state.hash == hash(2)).map(|state| state.facts.is_some()),
        Some(true)
    );
    let ends: Vec<_> = facts.iter().map(|facts| (facts.key_id, facts.expires_us)).collect();
    assert!(ends.contains(&(successor.id.0, end)) && ends.len() == 2, "{ends:?}");
    Ok(())
}

pub async fn an_overlap_never_lengthens_an_end(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let new = NewKey { expires_us: Some(NOW_US + 10), ..key(ada, 1) };
    let old = now(store.create_key(&new, None, NOW_US).await?);
    let successor = now(store.rotate_key(old.id, &rotation(), None, NOW_US).await?);
    assert_eq!(store.key(old.id).await?.expires_us, Some(NOW_US + 10));
    assert_eq!(successor.expires_us, Some(NOW_US + 10));
    Ok(())
}

pub async fn a_key_without_end_gets_one_by_rotation(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let old = now(store.create_key(&key(ada, 1), None, NOW_US).await?);
    let successor = now(store.rotate_key(old.id, &rotation(), None, NOW_US).await?);
    assert_eq!(store.key(old.id).await?.expires_us, Some(OVERLAP_END_US));
    assert_eq!((successor.expires_us, successor.version), (None, 1));
    Ok(())
}

pub async fn a_key_that_is_over_can_be_rotated(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let new = NewKey { expires_us: Some(1), ..key(ada, 1) };
    let old = now(store.create_key(&new, None, NOW_US).await?);
    let successor = now(store.rotate_key(old.id, &rotation(), None, NOW_US).await?);
    assert_eq!((store.key(old.id).await?.expires_us, successor.expires_us), (Some(1), Some(1)));
    Ok(())
}
