//! Limits as a client meets them: what passes, what is refused, and what it is told.

use std::path::Path;
use std::rc::Rc;

use policy::{KeyFacts, KeySecret, Scopes};
use testkit::{Answer, Origin, Step};
use tokio::sync::Notify;

use super::*;
use crate::memory::Moment;

/// Routes that the gateway answers itself, each with its limits.
const ROUTES: &str = r#"
[[route]]
path    = "/slow"
respond = { status = 200, body = "s" }
limit   = { rate = "2/m", per = "address" }
[[route]]
path    = "/small"
methods = ["POST"]
body    = 8
respond = { status = 200, body = "s" }
limit   = { rate = "1/m", per = "route" }
[[route]]
path    = "/shared"
respond = { status = 200, body = "s" }
cors    = { origins = ["*"] }
limit   = { rate = "1/m", per = "header:x-team" }
[[route]]
path             = "/silent"
respond          = { status = 200, body = "s" }
limit            = { rate = "1/m", concurrency = 1, per = "route" }
response_headers = { remove = ["ratelimit", "ratelimit-policy"] }
[[route]]
name    = "guarded"
path    = "/guarded"
access  = "key"
respond = { status = 200, body = "s" }
limit   = [{ rate = "3/m", per = "address" }, { rate = "1/h", burst = 2, per = "user" }]
"#;

fn secret(n: u8) -> KeySecret {
    KeySecret::make("test", [n; 32]).expect("the environment is a short word")
}

/// A request with the key of that number.
fn with_key(what: &str, n: u8) -> Asked {
    Asked::new(what, &[&format!("Authorization: Bearer {}", secret(n).expose())])
}

/// Keys 1 and 2 are of user 1, key 3 is of user 3.
fn know_keys(gateway: &Gateway) {
    let facts = |key_id: u8, user_id| KeyFacts {
        key_id: key_id.into(),
        user_id,
        expires_us: None,
        scopes: Scopes::All,
    };
    let keys = [facts(1, 1), facts(2, 1), facts(3, 3)];
    let keys = keys.map(|facts| (secret(facts.key_id as u8).hash(), facts));
    gateway.worker.plane.keys().replace(keys.to_vec());
}

#[test]
fn what_is_over_the_limit_is_refused_and_told_when_to_come_again() {
    let gateway = Gateway::new(ROUTES);
    let policy = ("ratelimit-policy", Some("\"address\";q=2;w=60"));
    let start = Instant::now();
    let asked = Asked::new("GET /slow", &[]).at(start);
    for left in ["\"address\";r=1;t=30", "\"address\";r=0;t=30"] {
        let served =
            check(&gateway, &asked, 200, None, &[policy, ("ratelimit", Some(left)), ("retry-after", None)]);
        assert_eq!(served.done().value, Some(Value::ONE));
    }
    let told = [policy, ("ratelimit", Some("\"address\";r=0;t=30")), ("retry-after", Some("30"))];
    let served = check(&gateway, &asked, 429, Some("rate_limited"), &told);
    assert_eq!((served.done().value, served.afterwards), (None, Afterwards::Keep));
    assert!(served.text().contains("2 requests in a minute per client address"), "{}", served.text());
    check(&gateway, &asked.clone().from("203.0.113.10"), 200, None, &[policy]);
    check(&gateway, &asked.at(start + Duration::from_secs(30)), 200, None, &[policy]);
    assert_eq!(gateway.worker.plane.limit_counts().rate_limited, 1);
}

#[test]
fn a_reload_lets_nobody_begin_afresh() {
    let gateway = Gateway::new(ROUTES);
    let asked = Asked::new("POST /small", &[]);
    check(&gateway, &asked, 200, None, &[]);
    let text =
        format!("listener = [{{ address = \"127.0.0.1:8080\" }}]\n{}", ROUTES.replace("body    = 8", ""));
    let loaded = config::load_text("test", Path::new("."), &text, &config::ProcessEnvironment);
    let config = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false))).config;
    gateway.worker.plane.replace(Snapshot::compile(&config, &[], None));
    check(&gateway, &asked, 429, Some("rate_limited"), &[]);
}

#[test]
fn only_requests_that_could_pass_otherwise_are_counted() {
    let gateway = Gateway::new(ROUTES);
    let large = Asked::new("POST /small", &["Content-Length: 9"]);
    check(&gateway, &large, 413, Some("body_too_large"), &[("ratelimit", None)]);
    check(&gateway, &Asked::new("GET /small", &[]), 405, Some("method_not_allowed"), &[("ratelimit", None)]);
    check(&gateway, &Asked::new("POST /small", &[]), 200, None, &[]);
    let start = Instant::now();
    let shared = |what: &str, team| Asked::new(&format!("{what} /shared"), &[team]).at(start);
    // A preflight is not the request it asks about.
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: GET", "X-Team: a"];
    for _ in 0..3 {
        check(&gateway, &Asked::new("OPTIONS /shared", &preflight), 204, None, &[("ratelimit", None)]);
    }
    let left = [("ratelimit", Some("\"header:x-team\";r=0;t=60"))];
    check(&gateway, &shared("GET", "X-Team: a"), 200, None, &left);
    check(&gateway, &shared("OPTIONS", "X-Team: a"), 429, Some("rate_limited"), &left);
    check(&gateway, &shared("GET", "X-Team: b"), 200, None, &left);
}

#[test]
fn a_route_can_keep_its_limits_to_itself() {
    let gateway = Gateway::new(ROUTES);
    let nothing = [("ratelimit", None), ("ratelimit-policy", None)];
    check(&gateway, &Asked::new("GET /silent", &[]), 200, None, &nothing);
    check(&gateway, &Asked::new("GET /silent", &[]), 429, Some("rate_limited"), &nothing);
}

#[test]
fn addresses_are_limited_before_keys_are_looked_at_and_users_after() {
    let gateway = Gateway::new(ROUTES);
    know_keys(&gateway);
    let policy = ("ratelimit-policy", Some("\"address\";q=3;w=60, \"user\";q=1;w=3600;lockgate-burst=2"));
    let start = Instant::now();
    let ids = |served: &Served| (served.done().user_id, served.done().key_id);
    // Whoever guesses keys is slowed down, and so is whoever shares the address.
    for left in ["\"address\";r=2;t=20", "\"address\";r=1;t=20", "\"address\";r=0;t=20"] {
        check(
            &gateway,
            &with_key("GET /guarded", 9).at(start),
            401,
            Some("key_unknown"),
            &[policy, ("ratelimit", Some(left))],
        );
    }
    let served =
        check(&gateway, &with_key("GET /guarded", 1).at(start), 429, Some("rate_limited"), &[policy]);
    assert_eq!(ids(&served), (None, None), "nobody has looked at the key");
    let elsewhere = |key| with_key("GET /guarded", key).from("203.0.113.10").at(start);
    for (key, left) in
        [(1, "\"address\";r=2;t=20, \"user\";r=1;t=3600"), (2, "\"address\";r=1;t=20, \"user\";r=0;t=3600")]
    {
        check(&gateway, &elsewhere(key), 200, None, &[policy, ("ratelimit", Some(left))]);
    }
    for _ in 0..5 {
        let told = [("ratelimit", Some("\"user\";r=0;t=3600")), ("retry-after", Some("3600"))];
        let served = check(&gateway, &elsewhere(1), 429, Some("rate_limited"), &told);
        assert_eq!(ids(&served), (Some(1), Some(1)), "a refused user is known");
    }
    // Those refusals took nothing from the address.
    check(
        &gateway,
        &elsewhere(3),
        200,
        None,
        &[("ratelimit", Some("\"address\";r=0;t=20, \"user\";r=1;t=3600"))],
    );
}

#[test]
fn what_a_service_says_of_its_own_limits_stays() {
    let origin = Origin::answering(Answer::bytes(
        "HTTP/1.1 200 OK\r\nRateLimit: \"theirs\";r=5\r\nContent-Length: 2\r\n\r\nok",
    ));
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n\
         limit = {{ rate = \"1/d\", per = \"route\" }}\n",
        origin.address()
    ));
    let told = [("ratelimit", Some("\"theirs\";r=5, \"route\";r=0;t=86400"))];
    check(&gateway, &Asked::new("GET /x", &[]), 200, None, &told);
    check(&gateway, &Asked::new("GET /x", &[]), 429, Some("rate_limited"), &[]);
    assert_eq!(origin.hits(), 1, "what is refused is not forwarded");
}

/// Serves an exchange while another one goes on, and takes its record out of the others; answers its status and reason.
async fn serve_beside(worker: &Worker<Witness>, asked: Asked) -> (u16, Option<String>) {
    let (mut memory, mut request, mut response) =
        (asked.memory.clone(), asked.request(), Response::default());
    let client = asked.client();
    let timer = Timer::of_this_task(worker.timers.clone()).await;
    serve(worker, Instant::now(), client.into(), &timer, &mut request, &mut response, &mut memory).await;
    let event = worker.hooks.events.borrow_mut().pop().expect("it is recorded");
    (event.status, event.reason.map(|reason| reason.to_string()))
}

#[test]
fn a_tunnel_holds_its_place_until_it_ends() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(Step::Tunnel));
    let gateway = Gateway::new(&format!(
        "upstream.origin = {{ endpoints = [\"{}\"] }}\n[[route]]\npath = \"/tunnel\"\naccess = \"key\"\nupstream = \"origin\"\n\
         limit = {{ concurrency = 1, per = \"user\" }}\n",
        origin.address()
    ));
    know_keys(&gateway);
    let tunnel = |key, end| {
        let mut asked = with_key("GET /tunnel", key);
        asked.head = asked.head.replace("\r\n\r\n", "\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
        asked.with_body(&["ping"], end)
    };
    let mut first = tunnel(1, BodyEnd::Never);
    let echoed = Rc::new(Notify::new());
    first.memory.taken.tells = Some((Moment::BodyBegun, echoed.clone()));
    let (worker, beside) = (gateway.worker.clone(), Rc::new(RefCell::new(Vec::new())));
    let seen = beside.clone();
    gateway.runtime.spawn_local(async move {
        echoed.notified().await;
        // The user's other key counts with the first.
        let served = serve_beside(&worker, with_key("GET /tunnel", 2)).await;
        seen.borrow_mut().push(served);
        worker.plane.keys().apply(vec![(secret(1).hash(), None)]);
    });
    let left = [("ratelimit", Some("\"user-concurrency\";r=0"))];
    check(&gateway, &first, 101, Some("key_revoked"), &left);
    assert_eq!(*beside.borrow(), [(429, Some("concurrency_limited".to_owned()))]);
    let served = check(&gateway, &tunnel(2, BodyEnd::Whole), 101, None, &left);
    assert_eq!(served.done().user_id, Some(1), "the place is free again");
    assert_eq!(gateway.worker.plane.limit_counts().concurrency_limited, 1);
}

#[test]
fn a_request_under_way_holds_its_place_to_its_last_byte() {
    let gateway = Gateway::new(
        "[[route]]\npath = \"/*\"\nrespond = { status = 200, body = \"s\" }\nlimit = { concurrency = 2, per = \"route\" }\n",
    );
    for _ in 0..5 {
        let served = check(
            &gateway,
            &Asked::new("GET /x", &[]),
            200,
            None,
            &[("ratelimit", Some("\"route-concurrency\";r=1"))],
        );
        assert_eq!(
            served.field("ratelimit-policy").as_deref(),
            Some("\"route-concurrency\";q=2;qu=\"concurrent-requests\"")
        );
    }
}

#[test]
fn a_limit_per_host_counts_each_host_alone() {
    let gateway = Gateway::new(
        "[[route]]\npath = \"/*\"\nrespond = { body = \"s\" }\nlimit = { rate = \"1/m\", per = \"header:host\" }\n",
    );
    let ask = |host: &str| {
        let mut asked = Asked::new("GET /", &[]);
        asked.head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        gateway.serve(&asked).status()
    };
    let statuses = ["a.example", "b.example", "A.example:80", "b.example."].map(ask);
    assert_eq!(statuses, [200, 200, 429, 429]);
}
