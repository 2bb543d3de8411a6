//! Users, keys and usage from the command line, as an operator keeps them.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Answer, GatewayProcess, Origin};

use crate::start;

/// A new, changed or revoked key is in force within this time.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(1);
/// Longest wait for what the fold puts into the books.
const FOLDED_WITHIN: Duration = Duration::from_secs(20);

/// A gateway with two routes that ask for keys, in front of a service that answers 2.5 units.
fn guarded_gateway() -> (GatewayProcess, Origin) {
    let origin =
        Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nX-Units: 2.5\r\nContent-Length: 2\r\n\r\nok"));
    let route = |name: &str| {
        format!(
            "[[route]]\nname = \"{name}\"\npath = \"/{name}/*\"\nupstream = \"origin\"\naccess = \"key\"\n\
             meter = \"response-header:x-units\"\n"
        )
    };
    let upstream = format!("[upstream.origin]\nendpoints = [\"{}\"]\n", origin.address());
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    (start(&[listener, &upstream, &route("orders"), &route("stock")].concat()), origin)
}

/// Runs a command beside the gateway; answers exit status, standard output and standard error.
fn run(gateway: &GatewayProcess, line: &str) -> (Option<i32>, String, String) {
    let place = ["--admin", &gateway.ports().admin];
    let output = gateway.command(place.into_iter().chain(line.split(' '))).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs a command that succeeds; answers standard output.
#[track_caller]
fn done(gateway: &GatewayProcess, line: &str) -> String {
    let (status, out, err) = run(gateway, line);
    assert_eq!(status, Some(0), "{line}\n{err}");
    out
}

#[track_caller]
fn json(gateway: &GatewayProcess, line: &str) -> Value {
    serde_json::from_str(&done(gateway, &format!("{line} --json"))).unwrap()
}

/// Runs a command that is answered with no.
#[track_caller]
fn refused(gateway: &GatewayProcess, line: &str, reason: &str) {
    let (status, out, err) = run(gateway, line);
    assert_eq!((status, out.as_str()), (Some(1), ""), "{line}\n{err}");
    assert!(err.starts_with("error: ") && err.contains(reason), "{line}\n{err}");
}

/// The status of a request with a key.
fn status(gateway: &GatewayProcess, path: &str, key: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n\r\n");
    gateway.ask(request).unwrap().status()
}

/// Waits until a request with a key has this status.
#[track_caller]
fn becomes(gateway: &GatewayProcess, path: &str, key: &str, expected: u16) {
    let began = Instant::now();
    while status(gateway, path, key) != expected {
        assert!(began.elapsed() < IN_FORCE_WITHIN, "{path} is not {expected} in time");
    }
}

#[test]
fn users_are_kept_from_the_command_line() {
    let (gateway, _origin) = guarded_gateway();
    let (status, out, err) = run(&gateway, "users list");
    assert_eq!((status, out.as_str()), (Some(0), ""));
    assert!(err.contains("lockgate users create"), "{err}");
    let ada = json(&gateway, "users create --name Ada --email ada@example.com");
    assert_eq!((&ada["name"], &ada["email"]), (&"Ada".into(), &"ada@example.com".into()));
    done(&gateway, "users create --name Grace --email grace@example.com");
    assert_eq!(json(&gateway, "users show ada@example.com"), ada);
    assert_eq!(json(&gateway, &format!("users show {}", ada["id"])), ada);
    assert_eq!(json(&gateway, "users list").as_array().unwrap().len(), 2);
    assert_eq!(json(&gateway, "users list --limit 1")[0], ada);
    assert!(done(&gateway, "users list --email grace@example.com").contains("Grace"));
    assert_eq!(
        json(&gateway, "users update ada@example.com --email a.l@example.com")["email"],
        "a.l@example.com"
    );
    refused(&gateway, "users create --name G --email GRACE@example.com", "e-mail");
    refused(&gateway, "users create --name G --email nowhere", "`email`");
    refused(&gateway, "users show ada@example.com", "no user has the e-mail address");
    refused(&gateway, "users show 999", "user 999 is not shown");
    done(&gateway, "users delete a.l@example.com");
    refused(&gateway, "users delete 1", "user 1 is not deleted");
    assert_eq!(done(&gateway, "users list").lines().count(), 2, "the names of the columns and Grace");
}

#[test]
fn a_list_of_many_users_is_whole() {
    let (gateway, _origin) = guarded_gateway();
    let token = std::fs::read_to_string(gateway.data().join("admin-token")).unwrap();
    let mut api = testkit::RawClient::connect(&gateway.ports().admin).unwrap();
    for number in 0..1_001 {
        let body = format!(r#"{{"name":"User {number}","email":"{number}@example.com"}}"#);
        let request = format!(
            "POST /users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            token.trim(),
            body.len()
        );
        assert_eq!(api.ask(request).unwrap().status(), 201);
    }
    let users = json(&gateway, "users list");
    let emails: Vec<_> =
        users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(emails, (0..1_001).map(|number| format!("{number}@example.com")).collect::<Vec<_>>());
    assert_eq!(done(&gateway, "users list").lines().count(), 1_002);
    assert_eq!(json(&gateway, "users list --limit 700").as_array().unwrap().len(), 700);
}

#[test]
fn a_key_opens_its_routes_until_it_is_revoked() {
    let (gateway, _origin) = guarded_gateway();
    done(&gateway, "users create --name Ada --email ada@example.com");
    let key = done(&gateway, "keys create ada@example.com --scope orders --name ci --quiet");
    let key = key.trim();
    assert!(key.starts_with("lg_live_"), "{}", key.len());
    becomes(&gateway, "/orders/7", key, 200);
    assert_eq!(status(&gateway, "/stock/7", key), 403);
    let listed = json(&gateway, "keys list ada@example.com");
    assert_eq!((&listed[0]["name"], &listed[0]["scopes"][0]), (&"ci".into(), &"orders".into()));
    assert!(!done(&gateway, "keys list ada@example.com").contains(key));
    let new = json(&gateway, &format!("keys rotate {} --overlap 1h", listed[0]["id"]));
    becomes(&gateway, "/orders/7", new["secret"].as_str().unwrap(), 200);
    assert_eq!(status(&gateway, "/orders/7", key), 200, "the old one goes on for an hour");
    assert!(done(&gateway, "keys list 1").contains("expires in"), "the old one");
    assert_eq!(done(&gateway, &format!("keys revoke {}", new["id"])), format!("revoked key {}\n", new["id"]));
    becomes(&gateway, "/orders/7", new["secret"].as_str().unwrap(), 401);
    assert!(done(&gateway, "keys list 1").contains("revoked "));
    refused(&gateway, &format!("keys revoke {}", new["id"]), "is not revoked");
    refused(&gateway, "keys create 7", "user 7 gets no key");
    refused(&gateway, "keys create 1 --expires soon", "`expires_in`");
    refused(&gateway, "keys create 1 --env Live", "`environment`");
    done(&gateway, "users delete ada@example.com");
    becomes(&gateway, "/orders/7", key, 401);
}

#[test]
fn usage_is_what_was_served() {
    let (gateway, _origin) = guarded_gateway();
    let mut expected = Vec::new();
    for (id, name) in [(1, "ada"), (2, "grace")] {
        done(&gateway, &format!("users create --name {name} --email {name}@example.com"));
        let key = done(&gateway, &format!("keys create {id} --quiet"));
        becomes(&gateway, "/orders/0", key.trim(), 200);
        for number in 1..3 + id {
            assert_eq!(status(&gateway, &format!("/stock/{number}"), key.trim()), 200);
        }
        expected.push((id, 3 + id, 2.5 * (3 + id) as f64));
    }
    let begun = Instant::now();
    let used = |line: &str| -> Vec<(u64, u64, f64)> {
        let rows = json(&gateway, line);
        let row = |row: &Value| {
            let number = |name: &str| row[name].as_u64().unwrap();
            (number("user_id"), number("count"), row["total_value"].as_f64().unwrap())
        };
        rows.as_array().unwrap().iter().filter(|row| !row["user_id"].is_null()).map(row).collect()
    };
    while used("usage") != expected {
        assert!(begun.elapsed() < FOLDED_WITHIN, "{:?}", used("usage"));
    }
    let table = done(&gateway, "usage --by user,route");
    let cells: Vec<&str> = table.lines().last().unwrap().split_whitespace().take(5).collect();
    assert_eq!(cells, ["2", "grace@example.com", "stock", "4", "10.0"], "{table}");
    let day = done(&gateway, "usage --user ada@example.com --by day");
    assert!(day.starts_with("FROM (UTC)  REQUESTS  UNITS\n"), "{day}");
    assert_eq!(json(&gateway, "usage --user 1")[0]["count"], 4);
    let csv = done(&gateway, "usage --by user --format csv");
    assert!(csv.lines().next().unwrap().contains("total_value"), "{csv}");
    let ndjson = done(&gateway, "usage --by user --format ndjson");
    assert!(
        ndjson.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["count"].is_u64()),
        "{ndjson}"
    );
    done(&gateway, "users delete ada@example.com");
    assert_eq!(json(&gateway, "usage --user 1")[0]["count"], 4, "the books outlive the user");
    assert!(done(&gateway, "usage").contains("no such user"));
    assert_eq!(json(&gateway, "usage --user 7")[0]["count"], 0, "nothing of nobody");
    refused(&gateway, "usage --user ada@example.com", "no user has the e-mail address");
    refused(&gateway, "usage --from yesterday", "`from`");
}
