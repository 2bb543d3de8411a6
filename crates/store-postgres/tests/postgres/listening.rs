//! Other nodes hear of changed keys.

use std::time::Duration;

use store::{ChangeListener, Store};
use store_postgres::PostgresStore;
use tokio::time::timeout;

use crate::{empty, key, make_ada, sql};

/// Longest wait for what has to come.
const WAIT: Duration = Duration::from_secs(20);

async fn hears(listener: &mut dyn ChangeListener) {
    timeout(WAIT, listener.changed()).await.expect("nothing was heard").unwrap();
}

#[tokio::test]
async fn a_change_of_a_key_wakes_another_node() {
    let Some((store, url)) = empty().await else { return };
    let ada = make_ada(&store).await;
    let other = PostgresStore::connect(&url).await.unwrap();
    let mut listener = other.listen().await.unwrap();
    store.create_key(&key(ada, 1), None, 1).await.unwrap();
    hears(&mut *listener).await;
    assert_eq!(other.key_changes(0, 9).await.unwrap().len(), 1);
    store.delete_user(ada, None, 2).await.unwrap();
    hears(&mut *listener).await;
    assert_eq!(other.key_changes(1, 9).await.unwrap()[0].facts, None);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_no_later_hint() {
    let Some((store, _)) = empty().await else { return };
    let ada = make_ada(&store).await;
    let mut listener = store.listen().await.unwrap();
    for number in 0..5 {
        assert!(timeout(Duration::from_millis(1), listener.changed()).await.is_err());
        store.create_key(&key(ada, number), None, 1).await.unwrap();
        hears(&mut *listener).await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_told_at_once_and_replaced() {
    let Some((store, url)) = empty().await else { return };
    let ada = make_ada(&store).await;
    let mut listener = store.listen().await.unwrap();
    sql(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    );
    // Whoever follows looks at the changes after either answer.
    let _ = timeout(WAIT, listener.changed()).await.expect("the loss was not told");
    // A new connection is told as well: what happened between was not heard.
    hears(&mut *listener).await;
    store.create_key(&key(ada, 1), None, 1).await.unwrap();
    hears(&mut *listener).await;
}

#[tokio::test]
async fn a_closed_store_ends_its_listeners() {
    let Some((store, _)) = empty().await else { return };
    let mut listener = store.listen().await.unwrap();
    let waiting = tokio::spawn(async move { listener.changed().await });
    store.close().await;
    assert!(timeout(WAIT, waiting).await.expect("it goes on").unwrap().is_err());
}
