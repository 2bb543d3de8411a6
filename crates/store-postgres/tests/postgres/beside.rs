//! What goes on while usage is summed.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use store::{Store, UsageQuery};
use tokio::time::sleep;

use crate::{empty, sql};

/// More questions at once than a node has connections.
const QUESTIONS: usize = 20;
/// Sums that have begun and wait for a lock.
const SUMMING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%usage_parts%'";

/// Waits until so many sums have begun and not ended.
async fn until(url: &str, is_wanted: impl Fn(u32) -> bool) {
    while !is_wanted(sql(url, SUMMING).parse().unwrap()) {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Holds usage until the session is ended from outside, so that no sum comes to its end.
fn hold_usage(url: &str) -> thread::JoinHandle<()> {
    let held = "BEGIN; LOCK TABLE lockgate.usage_hours; SELECT pg_sleep(600)";
    let (url, server) = (url.to_owned(), testkit::Postgres::shared().unwrap());
    thread::spawn(move || drop(server.sql(&url, held)))
}

#[tokio::test]
async fn sums_of_usage_hold_up_nothing_else_and_end_when_nobody_waits_for_them() {
    let Some((store, url)) = empty().await else { return };
    let store = Arc::new(store);
    let holding = hold_usage(&url);
    let asked: Vec<_> = (0..QUESTIONS)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.usage(&UsageQuery::default()).await.map(drop) })
        })
        .collect();
    until(&url, |summing| summing > 0).await;
    for _ in 0..3 {
        store.key_changes(0, 100).await.unwrap();
        store.marks(1).await.unwrap();
        store.check().await.unwrap();
    }
    until(&url, |summing| summing > 1).await;
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    until(&url, |summing| summing == 0).await;
    let log = testkit::Postgres::shared().unwrap().log();
    assert!(log.contains("canceling statement due to user request"), "and not for the time they took");
    sql(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LOCK TABLE lockgate.usage_hours%' AND pid <> pg_backend_pid()",
    );
    holding.join().unwrap();
    store.usage(&UsageQuery::default()).await.unwrap();
}
