//! A server that takes no writes any more, as one whose place another one took.

use std::time::Duration;

use store::{Store, StoreError, UserChange};
use store_postgres::PostgresStore;
use testkit::Postgres;
use tokio::time::sleep;

use crate::make_ada;

/// Has the sessions there are, and those to come, take writes or not.
async fn set_read_only(server: &Postgres, value: &str) {
    let sql = |text: &str| server.sql(&server.url(), text).unwrap();
    sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
    sql("SELECT pg_reload_conf()");
    while sql("SHOW default_transaction_read_only") != value {
        sleep(Duration::from_millis(20)).await;
    }
}

/// What such a server tells is of the past: a key that was revoked on the other one is good here.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_unavailable_for_reads_too_until_it_takes_them() {
    let Some(server) = Postgres::start_or_skip() else { return };
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    let id = make_ada(&store).await;
    set_read_only(&server, "on").await;
    let unavailable = |error: StoreError| assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    // Over a connection that was there, and then over none: there is only this server.
    for _ in 0..2 {
        unavailable(store.key_changes(0, 1).await.map(drop).unwrap_err());
    }
    unavailable(store.change_user(id, &UserChange::default(), None).await.map(drop).unwrap_err());
    unavailable(PostgresStore::connect(&server.url()).await.map(drop).unwrap_err());
    set_read_only(&server, "off").await;
    store.key_changes(0, 1).await.unwrap();
    store.change_user(id, &UserChange::default(), None).await.unwrap();
}
