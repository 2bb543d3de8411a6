//! Every list is read along an index, with a million users.

use std::path::Path;
use std::sync::OnceLock;

use store::{Page, Store, UsageBy, UsageQuery, UserId};
use store_postgres::PostgresStore;

use crate::{empty, sql};

/// A million users with a key and an hour of usage each, spread over a year; a thousand corrections.
const MILLION: &str = "
    INSERT INTO lockgate.users (name, email, email_key, created_us)
        SELECT 'u' || n, n || '@example.com', n || '@example.com', n FROM generate_series(1, 1000000) AS n;
    INSERT INTO lockgate.keys (user_id, name, prefix, hash, created_us, change)
        SELECT n, 'k', 'p', sha256(n::TEXT::BYTEA), n, n FROM generate_series(1, 1000000) AS n;
    INSERT INTO lockgate.key_uses SELECT n, n FROM generate_series(1, 1000000) AS n;
    INSERT INTO lockgate.usage_hours
        SELECT n, n, 'orders', 490000 + n % 8760, 1, n FROM generate_series(1, 1000000) AS n;
    INSERT INTO lockgate.corrections (user_id, key_id, route, hour, count, total, note, created_us)
        SELECT n * 1000, 0, 'orders', 490000 + n, 0, -1, '', 0 FROM generate_series(1, 1000) AS n;
    INSERT INTO lockgate.marks SELECT n % 10, n, 1 FROM generate_series(1, 20000) AS n;
    INSERT INTO lockgate.once SELECT n::TEXT, '', n, n FROM generate_series(1, 20000) AS n;
    ANALYZE;";

/// What tells a statement from the others, and arguments to plan it with.
const ARGUMENTS: [(&str, &[&str]); 12] = [
    ("FROM lockgate.users WHERE id > $1 ORDER BY id", &["0, 100", "999000, 100"]),
    ("FROM lockgate.users WHERE id = $1 FOR KEY SHARE", &["5"]),
    ("version FROM lockgate.users WHERE id = $1", &["5"]),
    ("FROM lockgate.users WHERE email_key", &["'5@example.com'"]),
    ("WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3", &["5, 0, 100"]),
    ("LEFT JOIN lockgate.key_uses ON key_id = id WHERE id = $1", &["5"]),
    ("SELECT version FROM lockgate.keys WHERE id = $1", &["5"]),
    ("FROM lockgate.keys WHERE user_id = $1 AND revoked_us IS NULL", &["5"]),
    ("FROM lockgate.keys WHERE change > $1", &["0, 1000", "999000, 1000"]),
    ("FROM lockgate.marks WHERE node", &["5"]),
    ("FROM lockgate.corrections WHERE id = $1", &["5"]),
    (
        "FROM lockgate.usage_parts",
        &[
            // All users' usage, page by page: the first one, and one in the middle.
            "0, 9223372036854775807, 0, 9223372036854775807, TRUE, FALSE, FALSE, NULL, NULL, NULL, NULL, NULL, 100",
            "500000, 9223372036854775807, 0, 9223372036854775807, TRUE, TRUE, TRUE, 'day', 500000, 0, '', 0, 100",
            // One user's, in days.
            "5, 5, 0, 9223372036854775807, TRUE, FALSE, FALSE, 'day', NULL, NULL, NULL, NULL, NULL",
            // A day of everybody's, by route.
            "0, 9223372036854775807, 492000, 492024, FALSE, FALSE, TRUE, 'hour', NULL, NULL, NULL, NULL, NULL",
        ],
    ),
];

/// The URL of the database with them; `None` when there is no PostgreSQL.
fn million() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    let make = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (store, url) = runtime.block_on(empty())?;
        runtime.block_on(store.close());
        sql(&url, MILLION);
        Some(url)
    };
    // A thread of its own: here may be a runtime, and none begins within another.
    URL.get_or_init(|| std::thread::spawn(make).join().unwrap()).as_deref()
}

#[test]
fn every_list_uses_an_index_with_a_million_users() {
    let Some(url) = million() else { return };
    let mut looked_at = 0;
    for statement in statements() {
        let found = ARGUMENTS.iter().find(|(part, _)| statement.contains(part));
        let (_, arguments) = found.unwrap_or_else(|| panic!("no arguments for: {statement}"));
        for arguments in *arguments {
            let explain = format!("PREPARE it AS {statement}; EXPLAIN EXECUTE it({arguments})");
            // As the store does for pages of usage by user.
            let paged = statement.contains("usage_parts") && arguments.ends_with("100");
            let settings = if paged { "SET enable_hashagg = off; SET enable_seqscan = off; " } else { "" };
            let explain = format!("SET plan_cache_mode = force_custom_plan; {settings}{explain}");
            let plan = sql(url, &explain);
            assert!(!plan.contains("Seq Scan"), "{statement}\n{arguments}\n{plan}");
            assert!(plan.contains("Index"), "{statement}\n{arguments}\n{plan}");
            looked_at += 1;
        }
    }
    assert!(looked_at >= ARGUMENTS.len(), "{looked_at}");
}

/// Pages read about as much as they show, however much there is: looked up in what the server counts of its own reading.
#[tokio::test]
async fn pages_stop_where_they_are_full() {
    let Some(url) = million() else { return };
    let store = PostgresStore::connect(url).await.unwrap();
    let before = rows_read(url);
    let by = UsageBy { user: true, ..UsageBy::default() };
    let mut after = None;
    for page in 0..5 {
        let rows = store.usage(&UsageQuery { by, after, limit: 100, ..UsageQuery::default() }).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| row.user_id.unwrap().0).collect::<Vec<_>>(),
            (page * 100 + 1..=page * 100 + 100).collect::<Vec<_>>()
        );
        after = rows.into_iter().last();
        let start = Some(UserId(200_000 * page));
        assert_eq!(store.users(Page { after: start, limit: 100 }).await.unwrap().len(), 100);
        assert_eq!(store.key_changes(200_000 * page, 100).await.unwrap().len(), 100);
    }
    // The sessions tell of what they read when they end at the latest.
    store.close().await;
    let read = rows_read(url) - before;
    assert!((500..5_000).contains(&read), "{read} rows were read");
}

fn rows_read(url: &str) -> u64 {
    let of_tables = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'lockgate'";
    let of_indexes = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'lockgate'";
    sql(url, &format!("SELECT ({of_tables}) + ({of_indexes})")).parse().unwrap()
}

/// The statements that read rows of our tables, in one line each, from what is kept of them for compiling.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let statements = files.map(|text| {
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        kept["query"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    });
    // A sequence is one row, and so is the database's name.
    let is_one_row = |text: &String| text.contains("_id_seq") || text.contains("lockgate.identity");
    let reads =
        |text: &String| text.starts_with("SELECT") && text.contains("FROM lockgate.") && !is_one_row(text);
    statements.filter(reads).collect()
}
