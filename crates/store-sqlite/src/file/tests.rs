//! A file that others lock, and a disk that is full.

use sqlx::ConnectOptions;
use store::{Fold, Made, NewUser, Once, Page, Store, StoreError, UsageDelta, UsageQuery, User, UserId};
use tempfile::TempDir;

use super::*;
use crate::SqliteStore;

async fn open(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(&folder.path().join("lockgate.db")).await.unwrap()
}

async fn create(store: &SqliteStore, number: usize) -> Result<User, StoreError> {
    let user = NewUser { name: "Ada ".repeat(100), email: format!("ada{number}@example.com") };
    store.create_user(&user, None, 1).await.map(Made::into_inner)
}

async fn users(store: &SqliteStore) -> Vec<User> {
    store.users(Page { after: None, limit: u32::MAX }).await.unwrap()
}

/// Room for so many pages more than there are, on the connection that writes.
async fn set_room(store: &SqliteStore, pages: i64) {
    let mut connection = store.file.writer.lend().await.unwrap();
    let used: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {}", used + pages);
    let set = sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&mut *connection).await;
    connection.give_back(&set).await;
    set.unwrap();
}

#[tokio::test]
async fn a_locked_file_is_unavailable_for_writers_until_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let ada = create(&store, 1).await.unwrap();
    let mut other =
        SqliteConnectOptions::new().filename(folder.path().join("lockgate.db")).connect().await.unwrap();
    let lock = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let start = std::time::Instant::now();
    let refused = create(&store, 2).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let waited = start.elapsed();
    assert!(waited >= WAIT_MAX - Duration::from_millis(100) && waited < WAIT_MAX * 2, "{waited:?}");
    assert_eq!(users(&store).await, [ada], "reading goes on");
    store.check().await.unwrap();
    lock.rollback().await.unwrap();
    create(&store, 2).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_loses_nothing_and_is_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut made = vec![create(&store, 0).await.unwrap()];
    set_room(&store, 3).await;
    let error = loop {
        match create(&store, made.len()).await {
            Ok(user) => made.push(user),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)) && made.len() > 3, "{error:?} after {}", made.len());
    assert_eq!(users(&store).await, made);
    set_room(&store, 1_000).await;
    for _ in 0..20 {
        made.push(create(&store, made.len()).await.unwrap());
    }
    assert_eq!(users(&store).await, made);
    store.close().await;
    assert_eq!(users(&open(&folder).await).await, made);
}

#[tokio::test]
async fn a_fold_that_finds_the_disk_full_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (user_id, route) = (Some(UserId(1)), Box::from("orders"));
    let delta = UsageDelta { user_id, key_id: None, route, hour: 0, count: 1, total: 1 };
    let usage = (0..5_000).map(|hour| UsageDelta { hour, ..delta.clone() }).collect();
    let advances = vec![store::Advance { segment: 1, from: 0, to: 9 }];
    let fold = Fold { node: 1, advances, usage, ..Fold::default() };
    set_room(&store, 5).await;
    let refused = store.fold(&fold).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(store.marks(1).await.unwrap(), []);
    assert_eq!(store.usage(&UsageQuery::default()).await.unwrap(), []);
    set_room(&store, 10_000).await;
    store.fold(&fold).await.unwrap();
    assert_eq!(store.usage(&UsageQuery::default()).await.unwrap()[0].count, 5_000);
}

/// A caller that does not wait for its answer any more must not keep the only connection that writes.
#[tokio::test]
async fn a_write_that_is_given_up_leaves_the_way_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for number in 0..50 {
        let user = NewUser { name: "Ada".into(), email: format!("ada{number}@example.com") };
        // With it, a write is a transaction of several statements; without, it is one statement.
        let once = Once { key: number.to_string(), request: [0; 32] };
        let once = Some(&once).filter(|_| number % 4 < 2);
        let mut given_up = Box::pin(store.create_user(&user, once, 1));
        for _ in 0..number % 7 {
            let done = std::future::poll_fn(|context| {
                std::task::Poll::Ready(given_up.as_mut().poll(context).is_ready())
            });
            if done.await || number % 2 == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(given_up);
        create(&store, 1_000 + number).await.unwrap();
    }
    store.check().await.unwrap();
}
