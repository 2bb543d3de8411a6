//! Ids go on behind those that are counted for, however many nodes fold at once.

use std::collections::BTreeSet;

use store::{Fold, Made, NewUser, Store, UserId};
use store_postgres::PostgresStore;

use crate::{delta, empty, fold_of, sql};

/// Moves sequences like PostgreSQL's own function, and takes the longer, the less far it is.
const SLOW: &str = "
    CREATE SCHEMA slow;
    CREATE FUNCTION slow.setval(regclass, BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(greatest(0, 0.4 - $2 / 2000.0));
        RETURN pg_catalog.setval($1, $2);
    END
    $$;
    DO $$
    BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = slow, pg_catalog', current_database());
    END
    $$;";

fn fold_up_to(user: u64, node: u64) -> Fold {
    let counted = store::UsageDelta { user_id: Some(UserId(user)), ..delta(node, 1, 1) };
    Fold { node, ..fold_of(vec![counted]) }
}

async fn make(store: &PostgresStore, number: u64) -> u64 {
    let user = NewUser { name: "Ada".into(), email: format!("ada{number}@example.com") };
    store.create_user(&user, None, 1).await.map(Made::into_inner).unwrap().id.0
}

#[tokio::test]
async fn ids_with_usage_are_not_given_out_whatever_is_done_at_once() {
    let Some((first, url)) = empty().await else { return };
    sql(&url, SLOW);
    first.close().await;
    let nodes = [100, 500, 300, 700].into_iter().map(|user| {
        let url = url.clone();
        tokio::spawn(async move {
            let store = PostgresStore::connect(&url).await.unwrap();
            store.fold(&fold_up_to(user, user)).await.unwrap();
            store.close().await;
        })
    });
    let nodes: Vec<_> = nodes.collect();
    let store = PostgresStore::connect(&url).await.unwrap();
    let mut made = BTreeSet::new();
    for number in 0..20 {
        assert!(made.insert(make(&store, number).await), "an id is given once");
    }
    for node in nodes {
        node.await.unwrap();
    }
    let next = make(&store, 99).await;
    assert!(next > 700 && made.insert(next), "{next} after {made:?}");
}
