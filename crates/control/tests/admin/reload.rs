//! `POST /reload`.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{ADMIN, Reload, Running};

fn reloading(what: Reload) -> Running {
    let running = Running::start();
    *running.gateway.reload.lock().unwrap() = what;
    running
}

fn wait_for(counter: &AtomicUsize, count: usize) {
    while counter.load(Ordering::SeqCst) < count {
        std::thread::yield_now();
    }
}

#[test]
fn an_accepted_configuration_says_what_changed() {
    let answer = reloading(Reload::Accept).ask("POST", "/reload", Some(ADMIN));
    assert_eq!(answer.status, 200);
    let expected =
        serde_json::json!({ "generation": 2, "changes": ["route `orders` added"], "warnings": [] });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_refused_configuration_lists_every_diagnostic() {
    let answer = reloading(Reload::Refuse).ask("POST", "/reload", Some(ADMIN));
    assert_eq!((answer.status, answer.field("content-type")), (422, Some("application/problem+json")));
    let problem = answer.json();
    assert_eq!(problem["diagnostics"][0]["line"], 3);
    assert_eq!(problem["rendered"], "error: unknown key `pathh`");
    assert!(problem["detail"].as_str().unwrap().contains("stays in force"));
}

#[test]
fn a_panic_shows_nothing_of_the_inside_and_ends_nothing_else() {
    let running = reloading(Reload::Panic);
    let answer = running.ask("POST", "/reload", Some(ADMIN));
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains("secret"), "{answer:?}");
    *running.gateway.reload.lock().unwrap() = Reload::Accept;
    assert_eq!(running.ask("POST", "/reload", Some(ADMIN)).status, 200);
}

#[test]
fn one_reload_at_a_time() {
    let running = reloading(Reload::Wait);
    let mut first = running.connect();
    first.send("POST", "/reload", Some(ADMIN), "");
    wait_for(&running.gateway.reloads_begun, 1);
    assert_eq!(running.ask("POST", "/reload", Some(ADMIN)).status, 409);
    running.gateway.release.notify_one();
    assert_eq!(first.answer().status, 200);
}

#[test]
fn a_reload_goes_on_when_its_client_leaves() {
    let running = reloading(Reload::Wait);
    let mut client = running.connect();
    client.send("POST", "/reload", Some(ADMIN), "");
    wait_for(&running.gateway.reloads_begun, 1);
    drop(client);
    // The server sees the client leave at the latest when it answers somebody else.
    assert_eq!(running.ask("GET", "/health", None).status, 200);
    running.gateway.release.notify_one();
    wait_for(&running.gateway.reloads_ended, 1);
}
