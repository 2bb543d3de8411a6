//! Usage and corrections over the API.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::{Running, fields_named};

/// With two users, whose usage is made of corrections.
fn keeping() -> Running {
    let running = Running::start_keeping();
    for email in ["a@b", "b@b"] {
        running.send("POST", "/users", json!({ "name": "x", "email": email }));
    }
    running
}

/// Adds usage; `value` is JSON text.
fn add(running: &Running, user: u64, value: &str, route: &str, at: &str) {
    let body = format!(r#"{{"value":{value},"count":1,"route":"{route}","at":"{at}","note":"n"}}"#);
    let answer = running.send("POST", &format!("/users/{user}/corrections"), body);
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn filled() -> Running {
    let running = keeping();
    add(&running, 1, "1.5", "orders", "2026-11-20T10:00:00Z");
    add(&running, 1, "0.000001", "orders", "2026-11-20T10:59:59Z");
    add(&running, 1, "2", "a,b", "2026-11-21T00:00:00Z");
    add(&running, 2, "9007199254.740993", "orders", "2026-12-01");
    running
}

#[test]
fn usage_is_summed_exactly_by_what_was_asked() {
    let running = filled();
    let check = |path: &str, expected: &str| {
        let answer = running.look(path);
        assert_eq!((answer.status, &*answer.body), (200, expected), "{path}");
    };
    let users = r#"[{"user_id":1,"count":3,"total_value":3.500001},{"user_id":2,"count":1,"total_value":9007199254.740993}]"#;
    check("/usage", users);
    check("/usage?by=user", users);
    check("/usage?by=none", r#"[{"count":4,"total_value":9007199258.240994}]"#);
    check("/usage?user=1&by=none", r#"[{"count":3,"total_value":3.500001}]"#);
    check("/users/1/usage", r#"[{"user_id":1,"count":3,"total_value":3.500001}]"#);
    check(
        "/users/1/usage?from=2026-11-20T10:30:00Z&to=2026-11-21",
        r#"[{"user_id":1,"count":2,"total_value":1.500001}]"#,
    );
    check("/users/1/usage?from=2027-01-01", r#"[{"user_id":1,"count":0,"total_value":0.0}]"#);
    check("/usage?from=2027-01-01", "[]");
    check("/usage?from=2027-01-01&by=none", r#"[{"count":0,"total_value":0.0}]"#);
    check(
        "/users/1/usage?by=route,day,key",
        r#"[{"user_id":1,"key_id":null,"route":"a,b","from":"2026-11-21T00:00:00.000000Z","count":1,"total_value":2.0},{"user_id":1,"key_id":null,"route":"orders","from":"2026-11-20T00:00:00.000000Z","count":2,"total_value":1.500001}]"#,
    );
    check(
        "/usage?by=month",
        r#"[{"from":"2026-11-01T00:00:00.000000Z","count":3,"total_value":3.500001},{"from":"2026-12-01T00:00:00.000000Z","count":1,"total_value":9007199254.740993}]"#,
    );
    check(
        "/users/1/usage?by=hour&to=2026-11-20T11%3A00%3A00%2B00%3A00",
        r#"[{"user_id":1,"from":"2026-11-20T10:00:00.000000Z","count":2,"total_value":1.500001}]"#,
    );
}

#[test]
fn stretches_that_meet_neither_overlap_nor_leave_a_gap() {
    let running = filled();
    let count =
        |query: &str| running.look(&format!("/users/1/usage?{query}")).json()[0]["count"].as_i64().unwrap();
    for middle in ["2026-11-20T10:30:00Z", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", "2026-11-21"] {
        assert_eq!(count(&format!("to={middle}")) + count(&format!("from={middle}")), 3, "{middle}");
    }
}

#[test]
fn a_user_who_was_deleted_has_usage_still() {
    let running = filled();
    running.ask("DELETE", "/users/1", Some(crate::support::ADMIN));
    assert_eq!(running.look("/users/1/usage").status, 404);
    assert_eq!(running.look("/usage?user=1").body, r#"[{"user_id":1,"count":3,"total_value":3.500001}]"#);
}

#[test]
fn words_of_usage_are_checked() {
    let running = keeping();
    for (query, word) in [
        ("from=yesterday", "from"),
        ("to=2026-11-31", "to"),
        ("by=week", "by"),
        ("by=hour,day", "by"),
        ("by=", "by"),
        ("format=xml", "format"),
        ("limit=0", "limit"),
        ("after=x", "after"),
        ("after=...%00", "after"),
        ("u=1", "u"),
    ] {
        for path in ["/usage", "/users/1/usage"] {
            let answer = running.look(&format!("{path}?{query}"));
            assert_eq!(
                (answer.status, fields_named(&answer)),
                (400, vec![word.to_owned()]),
                "{path}?{query}"
            );
        }
    }
    assert_eq!(fields_named(&running.look("/usage?user=x")), ["user"]);
    assert_eq!(fields_named(&running.look("/users/1/usage?user=1")), ["user"]);
}

/// Adds usage in so many hours.
fn add_hours(running: &Running, hours: usize) {
    for hour in 0..hours {
        add(running, 1, "1", "r", &format!("2026-11-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24));
    }
}

#[test]
fn pages_of_usage_follow_each_other_to_the_end() {
    let running = keeping();
    add_hours(&running, 7);
    add(&running, 2, "1", "a b&c", "2026-11-01");
    let (mut path, mut rows) = ("/usage?by=user,key,route,hour&limit=3".to_owned(), Vec::new());
    loop {
        let page = running.look(&path);
        assert_eq!(page.status, 200, "{page:?}");
        rows.extend(page.json().as_array().unwrap().clone());
        let Some(link) = page.field("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(Value::Array(rows.clone()), running.look("/usage?by=user,key,route,hour").json());
    assert_eq!((rows.len(), &rows[7]["route"]), (8, &"a b&c".into()));
}

#[test]
fn csv_and_ndjson_are_sent_whole() {
    let running = keeping();
    add_hours(&running, 7);
    let mut csv = "user_id,from,count,total_value\r\n".to_owned();
    let mut ndjson = String::new();
    for hour in 0..7 {
        let from = format!("2026-11-01T{hour:02}:00:00.000000Z");
        write!(csv, "1,{from},1,1.0\r\n").unwrap();
        writeln!(ndjson, r#"{{"user_id":1,"from":"{from}","count":1,"total_value":1.0}}"#).unwrap();
    }
    let check = |query: &str, accept: &str, media_type: &str, expected: &str| {
        let answer =
            running.look_with(&format!("/users/1/usage?by=hour{query}"), &format!("accept: {accept}\r\n"));
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (200, Some(media_type)),
            "{query} {accept}"
        );
        assert_eq!(answer.body, expected, "{query} {accept}");
    };
    check("", "text/csv", "text/csv; charset=utf-8", &csv);
    check("&format=csv", "application/json", "text/csv; charset=utf-8", &csv);
    check("", "application/x-ndjson", "application/x-ndjson", &ndjson);
    check("&format=ndjson", "*/*", "application/x-ndjson", &ndjson);
    let first = ndjson.lines().take(2).fold(String::new(), |text, line| text + line + "\n");
    check("&format=ndjson&limit=2", "*/*", "application/x-ndjson", &first);
    let empty = running.look("/usage?format=csv&from=2027-01-01");
    assert_eq!(empty.body, "user_id,count,total_value\r\n");
}

#[test]
fn a_correction_is_a_row_of_its_own() {
    let running = keeping();
    let key = running.send("POST", "/users/1/keys", json!({})).json()["id"].clone();
    let body = json!({ "value": -2.5, "count": -1, "key_id": key, "route": "orders",
        "at": "2026-11-20T10:30:00Z", "note": "counted twice" });
    let made = running.send("POST", "/users/1/corrections", &body);
    assert_eq!(made.status, 201, "{made:?}");
    let shown = running.look("/users/1/corrections");
    assert_eq!(shown.body, format!("[{}]", made.body));
    let shown = &shown.json()[0];
    let expected = [
        ("id", json!(1)),
        ("user_id", json!(1)),
        ("key_id", key),
        ("route", json!("orders")),
        ("at", json!("2026-11-20T10:00:00.000000Z")),
        ("count", json!(-1)),
        ("value", json!(-2.5)),
        ("note", json!("counted twice")),
    ];
    for (member, value) in expected {
        assert_eq!(shown[member], value, "{member}");
    }
    let usage = running.look("/users/1/usage?by=key,route");
    assert_eq!(usage.body, r#"[{"user_id":1,"key_id":1,"route":"orders","count":-1,"total_value":-2.5}]"#);
    let plain = running.send("POST", "/users/1/corrections", r#"{"value":1e-6,"note":"n"}"#).json();
    assert_eq!((&plain["key_id"], &plain["route"], &plain["count"]), (&Value::Null, &Value::Null, &0.into()));
    let page = running.look("/users/1/corrections?limit=1");
    assert_eq!(page.field("link"), Some("</users/1/corrections?limit=1&after=1>; rel=\"next\""));
    assert_eq!(running.look("/users/1/corrections?after=1").json(), json!([plain]));
}

#[test]
fn fields_of_a_correction_are_checked() {
    let running = keeping();
    running.send("POST", "/users/2/keys", json!({}));
    let check = |body: &str, fields: &[&str]| {
        let answer = running.send("POST", "/users/1/corrections", body);
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(fields_named(&answer), fields, "{body}");
    };
    check("{}", &["value", "note"]);
    check(r#"{"value":"1","note":"n"}"#, &["value"]);
    check(r#"{"value":1000000000000.000001,"note":"n"}"#, &["value"]);
    check(r#"{"value":1,"count":1.5,"note":"n"}"#, &["count"]);
    check(r#"{"value":1,"count":-1000000000001,"note":"n"}"#, &["count"]);
    check(r#"{"value":1,"key_id":1,"note":"n"}"#, &["key_id"]);
    check(r#"{"value":1,"key_id":7,"note":"n"}"#, &["key_id"]);
    check(r#"{"value":1,"route":"","note":"n"}"#, &["route"]);
    check(r#"{"value":1,"at":"now","note":"n"}"#, &["at"]);
    check(r#"{"value":1,"note":"a\nb"}"#, &["note"]);
    check(r#"{"value":1,"note":"n","user_id":2}"#, &["user_id"]);
    assert_eq!(running.send("POST", "/users/3/corrections", r#"{"value":1,"note":"n"}"#).status, 404);
    assert_eq!(running.look("/users/3/corrections").status, 404);
    assert_eq!(running.look("/users/1/corrections").json(), json!([]));
}

#[test]
fn a_correction_that_is_sent_again_counts_once() {
    let running = keeping();
    let once = "idempotency-key: c1\r\n";
    let first = running.send_with("POST", "/users/1/corrections", once, r#"{"value":1,"note":"n"}"#);
    let again = running.send_with("POST", "/users/1/corrections", once, r#"{"value":1,"note":"n"}"#);
    assert_eq!(
        (again.status, again.field("idempotency-replayed"), again.json()),
        (201, Some("true"), first.json())
    );
    assert_eq!(running.look("/users/1/usage").json()[0]["total_value"], 1.0);
}

#[test]
fn a_correction_that_is_sent_again_is_found_though_its_user_is_gone() {
    let running = keeping();
    let once = "idempotency-key: c1\r\n";
    let send =
        |once: &str| running.send_with("POST", "/users/1/corrections", once, r#"{"value":1,"note":"n"}"#);
    let first = send(once);
    assert_eq!(running.send("DELETE", "/users/1", "").status, 204);
    let again = send(once);
    assert_eq!(
        (again.status, again.field("idempotency-replayed"), again.json()),
        (201, Some("true"), first.json())
    );
    assert_eq!(send("idempotency-key: c2\r\n").status, 404, "the books are closed to what is new");
    assert_eq!(send("").status, 404);
}
