//! A server of its own starts, answers, is killed and comes again.

use super::*;

#[test]
fn what_was_committed_outlives_a_killed_server() {
    let Some(mut server) = Postgres::start_or_skip() else { return };
    let url = server.database();
    server.sql(&url, "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (7)").unwrap();
    let port = server.port();
    server.kill9();
    assert!(server.sql(&url, "SELECT 1").is_err());
    server.restart().unwrap();
    assert_eq!(server.sql(&url, "SELECT n FROM kept").unwrap(), "7");
    assert_eq!(server.port(), port);
    server.stop().unwrap();
    assert!(server.sql(&url, "SELECT 1").is_err());
}

#[test]
fn each_database_is_empty_and_another_one() {
    let Some(server) = Postgres::shared() else { return };
    let (one, other) = (server.database(), server.database());
    server.sql(&one, "CREATE TABLE mine (n INT)").unwrap();
    assert!(server.sql(&other, "SELECT n FROM mine").is_err());
}

#[test]
fn nothing_is_left_behind() {
    let Some(server) = Postgres::start_or_skip() else { return };
    let (directory, url) = (server.directory.clone(), server.url());
    drop(server);
    assert!(!directory.exists());
    assert!(Programs::find().unwrap().sql(&url, "SELECT 1").is_err());
}

#[test]
fn the_guard_ends_a_server_whose_owner_has_gone() {
    let Some(mut server) = Postgres::start_or_skip() else { return };
    let directory = server.directory.clone();
    // What a killed test process leaves: a server that runs, and the closed end of the guard's input.
    let mut running = server.server.take().unwrap();
    let url = server.url();
    drop(server);
    assert!(running.wait().unwrap().code().is_some());
    assert!(!directory.exists());
    assert!(Programs::find().unwrap().sql(&url, "SELECT 1").is_err());
}

#[test]
fn an_encrypting_server_shows_the_certificate_it_made() {
    let server = match Postgres::start_encrypted() {
        Err(PostgresError::Missing) => return crate::skip("PostgreSQL is not installed"),
        other => other.unwrap(),
    };
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), server.certificate().display());
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    // The client runs as the server's user, who may read the certificate.
    assert_eq!(server.sql(&url, sql).unwrap(), "t");
}
