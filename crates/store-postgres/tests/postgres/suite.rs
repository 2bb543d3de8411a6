//! What every database must do, on a real PostgreSQL.

use std::sync::OnceLock;

use store::Store;
use store::suite::Outcome;
use store_postgres::PostgresStore;
use testkit::Postgres;

store::suite!(run);

/// Runs a case on a database of its own.
fn run(case: impl AsyncFnOnce(&dyn Store) -> Outcome) {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let Some(server) = Postgres::shared() else { return };
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
    runtime.block_on(async {
        let url = server.database();
        let store = PostgresStore::connect(&url).await.unwrap();
        let ended = case(&store).await;
        store.close().await;
        server.drop_database(&url);
        ended.unwrap();
    });
}
