//! `POST /reload`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use control::{LiveEvents, Metrics};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::time::timeout;

use crate::support::{ADMIN, FakeGateway, Reload, Running, admin};

fn reloading(what: Reload) -> Running {
    let running = Running::start();
    *running.gateway.reload.lock().unwrap() = what;
    running
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

#[tokio::test]
async fn one_reload_at_a_time() {
    let running = reloading(Reload::Wait);
    let mut first = running.connect();
    first.send("POST", "/reload", Some(ADMIN), "");
    reached(&running.gateway.reloads_begun, 1).await;
    assert_eq!(running.ask("POST", "/reload", Some(ADMIN)).status, 409);
    running.gateway.release.notify_one();
    assert_eq!(first.answer().status, 200);
}

#[tokio::test]
async fn a_reload_goes_on_when_its_client_leaves() {
    let gateway = Arc::<FakeGateway>::default();
    *gateway.reload.lock().unwrap() = Reload::Wait;
    let admin = admin(&gateway, Metrics::new().1, LiveEvents::new().1);
    let request = Request::post("/reload").header("authorization", format!("Bearer {ADMIN}"));
    let answer = TowerToHyperService::new(admin.router()).call(request.body(Body::empty()).unwrap());
    // What the server does with a request whose connection ends: its future is dropped half way.
    tokio::select! {
        _ = answer => panic!("the reload has not been released"),
        () = reached(&gateway.reloads_begun, 1) => {}
    }
    gateway.release.notify_one();
    reached(&gateway.reloads_ended, 1).await;
}

async fn reached(counter: &AtomicUsize, count: usize) {
    let waiting = async {
        while counter.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.expect("the counter rises in time");
}
