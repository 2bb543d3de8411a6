//! Usage, asked for by groups.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::oracle::{self, Random};
use super::{NOW_US, Outcome, key, now, user};
use crate::{
    Advance, Bucket, Correction, Fold, KeyId, NewCorrection, Page, Store, UsageBy, UsageDelta, UsageQuery,
    UsageRow, UsageSink, UserId,
};

const ALL: UsageBy = UsageBy { user: true, key: true, route: true, time: Some(Bucket::Hour) };
const NONE: UsageBy = UsageBy { user: false, key: false, route: false, time: None };

fn of_user(id: u64, route: &str, hour: u64, total: i128) -> UsageDelta {
    UsageDelta { user_id: Some(UserId(id)), key_id: None, route: route.into(), hour, count: 1, total }
}

fn by(by: UsageBy) -> UsageQuery {
    UsageQuery { by, ..UsageQuery::default() }
}

async fn add(store: &dyn Store, usage: &[UsageDelta]) -> Outcome {
    store.fold(&Fold { usage: usage.to_vec(), ..Fold::default() }).await
}

pub async fn no_usage_is_no_row(store: &dyn Store) -> Outcome {
    assert_eq!(store.usage(&by(NONE)).await?, []);
    assert_eq!(store.usage(&by(ALL)).await?, []);
    add(store, &[of_user(1, "a", 5, 5)]).await?;
    assert_eq!(store.usage(&UsageQuery { from_hour: 6, ..by(NONE) }).await?, []);
    assert_eq!(store.usage(&UsageQuery { user_id: Some(UserId(2)), ..by(NONE) }).await?, []);
    Ok(())
}

pub async fn usage_of_nobody_is_told_apart(store: &dyn Store) -> Outcome {
    let nobody = UsageDelta { user_id: None, ..of_user(1, "a", 1, 3) };
    add(store, &[nobody, of_user(1, "a", 1, 4)]).await?;
    let row = |user_id: Option<u64>, total| UsageRow {
        user_id: user_id.map(UserId),
        key_id: None,
        route: None,
        hour: None,
        count: 1,
        total,
    };
    let users = UsageBy { user: true, ..NONE };
    assert_eq!(store.usage(&by(users)).await?, [row(None, 3), row(Some(1), 4)]);
    let after = UsageQuery { after: Some(row(None, 3)), ..by(users) };
    assert_eq!(store.usage(&after).await?, [row(Some(1), 4)]);
    assert_eq!(store.usage(&by(NONE)).await?, [UsageRow { count: 2, ..row(None, 7) }]);
    let one = UsageQuery { user_id: Some(UserId(1)), ..by(NONE) };
    assert_eq!(store.usage(&one).await?, [row(None, 4)]);
    Ok(())
}

pub async fn days_and_months_begin_where_they_should(store: &dyn Store) -> Outcome {
    let day = |days: u64| days * 24;
    // 2024-02-29, 2024-03-01, 2024-12-31 and 2025-01-01, in days since 1970-01-01.
    let (leap_day, march, last, year) = (day(19_782), day(19_783), day(20_088), day(20_089));
    let hours = [leap_day - 1, leap_day, leap_day + 23, march, last + 23, year];
    add(store, &hours.map(|hour| of_user(1, "a", hour, 1))).await?;
    for (bucket, expected) in [
        (Bucket::Hour, hours.map(|hour| (hour, 1)).to_vec()),
        (Bucket::Day, vec![(leap_day - 24, 1), (leap_day, 2), (march, 1), (last, 1), (year, 1)]),
        (Bucket::Month, vec![(day(19_754), 3), (march, 1), (day(20_058), 1), (year, 1)]),
    ] {
        let rows = store.usage(&by(UsageBy { time: Some(bucket), ..NONE })).await?;
        let told: Vec<_> = rows.iter().map(|row| (row.hour.unwrap_or(0), row.count)).collect();
        assert_eq!(told, expected, "{bucket:?}");
    }
    Ok(())
}

pub async fn a_range_holds_its_start_and_not_its_end(store: &dyn Store) -> Outcome {
    add(store, &[1, 2, 3, 4].map(|hour| of_user(1, "a", hour, 10_i128.pow(hour as u32)))).await?;
    for (from_hour, to_hour, total) in [
        (2, Some(4), 1_100),
        (2, None, 11_100),
        (0, Some(2), 10),
        (0, Some(u64::MAX), 11_110),
        (4, Some(5), 10_000),
    ] {
        let rows = store.usage(&UsageQuery { from_hour, to_hour, ..by(NONE) }).await?;
        assert_eq!(rows.iter().map(|row| row.total).collect::<Vec<_>>(), [total]);
    }
    for (from_hour, to_hour) in [(3, Some(3)), (4, Some(2)), (5, None), (u64::MAX, None)] {
        assert_eq!(store.usage(&UsageQuery { from_hour, to_hour, ..by(NONE) }).await?, []);
    }
    Ok(())
}

pub async fn pages_of_usage_make_up_the_whole(store: &dyn Store) -> Outcome {
    let mut random = Random::new(5);
    let added: Vec<_> = (0..120).map(|_| random.delta()).collect();
    add(store, &distinct(&added)).await?;
    for (groups, limit) in
        [(ALL, 7), (UsageBy { user: false, ..ALL }, 50), (UsageBy { time: None, ..ALL }, 1)]
    {
        let whole = store.usage(&by(groups)).await?;
        let mut paged: Vec<UsageRow> = Vec::new();
        loop {
            let page = store.usage(&UsageQuery { after: paged.last().cloned(), limit, ..by(groups) }).await?;
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert!(whole.len() > 10);
        assert_eq!(paged, whole);
    }
    Ok(())
}

/// More rows than a store hands over at a time.
const MANY: u64 = 5_000;

pub async fn usage_is_streamed_as_it_is_asked_for(store: &dyn Store) -> Outcome {
    let added: Vec<_> = (0..MANY).map(|number| of_user(1 + number % 7, "a", number, 1)).collect();
    add(store, &added).await?;
    let page = UsageQuery { from_hour: 10, limit: 3_000, ..by(ALL) };
    let after = UsageQuery { after: store.usage(&page).await?.pop(), ..page.clone() };
    for query in [by(ALL), page, after, by(NONE), UsageQuery { from_hour: MANY, ..by(ALL) }] {
        let mut streamed = Vec::new();
        store.stream_usage(&query, &mut streamed).await?;
        assert_eq!(streamed, store.usage(&query).await?, "{query:?}");
    }
    Ok(())
}

/// Takes some rows, and then has no room for ever.
#[derive(Clone, Default)]
struct Full {
    taken: Arc<AtomicUsize>,
}

#[async_trait]
impl UsageSink for Full {
    async fn take(&mut self, rows: Vec<UsageRow>) {
        if self.taken.fetch_add(rows.len(), Ordering::SeqCst) > 0 {
            std::future::pending::<()>().await;
        }
    }
}

pub async fn a_stream_of_usage_may_be_given_up(store: &dyn Store) -> Outcome {
    add(store, &(0..MANY).map(|hour| of_user(1, "a", hour, 1)).collect::<Vec<_>>()).await?;
    // More often than any store has connections.
    for _ in 0..12 {
        let (query, mut sink) = (by(ALL), Full::default());
        let taken = Arc::clone(&sink.taken);
        let mut streaming = store.stream_usage(&query, &mut sink);
        // What waits for the sink holds up no other call.
        let mut others = Box::pin(async {
            while taken.load(Ordering::SeqCst) == 0 {
                store.key_changes(0, 1).await?;
            }
            store.usage(&by(NONE)).await
        });
        poll_fn(|context| {
            assert!(streaming.as_mut().poll(context).is_pending(), "the sink has no room");
            others.as_mut().poll(context)
        })
        .await?;
    }
    assert_eq!(store.usage(&by(ALL)).await?.len() as u64, MANY);
    Ok(())
}

pub async fn routes_are_ordered_by_their_bytes(store: &dyn Store) -> Outcome {
    let names = ["", "-", "A", "B", "_", "a", "a b", "a-b", "ab", "b", "é", "\u{10000}"];
    add(store, &names.map(|name| of_user(1, name, 1, 1))).await?;
    let rows = store.usage(&by(UsageBy { route: true, ..NONE })).await?;
    let told: Vec<_> = rows.into_iter().map(|row| row.route.unwrap_or_default()).collect();
    assert_eq!(told, names);
    Ok(())
}

pub async fn corrections_are_listed_and_summed_in(store: &dyn Store) -> Outcome {
    let (ada, bob) = (UserId(1), UserId(2));
    add(store, &[of_user(1, "orders", 48, 100)]).await?;
    let large = 1_000_000_000_000_000_000_000_000_001;
    let mut made = Vec::new();
    for (count, total) in [(-1, -100), (0, large), (2, -large)] {
        let note = format!("ticket {count}, \u{201c}{total}\u{201d}");
        let key_id = (count > 0).then_some(KeyId(9));
        let what =
            NewCorrection { user_id: ada, key_id, route: "orders".into(), hour: 48, count, total, note };
        let corrected = now(store.correct(&what, None, NOW_US).await?);
        assert_eq!(corrected, Correction { id: corrected.id, what, created_us: NOW_US });
        made.push(corrected);
    }
    let whole = NewCorrection { user_id: bob, route: String::new(), hour: 50, ..made[1].what.clone() };
    store.correct(&whole, None, NOW_US).await?;
    assert_eq!(store.corrections(ada, Page { after: None, limit: 9 }).await?, made);
    assert_eq!(store.corrections(ada, Page { after: Some(made[0].id), limit: 1 }).await?, made[1..2]);
    assert_eq!(store.corrections(UserId(3), Page { after: None, limit: 9 }).await?, []);
    let rows = store.usage(&by(UsageBy { user: true, key: true, ..NONE })).await?;
    let told: Vec<_> = rows.iter().map(|row| (row.user_id, row.key_id, row.count, row.total)).collect();
    let expected =
        [(Some(ada), None, 0, large), (Some(ada), Some(KeyId(9)), 2, -large), (Some(bob), None, 0, large)];
    assert_eq!(told, expected);
    let rows = store.usage(&UsageQuery { from_hour: 49, ..by(UsageBy { route: true, ..NONE }) }).await?;
    assert_eq!(rows.iter().map(|row| row.route.as_deref()).collect::<Vec<_>>(), [Some("")]);
    Ok(())
}

pub async fn usage_of_a_deleted_user_stays(store: &dyn Store) -> Outcome {
    let ada = now(store.create_user(&user("ada"), None, NOW_US).await?).id;
    let key_id = now(store.create_key(&key(ada, 1), None, NOW_US).await?).id;
    let used = UsageDelta { key_id: Some(key_id), ..of_user(ada.0, "orders", 5, 10) };
    add(store, std::slice::from_ref(&used)).await?;
    store.delete_user(ada, None, NOW_US).await?;
    add(store, &[used]).await?;
    let note = "after the end".to_owned();
    let what = NewCorrection {
        user_id: ada,
        key_id: None,
        route: "orders".into(),
        hour: 5,
        count: 0,
        total: 1,
        note,
    };
    store.correct(&what, None, NOW_US).await?;
    let rows = store.usage(&UsageQuery { user_id: Some(ada), ..by(UsageBy { user: true, ..NONE }) }).await?;
    let told: Vec<_> = rows.iter().map(|row| (row.user_id, row.count, row.total)).collect();
    assert_eq!(told, [(Some(ada), 2, 21)]);
    assert_eq!(store.corrections(ada, Page { after: None, limit: 9 }).await?.len(), 1);
    Ok(())
}

/// Random usage in random folds, with corrections between, asked for in every grouping and compared with a plain sum.
pub async fn every_grouping_equals_a_plain_sum(store: &dyn Store) -> Outcome {
    let mut random = Random::new(11);
    let mut added = Vec::new();
    for step in 0..12 {
        let batch: Vec<_> = (0..random.below(120)).map(|_| random.delta()).collect();
        let usage = distinct(&batch);
        let advances = vec![Advance { segment: 1, from: step, to: step + 1 }];
        store.fold(&Fold { node: 1, advances, usage: usage.clone(), ..Fold::default() }).await?;
        added.extend(usage);
        added.extend(correct(store, &mut random).await?);
    }
    for mut query in (0..32).map(grouping) {
        assert_eq!(store.usage(&query).await?, oracle::usage(&added, &query), "{query:?}");
        query.user_id = Some(UserId(1 + random.below(4)));
        query.from_hour = added[random.below(added.len() as u64) as usize].hour;
        query.to_hour = Some(query.from_hour + random.below(10_000));
        assert_eq!(store.usage(&query).await?, oracle::usage(&added, &query), "{query:?}");
        query.user_id = None;
        let rows = store.usage(&query).await?;
        assert_eq!(rows, oracle::usage(&added, &query), "{query:?}");
        query.limit = 1 + random.below(20) as u32;
        query.after = rows.into_iter().nth(random.below(9) as usize);
        assert_eq!(store.usage(&query).await?, oracle::usage(&added, &query), "{query:?}");
    }
    Ok(())
}

/// The `number`th of all 32 ways to tell usage apart.
fn grouping(number: u32) -> UsageQuery {
    let time = [None, Some(Bucket::Hour), Some(Bucket::Day), Some(Bucket::Month)][number as usize / 8];
    by(UsageBy { user: number & 1 > 0, key: number & 2 > 0, route: number & 4 > 0, time })
}

/// Adds a random correction and gives what it adds.
async fn correct(store: &dyn Store, random: &mut Random) -> Result<Option<UsageDelta>, crate::StoreError> {
    let delta = random.delta();
    let Some(user_id) = delta.user_id else { return Ok(None) };
    let UsageDelta { key_id, route, hour, count, total, .. } = delta.clone();
    let what =
        NewCorrection { user_id, key_id, route: route.into(), hour, count, total, note: String::new() };
    store.correct(&what, None, NOW_US).await?;
    Ok(Some(delta))
}

/// A fold adds to each group at most once.
fn distinct(usage: &[UsageDelta]) -> Vec<UsageDelta> {
    let mut seen = BTreeSet::new();
    let unseen =
        |delta: &&UsageDelta| seen.insert((delta.user_id, delta.key_id, delta.route.clone(), delta.hour));
    usage.iter().filter(unseen).cloned().collect()
}
