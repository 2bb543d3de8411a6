//! How SQLite answers every statement of this crate with a million users: by an index, never by looking at all rows of a table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, Row, SqliteConnection};
use store::{Page, Store, UserId};

use crate::{Place, connect};

const USERS: u64 = 1_000_000;

/// Rows as fast as SQLite can make them itself.
const SEED: &str = "
    PRAGMA synchronous = OFF;
    BEGIN;
    INSERT INTO users (id, name, email, email_key, created_us, version)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT i, 'user', i || '@example.com', i || '@example.com', 1, 1 FROM n;
    INSERT INTO keys (user_id, name, prefix, hash, created_us, version, change)
        SELECT id, 'key', 'lg_live_', randomblob(32), 1, 1, id FROM users WHERE id <= 50000;
    INSERT INTO usage_hours (hour, user_id, key_id, route, count, total_high, total_low)
        SELECT id / 100, id % 1000, id, 'orders', 1, 0, 5 FROM users WHERE id <= 50000;
    INSERT INTO corrections (user_id, key_id, route, hour, count, total_high, total_low, note, created_us)
        SELECT id % 1000, 0, 'orders', id / 100, 1, 0, 5, '', 1 FROM users WHERE id % 1000 > 0 AND id <= 20000;
    INSERT INTO requests (key, request, made, made_us) SELECT id, x'00', id, id FROM users WHERE id <= 20000;
    INSERT INTO marks (node, segment, offset) SELECT id % 3, id, 1 FROM users WHERE id <= 20000;
    COMMIT;";

#[tokio::test]
async fn every_statement_uses_an_index_with_a_million_users() {
    let place = Place::new();
    let store = place.open().await;
    let mut connection = connect(&place.path()).await;
    connection.execute(SEED).await.unwrap();
    let last = store.users(Page { after: Some(UserId(USERS - 2)), limit: 10 }).await.unwrap();
    assert_eq!(last.iter().map(|user| user.id.0).collect::<Vec<_>>(), [USERS - 1, USERS]);

    let tables = tables(&mut connection).await;
    assert!(tables.len() > 6, "{tables:?}");
    let mut problems = BTreeMap::new();
    for statement in statements() {
        let plan = plan(&mut connection, &statement).await;
        let scans = plan.iter().any(|step| tables.iter().any(|table| reads_all(step, table)));
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        // Sums are grouped as they are asked for, and no index has the order of every grouping.
        if scans || (sorts && !statement.contains("GROUP BY")) {
            problems.insert(statement, plan);
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test]
async fn a_statement_without_an_index_is_found() {
    let place = Place::new();
    let _store = place.open().await;
    let mut connection = connect(&place.path()).await;
    for (statement, table) in [
        ("SELECT id FROM users WHERE name = ?", "users"),
        ("SELECT count FROM usage_hours WHERE route = ?", "usage_hours"),
        ("SELECT id FROM users WHERE lower(email_key) = ?", "users"),
    ] {
        let plan = plan(&mut connection, statement).await;
        assert!(plan.iter().any(|step| reads_all(step, table)), "{plan:?}");
    }
}

/// `SCAN table` looks at all rows, with an index or without. A plan calls a table by its alias, but only what is no table has one here.
fn reads_all(step: &str, table: &str) -> bool {
    step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()) == Some(table)
}

async fn plan(connection: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let text = format!("EXPLAIN QUERY PLAN {statement}");
    let steps = connection.fetch_all(AssertSqlSafe(text)).await.unwrap();
    steps.iter().map(|step| step.get("detail")).collect()
}

/// Tables whose rows grow with what is kept; SQLite's own have a row for each table.
async fn tables(connection: &mut SqliteConnection) -> Vec<String> {
    let names = "SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.fetch_all(names).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Every statement that the crate was compiled with.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let texts = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let statements: Vec<_> = texts
        .map(|text| serde_json::from_str::<Value>(&text).unwrap()["query"].as_str().unwrap().to_owned())
        .collect();
    assert!(statements.len() > 25);
    statements
}
