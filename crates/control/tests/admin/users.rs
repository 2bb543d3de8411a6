//! Users over the API.

use std::collections::HashSet;

use control::KeyHint;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, READ, Running, fields_named};

fn ada() -> Value {
    json!({ "name": "Ada", "email": "ada@example.com" })
}

/// Makes so many users; answers the last one's id.
fn make_users(running: &Running, count: usize) -> u64 {
    let make = |number: usize| {
        let user = json!({ "name": format!("user {number}"), "email": format!("u{number}@example.com") });
        running.send("POST", "/users", user).json()["id"].as_u64().unwrap()
    };
    (0..count).map(make).fold(0, |_, id| id)
}

#[test]
fn a_user_is_made_shown_changed_and_deleted() {
    let running = Running::start_keeping();
    let made = running.send("POST", "/users", ada());
    assert_eq!(
        (made.status, made.field("location"), made.field("etag")),
        (201, Some("/users/1"), Some("\"1\""))
    );
    let user = made.json();
    assert_eq!(
        (&user["id"], &user["name"], &user["email"]),
        (&1.into(), &"Ada".into(), &"ada@example.com".into())
    );
    assert!(user["created_at"].as_str().unwrap().ends_with('Z') && user["version"] == 1, "{user}");
    let shown = running.look("/users/1");
    assert_eq!((shown.status, shown.field("etag"), shown.json()), (200, Some("\"1\""), user));
    let changed = running.send("PATCH", "/users/1", json!({ "name": "Ada L." }));
    assert_eq!((changed.status, changed.field("etag")), (200, Some("\"2\"")));
    assert_eq!(
        (&changed.json()["name"], &changed.json()["email"]),
        (&"Ada L.".into(), &"ada@example.com".into())
    );
    let deleted = running.ask("DELETE", "/users/1", Some(ADMIN));
    assert_eq!((deleted.status, &*deleted.body), (204, ""));
    for (method, path) in [("GET", "/users/1"), ("DELETE", "/users/1"), ("GET", "/users/1/keys")] {
        assert_eq!(running.ask(method, path, Some(ADMIN)).status, 404, "{method} {path}");
    }
    assert_eq!(running.send("PATCH", "/users/1", "{}").status, 404);
    assert_eq!(running.send("POST", "/users", ada()).json()["id"], 2);
}

#[test]
fn pages_follow_each_other_to_the_end_and_hold_everybody_once() {
    let running = Running::start_keeping();
    make_users(&running, 7);
    let (mut path, mut seen, mut pages) = ("/users?limit=3".to_owned(), HashSet::new(), 0);
    loop {
        let page = running.look(&path);
        assert_eq!(page.status, 200, "{page:?}");
        let users = page.json();
        seen.extend(users.as_array().unwrap().iter().map(|user| user["id"].as_u64().unwrap()));
        pages += 1;
        let Some(link) = page.field("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!((pages, seen), (3, (1..=7).collect()));
    assert_eq!(running.look("/users?limit=7").field("link"), None);
    assert_eq!(running.look("/users").json().as_array().unwrap().len(), 7);
    assert_eq!(running.look("/users?after=7").json(), json!([]));
}

#[test]
fn a_user_is_found_by_address_whatever_its_case() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    let check = |query: &str, found: usize| {
        assert_eq!(
            running.look(&format!("/users?{query}")).json().as_array().unwrap().len(),
            found,
            "{query}"
        );
    };
    check("email=ADA%40example.com", 1);
    check("email=ada%40example.com&after=1", 0);
    check("email=bob%40example.com", 0);
}

#[test]
fn words_of_the_query_are_checked() {
    let running = Running::start_keeping();
    for (query, word) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=x", "after"),
        ("after=0", "after"),
        ("email=x", "email"),
        ("email=a%40b%00", "email"),
        ("colour=red", "colour"),
    ] {
        let answer = running.look(&format!("/users?{query}"));
        assert_eq!((answer.status, fields_named(&answer)), (400, vec![word.to_owned()]), "{query}");
    }
    assert_eq!(running.look("/users?email=%ff").status, 400);
}

#[test]
fn fields_are_checked_and_all_that_are_wrong_are_named() {
    let running = Running::start_keeping();
    let check = |body: &str, status: u16, named: &[&str]| {
        let answer = running.send("POST", "/users", body);
        assert_eq!(
            (answer.status, fields_named(&answer)),
            (status, named.iter().map(|&n| n.into()).collect()),
            "{body}"
        );
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    };
    check("", 400, &[]);
    check("{", 400, &[]);
    check("[]", 422, &[]);
    check("{}", 422, &["name", "email"]);
    check(r#"{"name": 1, "email": "x", "id": 7}"#, 422, &["name", "email", "id"]);
    check(r#"{"name": "a\u0000b", "email": "a@b"}"#, 422, &["name"]);
    check(r#"{"name": null, "email": "a@b"}"#, 422, &["name"]);
    check(&json!({ "name": "x".repeat(201), "email": "a@b" }).to_string(), 422, &["name"]);
    check(&json!({ "name": "x", "email": format!("{}@b", "a".repeat(253)) }).to_string(), 422, &["email"]);
    assert_eq!(running.look("/users").json(), json!([]));
}

#[test]
fn a_body_must_say_that_it_is_json() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    let check = |method: &str, path: &str, content_type: &str, status: u16| {
        let mut client = running.connect();
        let body = json!({ "name": "Eve", "email": "eve@example.com" }).to_string();
        client.send(method, path, Some(ADMIN), &format!("{content_type}content-length: {}\r\n", body.len()));
        client.send_raw(body.as_bytes());
        assert_eq!(client.answer().status, status, "{content_type}");
    };
    check("POST", "/users", "", 415);
    check("POST", "/users", "content-type: text/plain\r\n", 415);
    check("POST", "/users", "content-type: application/jsonx\r\n", 415);
    check("POST", "/users", "content-type: Application/JSON; charset=utf-8\r\n", 201);
    check("PATCH", "/users/2", "content-type: application/merge-patch+json\r\n", 200);
}

#[test]
fn an_address_belongs_to_one_user() {
    let running = Running::start_keeping();
    make_users(&running, 2);
    let taken = json!({ "name": "x", "email": "U0@Example.com" });
    assert_eq!(running.send("POST", "/users", &taken).status, 409);
    let answer = running.send("PATCH", "/users/2", json!({ "email": "U0@Example.com" }));
    assert_eq!((answer.status, answer.field("content-type")), (409, Some("application/problem+json")));
    assert_eq!(running.send("PATCH", "/users/1", json!({ "email": "U0@Example.com" })).status, 200);
}

#[test]
fn what_is_no_id_is_the_id_of_nothing() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    for id in [
        "0",
        "2",
        "-1",
        "+1",
        "01",
        "1.0",
        "x",
        "%31%00",
        "%ff",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        for path in [format!("/users/{id}"), format!("/keys/{id}"), format!("/users/{id}/usage")] {
            assert_eq!(running.look(&path).status, 404, "{path}");
        }
    }
    assert_eq!(running.look("/users/%31").status, 200);
}

#[test]
fn a_change_at_another_version_is_refused() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    let check = |method: &str, tags: &str, status: u16| -> Answer {
        let answer =
            running.send_with(method, "/users/1", &format!("if-match: {tags}\r\n"), r#"{"name": "B"}"#);
        assert_eq!(answer.status, status, "{method} {tags}");
        answer
    };
    assert_eq!(check("PATCH", "\"2\"", 412).json()["version"], 1);
    check("PATCH", "W/\"1\"", 412);
    check("PATCH", "\"1\"", 200);
    check("PATCH", "\"1\"", 412);
    check("PATCH", "\"9\", \"2\"", 200);
    check("DELETE", "\"1\", \"2\"", 412);
    check("DELETE", "\"3\"", 204);
    check("PATCH", "*", 404);
}

#[test]
fn a_version_that_is_known_is_not_sent_again() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    let check = |tags: &str, status: u16, is_empty: bool| {
        let answer = running.look_with("/users/1", &format!("if-none-match: {tags}\r\n"));
        assert_eq!((answer.status, answer.body.is_empty()), (status, is_empty), "{tags}");
        assert_eq!(answer.field("etag"), Some("\"1\""));
    };
    check("\"1\"", 304, true);
    check("W/\"1\"", 304, true);
    check("*", 304, true);
    check("\"2\"", 200, false);
}

#[test]
fn a_request_that_is_sent_again_makes_nothing_new() {
    let running = Running::start_keeping();
    let once = "idempotency-key: 8e03978e\r\n";
    let first = running.send_with("POST", "/users", once, ada());
    assert_eq!((first.status, first.field("idempotency-replayed")), (201, None));
    running.send("PATCH", "/users/1", json!({ "name": "Ada L." }));
    let again =
        running.send_with("POST", "/users", once, "{\"email\":\"ada@example.com\" , \"name\":\"Ada\"}");
    assert_eq!((again.status, again.field("idempotency-replayed")), (201, Some("true")));
    assert_eq!((again.field("location"), again.field("etag")), (Some("/users/1"), Some("\"2\"")));
    assert_eq!(again.json()["name"], "Ada L.");
    let other = json!({ "name": "Bob", "email": "bob@example.com" });
    assert_eq!(running.send_with("POST", "/users", once, &other).status, 422);
    assert_eq!(running.send_with("POST", "/users/1/keys", once, "{}").status, 422);
    let long = format!("idempotency-key: {}\r\n", "k".repeat(256));
    assert_eq!(running.send_with("POST", "/users", &long, &other).status, 400);
    assert_eq!(running.look("/users").json().as_array().unwrap().len(), 1);
}

#[test]
fn the_read_only_token_looks_and_changes_nothing() {
    let running = Running::start_keeping();
    running.send("POST", "/users", ada());
    for path in ["/users", "/users/1", "/users/1/keys", "/users/1/usage", "/users/1/corrections", "/usage"] {
        assert_eq!(running.ask("GET", path, None).status, 401, "{path}");
        assert_eq!(running.ask("GET", path, Some(READ)).status, 200, "{path}");
        let mut client = running.connect();
        client.send("HEAD", path, Some(READ), "");
        assert_eq!(client.head().status, 200, "{path}");
    }
    for (method, path) in
        [("POST", "/users"), ("PATCH", "/users/1"), ("DELETE", "/users/1"), ("POST", "/users/1/keys")]
    {
        assert_eq!(running.ask(method, path, Some(READ)).status, 403, "{method} {path}");
    }
}

#[test]
fn options_tells_what_a_path_offers() {
    let running = Running::start_keeping();
    let check = |path: &str, methods: &str| {
        let answer = running.ask("OPTIONS", path, Some(READ));
        assert_eq!((answer.status, answer.field("allow"), &*answer.body), (204, Some(methods), ""), "{path}");
        assert_eq!(running.ask("PUT", path, Some(ADMIN)).status, 405, "{path}");
    };
    check("/users", "GET,HEAD,POST");
    check("/users/1", "GET,HEAD,PATCH,DELETE");
    check("/keys/1/rotate", "POST");
    assert_eq!(running.ask("OPTIONS", "/nothing", Some(READ)).status, 404);
}

#[tokio::test]
async fn deleting_a_user_wakes_whoever_follows_the_keys() {
    let hint = KeyHint::new();
    let running = Running::start_keeping_with(hint.clone());
    running.send("POST", "/users", ada());
    running.send("PATCH", "/users/1", json!({ "name": "B" }));
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, hint.wait()).await;
    assert!(nobody.is_err(), "no key has changed");
    running.ask("DELETE", "/users/1", Some(ADMIN));
    hint.wait().await;
}
