//! Who may pass: keys through the running gateway, from their making to their end.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::websocket::open_request;
use testkit::{Answer, GatewayProcess, Origin, Step};

use crate::LOCKGATE;
use crate::api::{self, Customer, customer, done};

/// Longest wait for a change of a key to be in force; the promise is one second, which a busy test machine may stretch.
const WAIT: Duration = Duration::from_secs(20);

/// A gateway whose routes `guarded` and `other` ask for a key, and `open` does not.
pub(crate) fn guarded(origin: &Origin, more: &str) -> GatewayProcess {
    let routes: String = [("guarded", "key"), ("other", "key"), ("open", "open")]
        .map(|(name, access)| {
            format!(
                "[[route]]\nname = \"{name}\"\npath = \"/{name}/*\"\nupstream = \"origin\"\naccess = \"{access}\"\n"
            )
        })
        .concat();
    let text = format!(
        "{more}\n[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n{routes}",
        origin.address()
    );
    GatewayProcess::start(LOCKGATE, &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Status of a request with a header field.
pub(crate) fn status(gateway: &GatewayProcess, path: &str, field: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n");
    gateway.ask(request).unwrap().status()
}

/// Status of a request with a customer's key.
pub(crate) fn with_key(gateway: &GatewayProcess, path: &str, customer: &Customer) -> u16 {
    status(gateway, path, &format!("Authorization: Bearer {}", customer.secret))
}

/// Waits until requests get a status; answers how long that took.
#[track_caller]
pub(crate) fn wait_for(expected: u16, mut ask: impl FnMut() -> u16) -> Duration {
    let start = Instant::now();
    loop {
        let found = ask();
        if found == expected {
            return start.elapsed();
        }
        assert!(start.elapsed() < WAIT, "{found} instead of {expected} after {WAIT:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_key_opens_guarded_routes_and_is_not_passed_on() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/guarded/x", &ada));
    let presented = [format!("X-API-Key: {}", ada.secret), format!("authorization: bearer {}", ada.secret)];
    for field in &presented {
        assert_eq!(status(&gateway, "/guarded/x", field), 200, "{field}");
    }
    // Nobody can claim to be somebody else.
    let forged = format!("X-Lockgate-User: 999\r\nX-API-Key: {}", ada.secret);
    assert_eq!(status(&gateway, "/guarded/x", &forged), 200);
    assert_eq!(status(&gateway, "/open/x", "X-Lockgate-User: 999"), 200);
    for request in origin.requests() {
        let all = format!("{:?}", request.fields);
        assert!(!all.contains(&ada.secret), "{all}");
        let guarded = request.line.target.starts_with("/guarded");
        let expected = if guarded { vec![ada.id.to_string()] } else { Vec::new() };
        assert_eq!(request.fields.all("x-lockgate-user"), expected, "{all}");
    }
}

#[test]
fn without_a_good_key_nothing_is_forwarded() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/guarded/x", &ada));
    let before = origin.requests().len();
    let mut other = ada.secret.clone().into_bytes();
    other.reverse();
    let wrong = [
        "Accept: */*".to_owned(),
        "Authorization: Basic YWRhOng=".to_owned(),
        "Authorization: Bearer".to_owned(),
        "X-API-Key: lg_live_".to_owned(),
        format!("X-API-Key: {}", String::from_utf8(other).unwrap()),
        format!("X-API-Key: {}x", ada.secret),
        // One made by nobody: the form is right, and nobody knows it.
        format!("X-API-Key: {}", policy::KeySecret::make("live", [3; 32]).unwrap().expose()),
    ];
    for field in &wrong {
        let response =
            gateway.ask(format!("GET /guarded/x HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n")).unwrap();
        assert_eq!(response.status(), 401, "{field}");
        assert!(response.field("www-authenticate").starts_with("Bearer "), "{field}");
        assert!(!response.text().contains("lg_"), "{}", response.text());
    }
    assert_eq!(origin.requests().len(), before, "nothing was forwarded");
}

#[test]
fn a_key_is_good_for_its_routes_and_its_time() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    let target = format!("/users/{}/keys", ada.id);
    let scoped = done(&gateway, 201, "POST", &target, &json!({ "scopes": ["other"] }));
    let ended = done(&gateway, 201, "POST", &target, &json!({ "expires_at": "2020-01-01T00:00:00Z" }));
    let field = |key: &serde_json::Value| format!("X-API-Key: {}", key["secret"].as_str().unwrap());
    wait_for(200, || status(&gateway, "/other/x", &field(&scoped)));
    assert_eq!(status(&gateway, "/guarded/x", &field(&scoped)), 403);
    assert_eq!(status(&gateway, "/guarded/x", &field(&ended)), 401);
    // A changed scope is in force like a new key.
    let key = format!("/keys/{}", scoped["id"]);
    done(&gateway, 200, "PATCH", &key, &json!({ "scopes": ["guarded"] }));
    wait_for(200, || status(&gateway, "/guarded/x", &field(&scoped)));
    assert_eq!(status(&gateway, "/other/x", &field(&scoped)), 403);
}

#[test]
fn a_revoked_key_is_refused_and_its_tunnels_end() {
    let tunnel = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::start(move |received| match received.fields.all("upgrade").is_empty() {
        true => Answer::ok("ok"),
        false => Answer::new().send(tunnel).then(Step::Tunnel),
    });
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/guarded/x", &ada));
    let mut open = gateway.connect().unwrap();
    let request = open_request("/guarded/ws", "test");
    let request = request.replacen("\r\n", &format!("\r\nX-API-Key: {}\r\n", ada.secret), 1);
    assert_eq!(open.ask(request).unwrap().status(), 101);
    open.send("hello").unwrap();
    assert_eq!(open.bytes(5).unwrap(), b"hello");

    done(&gateway, 204, "DELETE", &format!("/keys/{}", ada.key_id), &json!({}));
    let refused = wait_for(401, || with_key(&gateway, "/guarded/x", &ada));
    let start = Instant::now();
    open.set_timeout(WAIT);
    let rest = open.rest();
    assert!(start.elapsed() < WAIT, "the tunnel stays open: {rest:?}");
    println!("refused {refused:?} after the revocation, the tunnel ended {:?} later", start.elapsed());
    // The refusal is recorded as what it is.
    let journal = gateway.command(["tail", "--data", "data"]).unwrap();
    let lines = String::from_utf8(journal.stdout).unwrap();
    assert!(lines.contains("\"reason\":\"key_revoked\""), "{lines}");
}

#[test]
fn a_deleted_user_s_keys_are_refused() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    wait_for(200, || with_key(&gateway, "/guarded/x", &ada));
    done(&gateway, 204, "DELETE", &format!("/users/{}", ada.id), &json!({}));
    wait_for(401, || with_key(&gateway, "/guarded/x", &ada));
}

#[test]
fn a_rotated_key_goes_on_until_the_overlap_is_over() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = guarded(&origin, "");
    let ada = customer(&gateway, "ada");
    let rotate = format!("/keys/{}/rotate", ada.key_id);
    let next = done(&gateway, 201, "POST", &rotate, &json!({ "overlap": "1h" }));
    let next = Customer {
        id: ada.id,
        key_id: next["id"].as_u64().unwrap(),
        secret: next["secret"].as_str().unwrap().to_owned(),
    };
    wait_for(200, || with_key(&gateway, "/guarded/x", &next));
    assert_eq!(with_key(&gateway, "/guarded/x", &ada), 200);
    let last =
        done(&gateway, 201, "POST", &format!("/keys/{}/rotate", next.key_id), &json!({ "overlap": "0s" }));
    assert!(last["secret"].is_string());
    wait_for(401, || with_key(&gateway, "/guarded/x", &next));
}

#[test]
fn keys_are_known_again_after_a_kill_and_a_revoked_one_stays_revoked() {
    let origin = Origin::answering(Answer::ok("ok"));
    let mut gateway = guarded(&origin, "");
    let (ada, grace) = (customer(&gateway, "ada"), customer(&gateway, "grace"));
    wait_for(200, || with_key(&gateway, "/guarded/x", &grace));
    done(&gateway, 204, "DELETE", &format!("/keys/{}", ada.key_id), &json!({}));
    wait_for(401, || with_key(&gateway, "/guarded/x", &ada));
    gateway.kill9();
    // The database is gone: what it is to be made from is a directory.
    let database = gateway.data().join("lockgate.db");
    std::fs::rename(&database, gateway.data().join("elsewhere")).unwrap();
    for rest in ["lockgate.db-wal", "lockgate.db-shm"] {
        let _ = std::fs::remove_file(gateway.data().join(rest));
    }
    std::fs::create_dir(&database).unwrap();
    gateway.restart().unwrap();
    wait_for(200, || with_key(&gateway, "/guarded/x", &grace));
    assert_eq!(with_key(&gateway, "/guarded/x", &ada), 401);
    let refused = api::call(&gateway, "GET", "/users", &json!({}));
    assert_eq!(refused.status(), 503, "{}", refused.text());
}
