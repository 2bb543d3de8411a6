//! Connecting: migrations, and databases that will not have us.

use std::time::{Duration, Instant};

use store::{Store, StoreError};
use store_postgres::PostgresStore;
use testkit::Postgres;

use crate::{ada, empty, make_ada, sql};

#[tokio::test]
async fn nodes_that_start_at_once_make_one_database() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresStore::connect(&url).await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap().check().await.unwrap();
    }
    assert_eq!(sql(&url, "SELECT count(*) FROM lockgate.migrations"), "2");
}

#[tokio::test]
async fn what_is_there_is_found_again() {
    let Some((store, url)) = empty().await else { return };
    let id = make_ada(&store).await;
    store.close().await;
    let again = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(again.user_by_email(&ada().email).await.unwrap().id, id);
}

#[tokio::test]
async fn each_database_has_a_name_that_a_backup_keeps() {
    let Some((store, url)) = empty().await else { return };
    let Some((other, copy)) = empty().await else { return };
    let name = store.identity().await.unwrap();
    assert_ne!(name, other.identity().await.unwrap());
    // What a backup holds of it.
    let id = sql(&url, "SELECT id FROM lockgate.identity");
    sql(&copy, &format!("UPDATE lockgate.identity SET id = '{id}'"));
    assert_eq!(PostgresStore::connect(&copy).await.unwrap().identity().await.unwrap(), name);
}

#[tokio::test]
async fn tables_of_others_are_left_alone() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    sql(&url, "CREATE TABLE users (theirs INT); INSERT INTO users VALUES (1)");
    make_ada(&PostgresStore::connect(&url).await.unwrap()).await;
    assert_eq!(sql(&url, "SELECT * FROM users"), "1");
}

/// As an operator makes it who gives no more rights than need be. PostgreSQL asks for the right to make schemas even where there is nothing to make.
#[tokio::test]
async fn who_owns_the_schema_needs_no_right_to_make_one() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.database();
    sql(&url, "CREATE ROLE schema_owner LOGIN; CREATE SCHEMA lockgate AUTHORIZATION schema_owner");
    let url = url.replace("postgres://postgres@", "postgres://schema_owner@");
    for _ in 0..2 {
        let store = PostgresStore::connect(&url).await.unwrap();
        store.check().await.unwrap();
        store.close().await;
    }
    let none = server.database().replace("postgres://postgres@", "postgres://schema_owner@");
    let refusal = PostgresStore::connect(&none).await.err().unwrap();
    assert!(matches!(refusal, StoreError::Failed(_)), "{refusal:?}");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let Some((store, url)) = empty().await else { return };
    store.close().await;
    sql(
        &url,
        "INSERT INTO lockgate.migrations
         SELECT v, 'later', now(), TRUE, '', 0 FROM unnest(ARRAY[7, 99]) AS v",
    );
    let refusal = PostgresStore::connect(&url).await.err().unwrap();
    assert!(matches!(refusal, StoreError::Newer { found: 99, known: 2 }), "{refusal:?}");
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let Some((store, url)) = empty().await else { return };
    store.close().await;
    sql(&url, "UPDATE lockgate.migrations SET checksum = 'x'");
    let refusal = PostgresStore::connect(&url).await.err().unwrap();
    assert!(matches!(refusal, StoreError::Failed(_)), "{refusal:?}");
}

#[tokio::test]
async fn nobody_who_listens_is_unavailable_and_a_wrong_name_is_a_failure() {
    let began = Instant::now();
    let free = testkit::FreeAddress::new();
    let url = format!("postgres://postgres@{}/none", free.address());
    let nobody = PostgresStore::connect(&url).await.err().unwrap();
    assert!(matches!(nobody, StoreError::Unavailable(_)), "{nobody:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let Some(server) = Postgres::shared() else { return };
    for wrong in ["postgres://postgres@localhost:1/x y?port=z".to_owned(), format!("{}_not", server.url())] {
        let refusal = PostgresStore::connect(&wrong).await.err().unwrap();
        assert!(matches!(refusal, StoreError::Failed(_)), "{refusal:?}");
    }
}
