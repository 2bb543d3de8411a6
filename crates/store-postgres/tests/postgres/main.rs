//! The store on a real PostgreSQL: the suite of all databases, and what only this one has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod amounts;
mod beside;
mod encryption;
mod errors;
mod ids;
mod listening;
mod opening;
mod outages;
mod plans;
mod proxy;
mod read_only;
mod suite;

use policy::{KeyHash, Scopes};
use store::{Fold, Made, NewKey, NewUser, Store, UsageDelta, UserId};
use store_postgres::PostgresStore;

/// A store on an empty database of the shared server, and the database's URL; `None` when there is no PostgreSQL.
async fn empty() -> Option<(PostgresStore, String)> {
    let url = testkit::Postgres::shared()?.database();
    Some((PostgresStore::connect(&url).await.unwrap(), url))
}

/// Runs SQL in a database of the shared server.
fn sql(url: &str, text: &str) -> String {
    testkit::Postgres::shared().expect("the test has a database").sql(url, text).unwrap()
}

fn ada() -> NewUser {
    NewUser { name: "Ada".into(), email: "ada@example.com".into() }
}

async fn make_ada(store: &PostgresStore) -> UserId {
    store.create_user(&ada(), None, 1).await.map(Made::into_inner).unwrap().id
}

fn key(user_id: UserId, number: u8) -> NewKey {
    NewKey {
        user_id,
        name: "k".into(),
        prefix: "lg_live_000000".into(),
        hash: KeyHash([number; 32]),
        scopes: Scopes::All,
        expires_us: None,
    }
}

fn delta(hour: u64, count: i64, total: i128) -> UsageDelta {
    UsageDelta { user_id: Some(UserId(1)), key_id: None, route: "orders".into(), hour, count, total }
}

fn fold_of(usage: Vec<UsageDelta>) -> Fold {
    Fold { usage, ..Fold::default() }
}
