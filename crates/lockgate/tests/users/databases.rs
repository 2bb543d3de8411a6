//! A gateway that is given another database: neither its keys nor its requests become somebody else's there.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{GatewayProcess, Postgres};

use crate::LOCKGATE;
use crate::api::{Customer, customer, done};
use crate::books::of_database;
use crate::customers::metered_origin;
use crate::keys::{wait_for, with_key};
use crate::trouble::configuration;

/// Longest wait for the fold.
const WAIT: Duration = Duration::from_secs(60);

#[track_caller]
fn use_up(gateway: &GatewayProcess, customer: &Customer, times: usize) {
    wait_for(200, || with_key(gateway, "/metered/0", customer));
    for _ in 1..times {
        assert_eq!(with_key(gateway, "/metered/0", customer), 200);
    }
}

/// Waits until the whole usage is what user 1 was answered.
#[track_caller]
fn check_usage(gateway: &GatewayProcess, expected: i64) {
    let start = Instant::now();
    loop {
        let counted = of_database(gateway).unwrap_or_default();
        let of_others = counted.keys().any(|(user, ..)| user.is_some_and(|id| id != 1));
        let sum: i64 =
            counted.iter().filter(|((user, ..), _)| user.is_some()).map(|(_, (count, _))| count).sum();
        if sum == expected && !of_others {
            return;
        }
        assert!(start.elapsed() < WAIT, "{expected} expected: {counted:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn another_database_gets_neither_the_keys_nor_the_usage_of_the_one_before() {
    let origin = metered_origin();
    let configuration = |database| configuration(&origin, database);
    let mut gateway = GatewayProcess::start(LOCKGATE, &configuration("sqlite")).unwrap();
    let ada = customer(&gateway, "ada");
    use_up(&gateway, &ada, 30);
    check_usage(&gateway, 30);
    use_up(&gateway, &ada, 10);

    // Killed: some of it may be in rings.
    gateway.kill9();
    gateway.rewrite_config(&configuration("sqlite:other.db")).unwrap();
    gateway.restart().unwrap();
    assert_ne!(with_key(&gateway, "/metered/0", &ada), 200, "nobody has this key here");
    gateway.wait_for_log("this is not the database that usage was counted in before");
    let bob = customer(&gateway, "bob");
    assert_eq!((ada.id, bob.id), (1, 1));
    use_up(&gateway, &bob, 5);
    check_usage(&gateway, 5);
    let key = done(&gateway, 200, "GET", &format!("/keys/{}", bob.key_id), &json!({}));
    assert_eq!((&key["user_id"], key["last_used_at"].is_string()), (&json!(1), true), "{key}");

    gateway.terminate().unwrap();
    gateway.rewrite_config(&configuration("sqlite")).unwrap();
    gateway.restart().unwrap();
    use_up(&gateway, &ada, 2);
    assert_ne!(with_key(&gateway, "/metered/0", &bob), 200);
    check_usage(&gateway, 42);
}

#[test]
fn what_is_asked_before_another_database_answers_is_for_the_one_before() {
    let Some(mut postgres) = Postgres::start_or_skip() else { return };
    let origin = metered_origin();
    let configuration = |database: &str| configuration(&origin, database);
    let mut gateway = GatewayProcess::start(LOCKGATE, &configuration("sqlite")).unwrap();
    let ada = customer(&gateway, "ada");
    use_up(&gateway, &ada, 3);
    gateway.terminate().unwrap();
    let url = postgres.database();
    postgres.kill9();
    gateway.rewrite_config(&configuration(&url)).unwrap();
    gateway.restart().unwrap();
    // As far as anybody can know, it is the database of before that does not answer.
    use_up(&gateway, &ada, 4);
    postgres.restart().unwrap();
    let mut more = 0;
    while with_key(&gateway, "/metered/0", &ada) == 200 {
        more += 1;
    }
    gateway.wait_for_log("the database of users, keys and usage is open");
    let bob = customer(&gateway, "bob");
    use_up(&gateway, &bob, 5);
    check_usage(&gateway, 5);

    gateway.terminate().unwrap();
    gateway.rewrite_config(&configuration("sqlite")).unwrap();
    gateway.restart().unwrap();
    use_up(&gateway, &ada, 1);
    check_usage(&gateway, 3 + 4 + more + 1);
}
