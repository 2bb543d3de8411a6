//! Connections that are encrypted.

use store::{Store, StoreError};
use store_postgres::PostgresStore;
use testkit::{Postgres, PostgresError};

#[tokio::test]
async fn a_server_is_trusted_as_far_as_the_url_says() {
    let server = match Postgres::start_encrypted() {
        Err(PostgresError::Missing) => return testkit::skip("PostgreSQL is not installed"),
        server => server.unwrap(),
    };
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'lockgate'";
    let certificate = format!("sslmode=verify-full&sslrootcert={}", server.certificate().display());
    for parameters in ["sslmode=require", &certificate] {
        let store = PostgresStore::connect(&format!("{}?{parameters}", server.url())).await.unwrap();
        store.check().await.unwrap();
        assert_eq!(server.sql(&server.url(), encrypted).unwrap(), "t", "{parameters}");
        store.close().await;
    }
    // It signed its certificate itself, which nobody knows unless told.
    let unknown = PostgresStore::connect(&format!("{}?sslmode=verify-full", server.url())).await.err();
    assert!(matches!(unknown, Some(StoreError::Failed(_))), "{unknown:?}");
}
