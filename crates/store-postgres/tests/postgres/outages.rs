//! A server that is killed, stands still, or is lost at the worst moment.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use store::{Advance, Fold, Mark, Page, Store, StoreError, UsageQuery};
use store_postgres::PostgresStore;
use testkit::Postgres;

use crate::proxy::{Cut, Proxy};
use crate::{ada, delta, empty, make_ada, sql};

/// Longest time a call may take to say that the server has gone.
const SOON: Duration = Duration::from_secs(6);

#[track_caller]
fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let error = result.expect_err("the server is gone");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_killed_server_is_missed_soon_and_found_again() {
    let Some(mut server) = Postgres::start_or_skip() else { return };
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    let id = make_ada(&store).await;
    server.kill9();
    let began = Instant::now();
    unavailable(store.users(Page { after: None, limit: 1 }).await);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    server.restart().unwrap();
    assert_eq!(store.user(id).await.unwrap().email, ada().email);
    server.stop().unwrap();
    unavailable(store.check().await);
    server.restart().unwrap();
    store.change_user(id, &store::UserChange::default(), Some(1)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stands_still_is_missed_soon() {
    let Some(server) = Postgres::start_or_skip() else { return };
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    let id = make_ada(&store).await;
    server.pause();
    let began = Instant::now();
    unavailable(store.check().await);
    unavailable(PostgresStore::connect(&server.url()).await.map(|_| ()));
    assert!(began.elapsed() < 2 * SOON, "{:?}", began.elapsed());
    server.resume();
    assert_eq!(store.user(id).await.unwrap().id, id);
}

/// Whoever ends connections at once is a server on its way down; whoever speaks another protocol is no server of this kind.
#[tokio::test]
async fn a_server_that_ends_connections_is_missed_and_another_protocol_is_a_failure() {
    for (answer, is_passing) in [("", true), ("HTTP/1.1 400 Bad Request\r\n\r\n", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Read, so that closing does not reset the connection.
                let _ = stream.read(&mut [0; 8]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        let url = format!("postgres://lockgate@127.0.0.1:{port}/lockgate");
        let error = PostgresStore::connect(&url).await.map(|_| ()).unwrap_err();
        assert_eq!(error.is_passing(), is_passing, "{error:?}");
    }
}

fn step(from: u64, to: u64) -> Fold {
    let advances = vec![Advance { segment: 9, from, to }];
    Fold { node: 1, advances, usage: vec![delta(1, 1, 10)], ..Fold::default() }
}

#[tokio::test]
async fn a_fold_is_counted_once_whatever_became_of_its_commit() {
    let Some(server) = Postgres::shared() else { return };
    let proxy = Proxy::to(server.port());
    let store = PostgresStore::connect(&proxy.url(&server.database(), server.port())).await.unwrap();
    let count =
        async || store.usage(&UsageQuery::default()).await.unwrap().first().map_or(0, |row| row.count);

    proxy.cut_next(Cut::Asked);
    unavailable(store.fold(&step(0, 100)).await);
    assert_eq!((store.marks(1).await.unwrap(), count().await), (Vec::new(), 0));
    store.fold(&step(0, 100)).await.unwrap();

    proxy.cut_next(Cut::Answered);
    unavailable(store.fold(&step(100, 200)).await);
    assert_eq!(store.marks(1).await.unwrap(), [Mark { segment: 9, offset: 200 }]);
    let again = store.fold(&step(100, 200)).await;
    assert!(matches!(again, Err(StoreError::Folded)), "{again:?}");
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn a_step_of_the_fold_may_take_longer_than_other_calls() {
    let Some((store, url)) = empty().await else { return };
    let note = |table: &str| {
        format!("CREATE TRIGGER note BEFORE INSERT ON lockgate.{table} FOR EACH ROW EXECUTE FUNCTION note();")
    };
    let body = "BEGIN INSERT INTO noted VALUES (current_setting('statement_timeout')); RETURN new; END";
    let function = format!("CREATE FUNCTION note() RETURNS TRIGGER LANGUAGE plpgsql AS $${body}$$;");
    let tables = note("usage_hours") + &note("users");
    sql(&url, &format!("CREATE TABLE noted (at_most TEXT); {function} {tables}"));
    store.fold(&step(0, 100)).await.unwrap();
    make_ada(&store).await;
    assert_eq!(sql(&url, "SELECT string_agg(at_most, ' ') FROM noted"), "50s 10s");
}

/// Folds go on while the server is killed again and again. What is asked after each loss is only the mark.
#[tokio::test]
async fn kills_at_any_moment_leave_usage_and_marks_in_step() {
    const KILLS: u64 = 5;
    let Some(mut server) = Postgres::start_or_skip() else { return };
    let store = std::sync::Arc::new(PostgresStore::connect(&server.url()).await.unwrap());
    for kill in 0..KILLS {
        let folding = tokio::spawn({
            let store = std::sync::Arc::clone(&store);
            async move {
                loop {
                    let at = store.marks(1).await?.first().map_or(0, |mark| mark.offset);
                    store.fold(&step(at, at + 1)).await?;
                }
            }
        });
        // Each kill comes at another moment of the folds.
        for _ in 0..3 * (kill + 1) {
            store.check().await.unwrap();
        }
        server.kill9();
        let ended: Result<(), StoreError> = folding.await.unwrap();
        unavailable(ended);
        server.restart().unwrap();
    }
    let at = store.marks(1).await.unwrap().first().map_or(0, |mark| mark.offset);
    let rows = store.usage(&UsageQuery::default()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.count as u64).sum::<u64>(), at);
    assert!(at > 0);
}
