//! A database that is locked, gone or full, and a clock that is stepped back: traffic and counting go on.

use std::path::{Path, PathBuf};

use serde_json::json;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use testkit::{Disk, GatewayProcess, Origin};

use crate::LOCKGATE;
use crate::api::{Customer, call, customer, done};
use crate::books::check_equal;
use crate::customers::metered_origin;
use crate::keys::{wait_for, with_key};

/// The library that steps a process's clock, of Debian's package `libfaketime`.
fn faketime() -> Option<PathBuf> {
    let architectures = std::fs::read_dir("/usr/lib").ok()?.flatten();
    architectures.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}

pub(crate) fn configuration(origin: &Origin, database: &str) -> String {
    format!(
        "[data]\ndir = \"data\"\ndatabase = \"{database}\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"metered\"\npath = \"/metered/*\"\nupstream = \"origin\"\naccess = \"key\"\n\
         limit = {{ rate = \"1000000/s\", per = \"user\" }}\nmeter = \"response-header:x-units\"\n",
        origin.address()
    )
}

fn start(origin: &Origin, database: &str) -> GatewayProcess {
    GatewayProcess::start(LOCKGATE, &configuration(origin, database))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Asks for one and a half units, so many times; a known key works whatever the database does.
#[track_caller]
fn use_up(gateway: &GatewayProcess, customer: &Customer, times: usize) {
    for _ in 0..times {
        assert_eq!(with_key(gateway, "/metered/1500000", customer), 200);
    }
}

/// That the admin API says what is the matter, and nothing of the inside.
#[track_caller]
fn check_refused(gateway: &GatewayProcess) {
    let user = json!({ "name": "late", "email": "late@example.com" });
    let refused = call(gateway, "POST", "/users", &user);
    assert_eq!(refused.status(), 503, "{}", refused.text());
    assert_eq!(refused.field("content-type"), "application/problem+json");
    assert!(!refused.field("retry-after").is_empty());
    for inside in ["sqlite", "postgres", "sqlx", "SELECT", "INSERT"] {
        assert!(!refused.text().to_lowercase().contains(&inside.to_lowercase()), "{}", refused.text());
    }
}

/// That everything was counted, and that users can be made again.
#[track_caller]
fn check_recovered(gateway: &GatewayProcess, customer: &Customer, times: i64) {
    let user = json!({ "name": "late", "email": "late@example.com" });
    wait_for(201, || call(gateway, "POST", "/users", &user).status());
    check_equal(gateway);
    let usage = done(gateway, 200, "GET", &format!("/users/{}/usage", customer.id), &json!({}));
    assert_eq!(usage[0]["count"], times, "{usage}");
    assert_eq!(usage[0]["total_value"].to_string().parse::<f64>().unwrap(), 1.5 * times as f64, "{usage}");
}

/// Holds SQLite's write lock while something is done.
fn while_locked(database: &Path, act: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
    runtime.block_on(sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection)).unwrap();
    act();
    runtime.block_on(sqlx::query("ROLLBACK").execute(&mut connection)).unwrap();
}

#[test]
fn a_locked_database_stops_neither_keys_nor_counting() {
    let origin = metered_origin();
    let gateway = start(&origin, "sqlite");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/metered/0", &ada));
    let before = check_equal(&gateway).values().map(|(count, _)| count).sum::<i64>();
    while_locked(&gateway.data().join("lockgate.db"), || {
        use_up(&gateway, &ada, 20);
        check_refused(&gateway);
    });
    check_equal(&gateway);
    let usage = done(&gateway, 200, "GET", &format!("/users/{}/usage", ada.id), &json!({}));
    assert_eq!(usage[0]["count"], before + 20, "{usage}");
}

#[test]
fn a_database_that_is_gone_stops_neither_keys_nor_counting() {
    let Some(mut postgres) = testkit::Postgres::start_or_skip() else { return };
    let origin = metered_origin();
    let mut gateway = start(&origin, &postgres.database());
    let ada = customer(&gateway, "ada");
    let mut first = 0;
    wait_for(200, || {
        let status = with_key(&gateway, "/metered/1500000", &ada);
        first += i64::from(status == 200);
        status
    });
    postgres.kill9();
    use_up(&gateway, &ada, 20);
    check_refused(&gateway);
    // A start without it serves the saved keys.
    gateway.restart().unwrap();
    wait_for(200, || {
        let status = with_key(&gateway, "/metered/1500000", &ada);
        first += i64::from(status == 200);
        status
    });
    use_up(&gateway, &ada, 20);
    check_refused(&gateway);
    postgres.restart().unwrap();
    check_recovered(&gateway, &ada, first + 40);
}

#[test]
fn a_full_disk_under_the_database_loses_nothing() {
    let Some(disk) = Disk::start_or_skip() else { return };
    let origin = metered_origin();
    let gateway = start(&origin, &format!("sqlite:{}/lockgate.db", disk.path().display()));
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/metered/0", &ada));
    let before = check_equal(&gateway).values().map(|(count, _)| count).sum::<i64>();
    disk.fill();
    use_up(&gateway, &ada, 20);
    // What SQLite has in its files already may hold a few users more.
    let mut made = 0;
    wait_for(503, || {
        made += 1;
        let name = format!("{made}-{}", "x".repeat(180));
        call(&gateway, "POST", "/users", &json!({ "name": name, "email": format!("u{made}@example.com") }))
            .status()
    });
    use_up(&gateway, &ada, 20);
    disk.empty();
    let user = json!({ "name": "late", "email": "late@example.com" });
    wait_for(201, || call(&gateway, "POST", "/users", &user).status());
    check_equal(&gateway);
    let usage = done(&gateway, 200, "GET", &format!("/users/{}/usage", ada.id), &json!({}));
    assert_eq!(usage[0]["count"], before + 40, "{usage}");
    drop(gateway);
}

/// A gateway whose clock a file steps.
struct Stepped {
    gateway: GatewayProcess,
    clock: PathBuf,
    _clock_dir: TempDir,
}

impl Stepped {
    fn start(origin: &Origin) -> Option<Self> {
        let Some(library) = faketime() else {
            testkit::skip("`libfaketime` is not installed; `cargo xtask test` installs it");
            return None;
        };
        let clock_dir = tempfile::tempdir().unwrap();
        let clock = clock_dir.path().join("clock");
        std::fs::write(&clock, "+0\n").unwrap();
        let environment = [
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            // Deadlines and rates go by the monotonic clock, which nobody steps.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let directory = tempfile::tempdir().unwrap();
        let text = configuration(origin, "sqlite");
        let gateway = GatewayProcess::start_in(LOCKGATE, &text, directory, &environment).unwrap();
        Some(Self { gateway, clock, _clock_dir: clock_dir })
    }

    fn step(&self, by: &str) {
        std::fs::write(&self.clock, format!("{by}\n")).unwrap();
    }
}

#[test]
fn a_clock_stepped_back_changes_no_sum_and_no_key() {
    let origin = metered_origin();
    let Some(mut stepped) = Stepped::start(&origin) else { return };
    let ada = customer(&stepped.gateway, "ada");
    wait_for(200, || with_key(&stepped.gateway, "/metered/0", &ada));
    let mut expected = check_equal(&stepped.gateway).values().map(|(count, _)| count).sum::<i64>();
    for by in ["-3h", "-2d", "+1h", "-400d"] {
        stepped.step(by);
        use_up(&stepped.gateway, &ada, 10);
        // A new start has new segments, whose names say an earlier time than those before.
        stepped.gateway.terminate().unwrap();
        stepped.gateway.restart().unwrap();
        wait_for(200, || with_key(&stepped.gateway, "/metered/0", &ada));
        expected += 11;
        let counted = check_equal(&stepped.gateway).values().map(|(count, _)| count).sum::<i64>();
        assert_eq!(counted, expected, "after a step of {by}");
    }
    // The clock did step: the records say so.
    let hours = check_equal(&stepped.gateway).into_keys().map(|(.., hour)| hour).collect::<Vec<_>>();
    let (first, last) = (hours.iter().min().unwrap(), hours.iter().max().unwrap());
    assert!(last - first > 24 * 300, "{hours:?}");
}
