//! What goes on while usage is summed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::Executor;
use store::{Bucket, Fold, Store, UsageBy, UsageQuery};
use tokio::task::yield_now;

use crate::{Place, connect};

/// Questions at once: to answer them all takes much longer than anybody waits for a connection.
const QUESTIONS: usize = 200;

/// Usage that takes a good part of a second to sum.
const SEED: &str = "
    PRAGMA synchronous = OFF;
    INSERT INTO usage_hours (hour, user_id, key_id, route, count, total_high, total_low)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
        SELECT i / 100, i % 1000, i, 'orders', 1, 0, 5 FROM n;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_of_usage_hold_up_nothing_else() {
    let place = Place::new();
    let store = Arc::new(place.open().await);
    connect(&place.path()).await.execute(SEED).await.unwrap();
    let by = UsageBy { user: true, key: true, route: true, time: Some(Bucket::Hour) };
    let query = UsageQuery { by, limit: 10, ..UsageQuery::default() };
    let begun = Arc::new(AtomicUsize::new(0));
    let ask = |_| {
        let (store, query, begun) = (Arc::clone(&store), query.clone(), Arc::clone(&begun));
        tokio::spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            store.usage(&query).await.map(drop)
        })
    };
    let asked: Vec<_> = (0..QUESTIONS).map(ask).collect();
    while begun.load(Ordering::SeqCst) < QUESTIONS {
        yield_now().await;
    }
    for _ in 0..3 {
        store.key_changes(0, 100).await.unwrap();
        store.marks(1).await.unwrap();
        store.check().await.unwrap();
        store.fold(&Fold::default()).await.unwrap();
    }
    // Whoever asked has gone: what ran for them ends, and usage can be asked for again.
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(store.usage(&query).await.unwrap().len(), 10);
    store.close().await;
}
