//! Keys over the API.

use control::KeyHint;
use lockgate_event::Timestamp;
use serde_json::{Value, json};

use crate::support::{ADMIN, Running, fields_named};

fn keeping() -> Running {
    keeping_with(KeyHint::new())
}

/// With one user.
fn keeping_with(hint: KeyHint) -> Running {
    let running = Running::start_keeping_with(hint);
    assert_eq!(running.send("POST", "/users", json!({ "name": "Ada", "email": "a@b" })).status, 201);
    running
}

fn make(running: &Running, body: &Value) -> Value {
    let answer = running.send("POST", "/users/1/keys", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// Seconds between two times of an answer. Texts of times grow with them, so that one can be searched for.
fn seconds_between(earlier: &Value, later: &Value) -> u64 {
    let us_of = |time: &Value| {
        let (mut low, mut high) = (0_u64, 4_000_000_000_000_000);
        while low < high {
            let middle = low.midpoint(high);
            if *Timestamp::from_unix_us(middle).to_string() < *time.as_str().unwrap() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    (us_of(later) - us_of(earlier)) / 1_000_000
}

#[test]
fn a_key_s_text_is_shown_once_and_only_once() {
    let running = keeping();
    let made = running.send("POST", "/users/1/keys", json!({ "name": "laptop" }));
    assert_eq!(
        (made.status, made.field("location"), made.field("etag")),
        (201, Some("/keys/1"), Some("\"1\""))
    );
    let key = made.json();
    let secret = key["secret"].as_str().unwrap();
    assert!(policy::KeyHash::of_presented(secret.as_bytes()).is_some(), "{secret}");
    assert!(secret.starts_with("lg_live_") && secret.starts_with(key["prefix"].as_str().unwrap()));
    assert_eq!((&key["user_id"], &key["name"], &key["scopes"]), (&1.into(), &"laptop".into(), &Value::Null));
    assert_eq!(
        (&key["expires_at"], &key["revoked_at"], &key["last_used_at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    for path in ["/keys/1", "/users/1/keys"] {
        let shown = running.look(path);
        assert_eq!(shown.status, 200);
        assert!(!shown.body.contains(secret) && !shown.body.contains("secret"), "{shown:?}");
    }
    let mut without = key.clone();
    without.as_object_mut().unwrap().remove("secret");
    assert_eq!(running.look("/keys/1").json(), without);
    assert_eq!(running.look("/users/1/keys").json(), json!([without]));
    assert_ne!(make(&running, &json!({}))["secret"], key["secret"]);
}

#[test]
fn a_key_says_what_it_was_asked_to_be() {
    let running = keeping();
    let key = make(
        &running,
        &json!({ "environment": "test", "scopes": ["orders", "later"],
        "expires_at": "2030-01-01T00:00:00+01:00" }),
    );
    assert!(key["secret"].as_str().unwrap().starts_with("lg_test_"));
    assert_eq!((&key["name"], &key["scopes"]), (&"default".into(), &json!(["orders", "later"])));
    assert_eq!(key["expires_at"], "2029-12-31T23:00:00.000000Z");
    let key = make(&running, &json!({ "expires_in": "90m", "scopes": [] }));
    assert_eq!((seconds_between(&key["created_at"], &key["expires_at"]), &key["scopes"]), (5400, &json!([])));
    let key = make(&running, &json!({ "expires_at": null, "scopes": null }));
    assert_eq!((&key["expires_at"], &key["scopes"]), (&Value::Null, &Value::Null));
}

#[test]
fn fields_of_a_key_are_checked() {
    let running = keeping();
    let check = |body: Value, field: &str| {
        let answer = running.send("POST", "/users/1/keys", &body);
        assert_eq!((answer.status, fields_named(&answer)), (422, vec![field.to_owned()]), "{body}");
    };
    check(json!({ "name": "" }), "name");
    check(json!({ "environment": "Live" }), "environment");
    check(json!({ "environment": "abcdefghijklm" }), "environment");
    check(json!({ "environment": null }), "environment");
    check(json!({ "scopes": "orders" }), "scopes");
    check(json!({ "scopes": [1] }), "scopes");
    check(json!({ "scopes": [""] }), "scopes");
    check(json!({ "scopes": vec!["x"; 65] }), "scopes");
    check(json!({ "expires_at": "tomorrow" }), "expires_at");
    check(json!({ "expires_in": "soon" }), "expires_in");
    check(json!({ "expires_in": "1d", "expires_at": "2030-01-01" }), "expires_in");
    check(json!({ "secret": "mine" }), "secret");
    assert_eq!(running.send("POST", "/users/2/keys", json!({})).status, 404);
    assert_eq!(running.look("/users/1/keys").json(), json!([]));
}

#[test]
fn a_key_is_changed_and_revoked() {
    let running = keeping();
    make(&running, &json!({ "scopes": ["a"], "expires_in": "1d" }));
    let patch = |body: Value| running.send("PATCH", "/keys/1", body);
    let changed = patch(json!({ "name": "phone", "scopes": ["b"], "expires_at": "2030-01-01" }));
    assert_eq!((changed.status, changed.field("etag")), (200, Some("\"2\"")));
    assert_eq!((&changed.json()["name"], &changed.json()["scopes"]), (&"phone".into(), &json!(["b"])));
    let freed = patch(json!({ "scopes": null, "expires_at": null })).json();
    assert_eq!(
        (&freed["scopes"], &freed["expires_at"], &freed["name"]),
        (&Value::Null, &Value::Null, &"phone".into())
    );
    assert_eq!(fields_named(&patch(json!({ "name": null, "prefix": "x" }))), ["name", "prefix"]);
    assert_eq!(running.send_with("PATCH", "/keys/1", "if-match: \"1\"\r\n", "{}").status, 412);
    assert_eq!(running.send_with("DELETE", "/keys/1", "if-match: \"1\"\r\n", "").status, 412);
    assert_eq!(running.ask("DELETE", "/keys/1", Some(ADMIN)).status, 204);
    assert!(running.look("/keys/1").json()["revoked_at"].is_string());
    assert_eq!(patch(json!({ "name": "x" })).status, 404);
    assert_eq!(running.ask("DELETE", "/keys/1", Some(ADMIN)).status, 404);
    assert_eq!(running.send("POST", "/keys/1/rotate", "").status, 404);
}

#[test]
fn a_rotated_key_ends_when_the_overlap_is_over() {
    let running = keeping();
    let old = make(&running, &json!({ "name": "laptop", "environment": "test", "scopes": ["a"] }));
    let answer = running.send("POST", "/keys/1/rotate", json!({ "overlap": "2h" }));
    assert_eq!((answer.status, answer.field("location")), (201, Some("/keys/2")));
    let new = answer.json();
    assert!(new["secret"].as_str().unwrap().starts_with("lg_test_") && new["secret"] != old["secret"]);
    assert_eq!(
        (&new["name"], &new["scopes"], &new["expires_at"]),
        (&"laptop".into(), &json!(["a"]), &Value::Null)
    );
    let old = running.look("/keys/1").json();
    assert_eq!(seconds_between(&new["created_at"], &old["expires_at"]), 7200);
    // Without a body: a day.
    let newest = running.ask("POST", "/keys/2/rotate", Some(ADMIN)).json();
    let new = running.look("/keys/2").json();
    assert_eq!(seconds_between(&newest["created_at"], &new["expires_at"]), 86_400);
    assert_eq!(fields_named(&running.send("POST", "/keys/3/rotate", json!({ "overlap": 5 }))), ["overlap"]);
}

#[test]
fn a_key_that_is_asked_for_again_is_not_shown_again() {
    let running = keeping();
    let once = "idempotency-key: k1\r\n";
    let first = running.send_with("POST", "/users/1/keys", once, r#"{"name":"laptop"}"#);
    let again = running.send_with("POST", "/users/1/keys", once, r#"{"name":"laptop"}"#);
    assert_eq!((again.status, again.field("idempotency-replayed")), (201, Some("true")));
    assert_eq!((&again.json()["id"], &again.json()["secret"]), (&first.json()["id"], &Value::Null));
    let once = "idempotency-key: k2\r\n";
    let first = running.send_with("POST", "/keys/1/rotate", once, "");
    let again = running.send_with("POST", "/keys/1/rotate", once, "");
    assert_eq!((&again.json()["id"], &again.json()["secret"]), (&first.json()["id"], &Value::Null));
    assert_eq!(running.look("/users/1/keys").json().as_array().unwrap().len(), 2);
}

#[test]
fn keys_come_in_pages_of_their_user() {
    let running = keeping();
    running.send("POST", "/users", json!({ "name": "Bob", "email": "b@b" }));
    running.send("POST", "/users/2/keys", json!({}));
    (0..3).for_each(|_| drop(make(&running, &json!({}))));
    let page = running.look("/users/1/keys?limit=2");
    assert_eq!(page.field("link"), Some("</users/1/keys?limit=2&after=3>; rel=\"next\""));
    let rest = running.look("/users/1/keys?limit=2&after=3").json();
    assert_eq!(
        (rest.as_array().unwrap().len(), &rest[0]["id"], &rest[0]["user_id"]),
        (1, &4.into(), &1.into())
    );
}

#[tokio::test]
async fn every_change_of_a_key_wakes_whoever_follows_them() {
    let hint = KeyHint::new();
    let running = keeping_with(hint.clone());
    make(&running, &json!({}));
    hint.wait().await;
    running.send("PATCH", "/keys/1", json!({ "name": "x" }));
    hint.wait().await;
    running.send("POST", "/keys/1/rotate", json!({}));
    hint.wait().await;
    running.ask("DELETE", "/keys/1", Some(ADMIN));
    hint.wait().await;
}
