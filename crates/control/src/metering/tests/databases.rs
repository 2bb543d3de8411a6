//! What was recorded for one database is not folded into another.

use std::time::SystemTime;

use store::{NewUser, UsageBy, UsageQuery};
use store_sqlite::SqliteStore;

use super::*;

/// What a database counts for user 1.
async fn counted(store: &SqliteStore) -> i64 {
    let by = UsageBy { user: true, ..UsageBy::default() };
    let rows = store.usage(&UsageQuery { by, ..UsageQuery::default() }).await.unwrap();
    assert!(rows.iter().all(|row| row.user_id == Some(store::UserId(1))), "{rows:?}");
    rows.iter().map(|row| row.count).sum()
}

async fn open(dir: &Path, name: &str) -> Arc<SqliteStore> {
    let store = SqliteStore::open(&dir.join(name)).await.unwrap();
    let user = NewUser { name: name.into(), email: format!("{name}@example.com") };
    // Whoever it is in this database, its number is 1.
    let _ = store.create_user(&user, None, 1).await;
    Arc::new(store)
}

/// One start of a gateway on a database: folds what is there, then records requests of user 1, and folds `then`.
async fn run(dir: &Path, store: &Arc<SqliteStore>, requests: u64, then: Then) {
    let data_dir = DataDir::open(dir).unwrap().with_rings_beside_segments();
    let make = |data_dir: &DataDir| Metering::new(Arc::clone(store) as Arc<dyn Store>, data_dir).1;
    let (first, last) = (make(&data_dir), make(&data_dir));
    let (journal, mut writers) = Journal::start(data_dir, JournalOptions::default(), Vec::new()).unwrap();
    first.run(ready(())).await;
    for _ in 0..requests {
        let ts_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
        let record = EventRef {
            id: writers[0].next_id(),
            ts_us,
            latency_us: 0,
            user_id: Some(1),
            value: Some(Value::ONE),
            ..event()
        };
        writers[0].write(&record).unwrap();
    }
    drop(writers);
    journal.stop().unwrap();
    if then == Then::Fold {
        last.run(ready(())).await;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Fold,
    Leave,
}

#[tokio::test]
async fn each_database_gets_what_was_recorded_for_it_whenever_it_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (open(dir.path(), "a").await, open(dir.path(), "b").await);
    run(dir.path(), &a, 10, Then::Fold).await;
    run(dir.path(), &a, 5, Then::Leave).await;
    run(dir.path(), &b, 0, Then::Fold).await;
    assert_eq!((counted(&a).await, counted(&b).await), (10, 0), "user 1 of one is not user 1 of the other");
    run(dir.path(), &b, 7, Then::Fold).await;
    run(dir.path(), &b, 2, Then::Leave).await;
    assert_eq!((counted(&a).await, counted(&b).await), (10, 7));
    run(dir.path(), &a, 100, Then::Fold).await;
    assert_eq!((counted(&a).await, counted(&b).await), (115, 7));
    run(dir.path(), &b, 1000, Then::Fold).await;
    run(dir.path(), &a, 0, Then::Fold).await;
    assert_eq!((counted(&a).await, counted(&b).await), (115, 1009));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_gateway_left_in_rings_is_for_the_database_it_had() {
    let (dir, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Arc::<Books>::default(), Arc::<Books>::default());
    let mut random = Random(3);
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &a);
    write(&mut writer, &mut random, 50);
    wait_until_drained(&journal);
    metering.run(ready(())).await;
    crash(&journal, &mut writer, &mut random, dir.path(), killed.path());
    drop(writer);
    journal.stop().unwrap();
    let (journal, writer, _) = start(killed.path(), u64::MAX, &b);
    drop(writer);
    journal.stop().unwrap();
    fold_everything(killed.path(), &b).await;
    assert_eq!(b.usage(), Usage::new());
    assert_ne!(a.usage(), summed(killed.path()));
    fold_everything(killed.path(), &a).await;
    assert_eq!(a.usage(), summed(killed.path()));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_takes_the_place_of_another_gets_nothing_from_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
    let run = tokio::spawn(metering.run(pending()));
    let mut random = Random(4);
    write(&mut writer, &mut random, 50);
    wait_until_drained(&journal);
    while store.usage() != summed(dir.path()) {
        sleep(Duration::from_millis(5)).await;
    }
    store.restore(&Books::default());
    write(&mut writer, &mut random, 50);
    drop(writer);
    journal.stop().unwrap();
    while store.folds() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    run.abort();
    assert_eq!(store.usage(), Usage::new());
}
