//! Who asks: keys known and unknown, where they are presented, and what an upstream learns.

use std::time::{SystemTime, UNIX_EPOCH};

use policy::{KeyFacts, KeyHash, KeySecret, Scopes};
use testkit::{Answer, Origin, Step};

use super::{Asked, Gateway, Served, check};
use crate::memory::{BodyEnd, Moment};

const CHALLENGE: &str = "Bearer realm=\"lockgate\"";
const INVALID: &str = "Bearer realm=\"lockgate\", error=\"invalid_token\"";

/// The key of a user; `n` makes it another one.
fn secret(n: u8) -> KeySecret {
    KeySecret::make("test", [n; 32]).expect("the environment is a short word")
}

fn facts(n: u8) -> KeyFacts {
    KeyFacts { key_id: 100 + u64::from(n), user_id: u64::from(n), expires_us: None, scopes: Scopes::All }
}

fn known(keys: &[KeyFacts]) -> Vec<(KeyHash, KeyFacts)> {
    keys.iter().map(|facts| (secret(facts.user_id as u8).hash(), facts.clone())).collect()
}

fn bearer(n: u8) -> String {
    format!("Authorization: Bearer {}", secret(n).expose())
}

fn api_key(n: u8) -> String {
    format!("X-API-Key: {}", secret(n).expose())
}

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_micros() as u64
}

/// A gateway whose routes `guarded` and `open` lead to an origin; users 1 to 4 have a key each.
fn to(origin: &Origin) -> Gateway {
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n\
         [[route]]\naccess = \"key\"\nname = \"guarded\"\npath = \"/*\"\nupstream = \"origin\"\ndeny = [\"192.0.2.66\"]\nbody = 8\n\
         [[route]]\nname = \"open\"\npath = \"/open\"\nupstream = \"origin\"\n",
        origin.address()
    ));
    gateway.worker.plane.keys().replace(known(&[
        facts(1),
        KeyFacts { expires_us: Some(now_us() - 1), ..facts(2) },
        KeyFacts { scopes: Scopes::Routes(["other".into()].into()), ..facts(3) },
        KeyFacts { expires_us: Some(now_us() + 60_000_000), ..facts(4) },
    ]));
    gateway
}

fn ids(served: &Served) -> (Option<u64>, Option<u64>) {
    (served.done().user_id, served.done().key_id)
}

#[test]
fn a_request_without_a_key_that_does_is_refused() {
    let origin = Origin::answering(Answer::ok("never"));
    let gateway = to(&origin);
    let twice = [bearer(1), bearer(1)];
    let wrong = format!("{}x", bearer(1));
    for (fields, status, reason, challenge, ids_known) in [
        (vec![], 401, "key_missing", CHALLENGE.to_owned(), None),
        (vec!["Authorization: Basic YTpi".to_owned()], 401, "key_missing", CHALLENGE.to_owned(), None),
        (vec![bearer(9)], 401, "key_unknown", INVALID.to_owned(), None),
        (vec![wrong], 401, "key_unknown", INVALID.to_owned(), None),
        (vec![bearer(2)], 401, "key_expired", INVALID.to_owned(), Some(2)),
        (vec![api_key(3)], 403, "key_scope", format!("{CHALLENGE}, error=\"insufficient_scope\""), Some(3)),
        (twice.into(), 401, "key_ambiguous", format!("{CHALLENGE}, error=\"invalid_request\""), None),
        (
            vec![bearer(1), api_key(4)],
            401,
            "key_ambiguous",
            format!("{CHALLENGE}, error=\"invalid_request\""),
            None,
        ),
    ] {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let expected = [("www-authenticate", Some(challenge.as_str()))];
        let served = check(&gateway, &Asked::new("GET /x", &fields), status, Some(reason), &expected);
        assert_eq!(ids(&served), (ids_known, ids_known.map(|id| id + 100)), "{reason}");
        assert_eq!(served.done().value, None, "{reason}");
    }
    assert_eq!(origin.hits(), 0);
}

#[test]
fn the_upstream_learns_the_user_and_not_the_key() {
    let origin = Origin::answering(Answer::ok("served"));
    let gateway = to(&origin);
    let both = [bearer(1), api_key(1)];
    let beside = [api_key(1), "Authorization: Basic YTpi".to_owned()];
    for (given, kept) in [
        (vec![bearer(1)], None),
        (vec![api_key(1)], None),
        (both.into(), None),
        (beside.into(), Some("Basic YTpi")),
    ] {
        let mut fields: Vec<_> = given.iter().map(String::as_str).collect();
        // What the client claims itself is not believed.
        fields.extend(["X-Lockgate-User: 9", "x-lockgate-key: 9", "X_Lockgate_User: 9"]);
        let served = check(&gateway, &Asked::new("GET /x", &fields), 200, None, &[]);
        assert_eq!(ids(&served), (Some(1), Some(101)));
        let got = origin.requests().pop().expect("it was forwarded").fields;
        assert_eq!((got.all("x-lockgate-user"), got.all("x-lockgate-key")), (vec!["1"], vec!["101"]));
        assert_eq!((got.first("authorization"), got.first("x-api-key")), (kept, None), "{given:?}");
        assert_eq!(got.first("x_lockgate_user"), None);
    }
    // A route that asks nobody leaves what it does not read.
    let served = check(&gateway, &Asked::new("GET /open", &[&bearer(9)]), 200, None, &[]);
    assert_eq!(ids(&served), (None, None));
    let got = origin.requests().pop().expect("it was forwarded").fields;
    assert!(got.first("authorization").is_some() && got.first("x-lockgate-user").is_none());
}

#[test]
fn addresses_are_looked_at_before_keys_and_bodies_after_them() {
    let origin = Origin::answering(Answer::ok("never"));
    let gateway = to(&origin);
    let large = "Content-Length: 9";
    let denied = Asked::new("POST /x", &[large]).from("192.0.2.66");
    check(&gateway, &denied, 403, Some("address_denied"), &[]);
    check(&gateway, &Asked::new("POST /x", &[large]), 401, Some("key_missing"), &[]);
    let served =
        check(&gateway, &Asked::new("POST /x", &[large, &bearer(4)]), 413, Some("body_too_large"), &[]);
    assert_eq!(ids(&served), (Some(4), Some(104)));
}

#[test]
fn changes_are_in_force_for_the_next_request() {
    let origin = Origin::answering(Answer::ok("served"));
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n[[route]]\naccess = \"key\"\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    ));
    let keys = gateway.worker.plane.keys();
    let asked = Asked::new("GET /x", &[&bearer(1)]);
    let again = [("retry-after", Some("1")), ("www-authenticate", None)];
    check(&gateway, &asked, 503, Some("keys_unavailable"), &again);
    check(&gateway, &Asked::new("GET /x", &[]), 401, Some("key_missing"), &[]);
    keys.replace(Vec::new());
    check(&gateway, &asked, 401, Some("key_unknown"), &[]);
    keys.apply(vec![(secret(1).hash(), Some(facts(1)))]);
    assert_eq!(ids(&check(&gateway, &asked, 200, None, &[])), (Some(1), Some(101)));
    keys.apply(vec![(secret(1).hash(), None)]);
    check(&gateway, &asked, 401, Some("key_unknown"), &[]);
}

#[test]
fn a_preflight_needs_no_key_where_the_gateway_answers_it() {
    let gateway = Gateway::new(
        "[[route]]\naccess = \"key\"\npath = \"/shared\"\nrespond = { status = 200, body = \"s\" }\ncors = { origins = [\"*\"] }\n\
         [[route]]\naccess = \"key\"\npath = \"/listed\"\nmethods = [\"GET\"]\nrespond = { status = 200, body = \"l\" }\ncors = { origins = [\"*\"] }\n\
         [[route]]\naccess = \"key\"\npath = \"/alone\"\nrespond = { status = 200, body = \"a\" }\n",
    );
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: GET"];
    let allowed = [("access-control-allow-origin", Some("*"))];
    for path in ["/shared", "/listed"] {
        let served =
            check(&gateway, &Asked::new(&format!("OPTIONS {path}"), &preflight), 204, None, &allowed);
        assert_eq!(ids(&served), (None, None));
    }
    check(&gateway, &Asked::new("OPTIONS /alone", &preflight), 401, Some("key_missing"), &[]);
    // The page may read why it was refused.
    check(&gateway, &Asked::new("GET /shared", &preflight[..1]), 401, Some("key_missing"), &allowed);
}

/// Opens a tunnel with a key, changes the keys while it is open, and waits for its end.
fn tunnel_ended_by(change: Vec<(KeyHash, Option<KeyFacts>)>, reason: &str) {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(Step::Tunnel));
    let gateway = to(&origin);
    let asked = Asked::new("GET /x", &["Upgrade: websocket", "Connection: upgrade", &bearer(1)]);
    let mut asked = asked.with_body(&["ping"], BodyEnd::Never);
    let echoed = std::rc::Rc::new(tokio::sync::Notify::new());
    asked.memory.taken.tells = Some((Moment::BodyBegun, echoed.clone()));
    let keys = gateway.worker.plane.keys().clone();
    gateway.runtime.spawn_local(async move {
        echoed.notified().await;
        keys.apply(change);
    });
    let served = check(&gateway, &asked, 101, Some(reason), &[]);
    assert_eq!((served.text().as_str(), ids(&served)), ("ping", (Some(1), Some(101))));
    origin.wait_until_closed();
    assert_eq!(gateway.worker.gauges.tunnels_open(), 0);
}

#[test]
fn a_tunnel_ends_soon_after_its_key() {
    let key = secret(1).hash();
    tunnel_ended_by(vec![(key, None)], "key_revoked");
    let soon = KeyFacts { expires_us: Some(now_us() + 200_000), ..facts(1) };
    tunnel_ended_by(vec![(key, Some(soon))], "key_expired");
    let elsewhere = KeyFacts { scopes: Scopes::Routes(["other".into()].into()), ..facts(1) };
    tunnel_ended_by(vec![(key, Some(elsewhere))], "key_scope");
}
