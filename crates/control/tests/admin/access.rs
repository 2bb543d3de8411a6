//! Who gets in, and what refusals look like.

use crate::support::{ADMIN, READ, Running};

#[test]
fn each_path_asks_for_its_token() {
    let running = Running::start();
    let check = |method: &str, path: &str, token: Option<&str>, status: u16| {
        let answer = running.ask(method, path, token);
        assert_eq!(answer.status, status, "{method} {path} with {token:?}: {answer:?}");
    };
    for path in ["/health", "/ready"] {
        [None, Some("wrong"), Some(READ), Some(ADMIN)]
            .into_iter()
            .for_each(|token| check("GET", path, token, 200));
    }
    for path in ["/", "/metrics", "/routes", "/upstreams"] {
        [None, Some("wrong"), Some("")].into_iter().for_each(|token| check("GET", path, token, 401));
        [Some(READ), Some(ADMIN)].into_iter().for_each(|token| check("GET", path, token, 200));
    }
    check("GET", "/events", None, 401);
    check("GET", "/nothing", None, 401);
    check("GET", "/nothing", Some(READ), 404);
    check("GET", "/health/", None, 401);
    check("POST", "/reload", None, 401);
    check("POST", "/reload", Some(READ), 403);
    check("POST", "/reload", Some(ADMIN), 200);
    check("POST", "/routes", Some(READ), 403);
    check("POST", "/routes", Some(ADMIN), 405);
}

#[test]
fn refusals_are_problem_documents() {
    let running = Running::start();
    let check = |method: &str, path: &str, token: Option<&str>, status: u16, title: &str| {
        let answer = running.ask(method, path, token);
        assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{answer:?}");
        let problem = answer.json();
        assert_eq!((&problem["status"], &problem["title"]), (&status.into(), &title.into()));
        assert_eq!((answer.status, &problem["type"]), (status, &"about:blank".into()));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{problem}");
        answer
    };
    let answer = check("GET", "/routes", None, 401, "Unauthorized");
    assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"lockgate\""));
    let answer = check("GET", "/routes", Some("wrong"), 401, "Unauthorized");
    assert!(answer.field("www-authenticate").unwrap().contains("invalid_token"));
    check("POST", "/reload", Some(READ), 403, "Forbidden");
    check("GET", "/nothing", Some(READ), 404, "Not Found");
    let answer = check("DELETE", "/routes", Some(ADMIN), 405, "Method Not Allowed");
    assert_eq!(answer.field("allow"), Some("GET,HEAD"));
    let answer = check("GET", "/reload", Some(READ), 405, "Method Not Allowed");
    assert_eq!(answer.field("allow"), Some("POST"));
    let answer = check("POST", "/health", None, 405, "Method Not Allowed");
    assert_eq!(answer.field("allow"), Some("GET,HEAD"));
    check("GET", "/events?colour=red", Some(READ), 400, "Bad Request");
    check("GET", "/events?status=many", Some(READ), 400, "Bad Request");
    check("GET", "/events?status=200&status=404", Some(READ), 400, "Bad Request");
    check("GET", &format!("/events?route={}", "x".repeat(257)), Some(READ), 400, "Bad Request");
}

#[test]
fn no_answer_may_be_stored_or_taken_for_another_type() {
    let running = Running::start();
    for (path, token) in
        [("/health", None), ("/routes", Some(READ)), ("/routes", None), ("/nothing", Some(READ))]
    {
        let answer = running.ask("GET", path, token);
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let running = Running::start();
    let check = |length: usize, status: u16| {
        let mut client = running.connect();
        client.send("POST", "/reload", Some(ADMIN), &format!("content-length: {length}\r\n"));
        client.send_raw(&vec![b'x'; length.min(control::limits::BODY_BYTES)]);
        assert_eq!(client.answer().status, status, "{length}");
    };
    check(control::limits::BODY_BYTES, 200);
    check(control::limits::BODY_BYTES + 1, 413);
}

#[test]
fn a_stranger_s_body_is_not_waited_for() {
    let running = Running::start();
    let mut client = running.connect();
    client.send("POST", "/reload", None, "content-length: 60000\r\n");
    assert_eq!(client.answer().status, 401);
}
