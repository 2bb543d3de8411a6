//! What the endpoints say.

use std::sync::atomic::Ordering;

use control::Readiness;
use serde_json::json;

use crate::support::{ADMIN, READ, Running, event};

#[test]
fn ready_follows_the_gateway_and_health_does_not() {
    let running = Running::start();
    let check = |readiness: Readiness, status: u16, text: &str| {
        *running.gateway.readiness.lock().unwrap() = readiness;
        let answer = running.ask("GET", "/ready", None);
        assert_eq!(answer.status, status, "{readiness:?}");
        assert!(answer.body.contains(text), "{answer:?}");
        assert_eq!(running.ask("GET", "/health", None).status, 200, "{readiness:?}");
    };
    check(Readiness::Starting, 503, "starting");
    check(Readiness::Ready, 200, "ready");
    check(Readiness::Draining, 503, "draining");
}

#[test]
fn routes_and_upstreams_are_plain_arrays() {
    let running = Running::start();
    let route = json!([{ "name": "orders", "host": null, "path": "/orders/*", "methods": ["GET"],
        "target": "upstream orders" }]);
    assert_eq!(running.ask("GET", "/routes", Some(READ)).json(), route);
    let upstream = json!([{ "name": "orders", "endpoints": [{ "address": "orders.internal:9001",
        "resolved": ["10.0.0.7:9001"], "weight": 2, "resting": true, "failures": 3, "open": 4, "idle": 1,
        "health": [{ "address": "10.0.0.7:9001", "state": "out", "reason": "status 503", "passed": 5, "failed": 6 }] }] }]);
    assert_eq!(running.ask("GET", "/upstreams", Some(READ)).json(), upstream);
}

#[test]
fn functions_are_a_plain_array() {
    let function = json!([{
        "name": "thumbnails", "component": "functions/thumbnails.wasm", "hash": "5e".repeat(32),
        "interface": "wasi:http/proxy@0.2", "loaded_at": "2026-11-21T01:20:23.123456Z",
        "routes": ["thumbnails"], "before": [], "outbound": ["orders.internal"],
        "limits": { "memory_bytes": 134_217_728, "time_ms": 10_000, "cpu_ms": 0, "instances": 0, "queue": 0,
            "queue_time_ms": 0, "request_body_bytes": 0, "response_body_bytes": 0, "calls": 0, "log_bytes": 0, "reuse": 0 },
        "calls": 7, "failures": { "function_trapped": 2 }, "running": 1, "waiting": 0, "cpu_seconds": 0.0025,
        "memory_bytes_max": 1_048_576,
    }]);
    assert_eq!(Running::start().ask("GET", "/functions", Some(READ)).json(), function);
}

#[test]
fn a_panic_is_answered_without_the_inside_and_ends_nothing_else() {
    let running = Running::start();
    running.gateway.broken.store(true, Ordering::SeqCst);
    let mut client = running.connect();
    for _ in 0..2 {
        client.send("GET", "/routes", Some(READ), "");
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("content-type")), (500, Some("application/problem+json")));
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
}

#[test]
fn the_index_lists_what_there_is() {
    let running = Running::start();
    let index = running.ask("GET", "/", Some(READ)).json();
    let entries = index["endpoints"].as_array().unwrap();
    assert_eq!(entries.len(), 25);
    for entry in entries {
        let (method, path) = (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap());
        let path = path.replace("{id}", "1");
        let mut client = running.connect();
        client.send(method, &path, Some(ADMIN), "");
        let status = client.head().status;
        let is_kept = path.starts_with("/users") || path.starts_with("/keys") || path.starts_with("/usage");
        // Nothing keeps users here; bodies are looked at before that is.
        assert!(if is_kept { status == 503 || status == 400 } else { status == 200 }, "{entry}: {status}");
        let stranger = running.ask(method, &path, None).status;
        assert_eq!(stranger == 200, entry["token"] == "none", "{entry}");
        let reader = if path == "/events" { 200 } else { running.ask(method, &path, Some(READ)).status };
        assert_eq!(reader == 403, entry["token"] == "admin", "{entry}");
    }
    assert_eq!(running.gateway.reloads_ended.load(Ordering::SeqCst), 1);
}

#[test]
fn metrics_show_what_the_journal_s_reader_saw() {
    let mut running = Running::start();
    running.metrics.observe((0..3).map(|_| event()));
    let answer = running.ask("GET", "/metrics", Some(READ));
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let line = "lockgate_requests_total{route=\"orders\",class=\"2xx\"} 3\n";
    assert!(answer.body.contains(line), "{}", answer.body);
    assert!(answer.body.contains("lockgate_ready 1\n"));
    assert!(!answer.body.contains(ADMIN) && !answer.body.contains(READ));
}

#[test]
fn one_connection_carries_many_requests() {
    let running = Running::start();
    let mut client = running.connect();
    for _ in 0..3 {
        client.send("GET", "/routes", Some(READ), "");
        assert_eq!(client.answer().status, 200);
        client.send("GET", "/nothing", Some(READ), "");
        assert_eq!(client.answer().status, 404);
    }
    client.send("HEAD", "/health", None, "");
    let head = client.head();
    assert_eq!((head.status, head.field("content-length")), (200, Some("18")));
}
