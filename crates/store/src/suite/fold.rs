//! The journal's fold: usage and marks, all or nothing.

use super::oracle::Random;
use super::{NOW_US, Outcome, key, now, refused, together, user};
use crate::{
    Advance, DatabaseId, Fold, KeyId, KeyUse, Mark, Store, StoreError, UsageBy, UsageDelta, UsageQuery,
    UserId,
};

/// A node's name may need all 64 bits.
const NODE: u64 = u64::MAX - 1;

fn delta(hour: u64, count: i64, total: i128) -> UsageDelta {
    let (user_id, key_id) = (Some(UserId(1)), Some(KeyId(2)));
    UsageDelta { user_id, key_id, route: "orders".into(), hour, count, total }
}

fn fold(segment: u64, from: u64, to: u64, usage: Vec<UsageDelta>) -> Fold {
    Fold { node: NODE, advances: vec![Advance { segment, from, to }], usage, ..Fold::default() }
}

async fn sum(store: &dyn Store) -> Result<(i64, i128), StoreError> {
    let rows = store.usage(&UsageQuery::default()).await?;
    Ok(rows.first().map_or((0, 0), |row| (row.count, row.total)))
}

pub async fn a_fold_adds_usage_and_moves_marks(store: &dyn Store) -> Outcome {
    assert_eq!(store.marks(NODE).await?, []);
    store.fold(&fold(NOW_US, 0, 100, vec![delta(1, 2, 20), delta(2, 1, 5)])).await?;
    assert_eq!(store.marks(NODE).await?, [Mark { segment: NOW_US, offset: 100 }]);
    let advances =
        vec![Advance { segment: NOW_US, from: 100, to: 150 }, Advance { segment: 7, from: 0, to: 1 }];
    store.fold(&Fold { advances, ..fold(0, 0, 0, vec![delta(1, 3, 30)]) }).await?;
    let mut marks = store.marks(NODE).await?;
    marks.sort_unstable();
    assert_eq!(marks, [Mark { segment: 7, offset: 1 }, Mark { segment: NOW_US, offset: 150 }]);
    assert_eq!(sum(store).await?, (6, 55));
    store.fold(&Fold { node: NODE, ..Fold::default() }).await?;
    assert_eq!(sum(store).await?, (6, 55));
    Ok(())
}

/// A database that is put back from a backup has never heard of them.
pub async fn ids_with_usage_are_not_given_out(store: &dyn Store) -> Outcome {
    store.fold(&fold(1, 0, 10, vec![delta(1, 1, 1)])).await?;
    let user_id = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let key_id = now(store.create_key(&key(user_id, 1), None, NOW_US).await?).id;
    assert!(user_id > UserId(1) && key_id > KeyId(2), "{user_id:?}, {key_id:?}");
    let seen = UsageDelta { user_id: Some(UserId(500)), key_id: Some(KeyId(700)), ..delta(1, 1, 1) };
    let uses = vec![KeyUse { key_id: KeyId(900), used_us: NOW_US }];
    store.fold(&Fold { uses, ..fold(1, 10, 20, vec![seen, delta(1, 1, 1)]) }).await?;
    let user_id = now(store.create_user(&user("bob"), None, NOW_US).await?).id;
    let key_id = now(store.create_key(&key(user_id, 2), None, NOW_US).await?).id;
    assert_eq!((user_id, key_id), (UserId(501), KeyId(901)));
    store.fold(&fold(1, 20, 30, vec![delta(1, 1, 1)])).await?;
    let user_id = now(store.create_user(&user("eve"), None, NOW_US).await?).id;
    assert_eq!(user_id, UserId(502), "smaller ids change nothing");
    Ok(())
}

pub async fn a_fold_from_another_mark_leaves_nothing(store: &dyn Store) -> Outcome {
    let key_id = {
        let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
        now(store.create_key(&key(ada, 1), None, NOW_US).await?).id
    };
    store.fold(&fold(5, 0, 100, vec![delta(1, 1, 1)])).await?;
    for (segment, from) in [(5, 0), (5, 99), (5, 101), (6, 1)] {
        let wrong = Advance { segment, from, to: 500 };
        let right = Advance { segment: 4, from: 0, to: 9 };
        for advances in [vec![wrong], vec![right, wrong], vec![wrong, right]] {
            let uses = vec![KeyUse { key_id, used_us: NOW_US }];
            let usage = vec![delta(1, 1, 1), delta(9, 1, 1)];
            let fold = Fold { node: NODE, advances, usage, uses, ..Fold::default() };
            refused!(store.fold(&fold).await, StoreError::Folded);
        }
    }
    assert_eq!(sum(store).await?, (1, 1));
    assert_eq!(store.marks(NODE).await?, [Mark { segment: 5, offset: 100 }]);
    assert_eq!(store.key(key_id).await?.last_used_us, None);
    Ok(())
}

pub async fn a_fold_for_another_database_leaves_nothing(store: &dyn Store) -> Outcome {
    let name = store.identity().await?;
    let fold = fold(5, 0, 100, vec![delta(1, 1, 1)]);
    let other = Fold { database: Some(DatabaseId(!name.0)), ..fold.clone() };
    refused!(store.fold(&other).await, StoreError::Folded);
    assert_eq!((sum(store).await?, store.marks(NODE).await?), ((0, 0), Vec::new()));
    store.fold(&Fold { database: Some(name), ..fold }).await?;
    assert_eq!(sum(store).await?, (1, 1));
    Ok(())
}

pub async fn of_equal_folds_at_once_one_is_taken(store: &dyn Store) -> Outcome {
    for (from, to) in [(0, 100), (100, 250)] {
        let fold = fold(5, from, to, vec![delta(1, 1, 10)]);
        let results = together((0..6).map(|_| store.fold(&fold))).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        for refusal in results.into_iter().filter(Result::is_err) {
            refused!(refusal, StoreError::Folded);
        }
    }
    assert_eq!(sum(store).await?, (2, 20));
    Ok(())
}

pub async fn nodes_have_marks_of_their_own(store: &dyn Store) -> Outcome {
    for node in [0, 1, NODE] {
        store.fold(&Fold { node, ..fold(5, 0, 10 + node % 7, vec![delta(1, 1, 1)]) }).await?;
    }
    for node in [0, 1, NODE] {
        assert_eq!(store.marks(node).await?, [Mark { segment: 5, offset: 10 + node % 7 }]);
    }
    assert_eq!((store.marks(2).await?, sum(store).await?), (Vec::new(), (3, 3)));
    Ok(())
}

pub async fn a_key_keeps_the_time_of_its_last_use(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let made = now(store.create_key(&key(ada, 1), None, NOW_US).await?);
    let other = now(store.create_key(&key(ada, 2), None, NOW_US).await?);
    for (used_us, last_used_us) in [(NOW_US, NOW_US), (NOW_US + 7, NOW_US + 7), (NOW_US + 3, NOW_US + 7)] {
        let uses = [made.id, KeyId(999_999)].map(|key_id| KeyUse { key_id, used_us });
        store.fold(&Fold { uses: uses.to_vec(), ..Fold::default() }).await?;
        let used = store.key(made.id).await?;
        assert_eq!((used.last_used_us, used.version), (Some(last_used_us), 1));
    }
    assert_eq!(store.key(other.id).await?, other);
    Ok(())
}

pub async fn counts_and_totals_may_be_negative(store: &dyn Store) -> Outcome {
    for (segment, total) in (1..).zip([-1, -999_999_999, -1_000_000_001, 5]) {
        store.fold(&fold(segment, 0, 1, vec![delta(1, -1, total)])).await?;
    }
    assert_eq!(sum(store).await?, (-4, -1_999_999_996));
    Ok(())
}

pub async fn totals_beyond_64_bits_are_exact(store: &dyn Store) -> Outcome {
    let large = 1_000_000_000_000_000_000_000_000_007;
    let steps = [large, large, -1, -large, i128::from(i64::MAX), i128::from(i64::MIN), -large * 3];
    let mut expected = 0;
    for (segment, total) in (1..).zip(steps) {
        expected += total;
        store.fold(&fold(segment, 0, 1, vec![delta(segment % 2, 1, total)])).await?;
        assert_eq!(sum(store).await?.1, expected);
    }
    Ok(())
}

pub async fn one_group_can_be_added_to_many_times(store: &dyn Store) -> Outcome {
    let mut random = Random::new(3);
    let mut expected = (0, 0);
    for segment in 1..=60 {
        let (count, total) = (random.below(9) as i64 - 4, random.total());
        expected = (expected.0 + count, expected.1 + total);
        store.fold(&fold(segment, 0, 1, vec![delta(1, count, total)])).await?;
    }
    assert_eq!(sum(store).await?, expected);
    assert_eq!(store.marks(NODE).await?.len(), 60);
    Ok(())
}

pub async fn a_fold_may_be_large(store: &dyn Store) -> Outcome {
    const GROUPS: u64 = 20_000;
    let usage: Vec<_> = (0..GROUPS)
        .map(|number| UsageDelta {
            user_id: Some(UserId(1 + number % 500)),
            ..delta(number, 1, i128::from(number))
        })
        .collect();
    store.fold(&fold(1, 0, 1, usage.clone())).await?;
    store.fold(&fold(1, 1, 2, usage)).await?;
    assert_eq!(sum(store).await?, (2 * GROUPS as i64, i128::from(GROUPS * (GROUPS - 1))));
    let by = UsageBy { user: true, ..UsageBy::default() };
    assert_eq!(store.usage(&UsageQuery { by, ..UsageQuery::default() }).await?.len(), 500);
    Ok(())
}
