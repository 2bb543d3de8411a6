//! Health checks of upstreams of HTTP/2: gRPC's health service, and paths.

use std::time::{Duration, Instant};

use testkit::GatewayProcess;

use crate::LOCKGATE;
use crate::origin::{Health, Http2Origin};

/// Longest wait for what checks are to find.
const WAIT: Duration = Duration::from_secs(20);
const SERVING: Health = Health::Serving(1);
const NOT_SERVING: Health = Health::Serving(2);

#[track_caller]
fn start(endpoints: &[String], health: &str) -> GatewayProcess {
    let endpoints: Vec<_> = endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.greeter]\nprotocol = \"h2\"\nendpoints = [{}]\n\
         health = {{ every = \"100ms\", timeout = \"1s\", {health} }}\n\
         [[route]]\npath = \"/*\"\nupstream = \"greeter\"\n",
        endpoints.join(", ")
    );
    GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}

/// Waits until checks have brought an endpoint into this state for this reason.
#[track_caller]
pub(crate) fn wait(gateway: &GatewayProcess, endpoint: &str, state: &str, reason: &str) {
    let end = Instant::now() + WAIT;
    loop {
        let upstreams = gateway.admin("GET", "/upstreams").unwrap().json();
        let endpoints = upstreams[0]["endpoints"].as_array().unwrap();
        let found = endpoints.iter().find(|found| found["address"] == endpoint).unwrap();
        let health = &found["health"][0];
        if health["state"] == state && health["reason"] == reason {
            return;
        }
        assert!(Instant::now() < end, "not {state} by {reason}: {health}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn origin(health: Health) -> (Http2Origin, String) {
    let origin = Http2Origin::start(100);
    origin.say(health);
    let address = origin.address.to_string();
    (origin, address)
}

/// How many of so many requests come to each origin.
fn shares(gateway: &GatewayProcess, count: usize, origins: [&Http2Origin; 2]) -> [usize; 2] {
    let before = origins.map(|origin| origin.seen().len());
    for _ in 0..count {
        assert_eq!(gateway.get("/x").unwrap().status(), 200);
    }
    let after = origins.map(|origin| origin.seen().len());
    [after[0] - before[0], after[1] - before[1]]
}

#[test]
fn an_endpoint_that_is_not_serving_gets_no_requests_until_it_is() {
    let ((a, at_a), (b, at_b)) = (origin(SERVING), origin(SERVING));
    let gateway = start(&[at_a.clone(), at_b.clone()], "grpc = \"helloworld.Greeter\"");
    wait(&gateway, &at_a, "healthy", "SERVING");
    wait(&gateway, &at_b, "healthy", "SERVING");
    assert!(shares(&gateway, 20, [&a, &b]).iter().all(|share| *share > 0));
    a.say(NOT_SERVING);
    wait(&gateway, &at_a, "out", "NOT_SERVING");
    assert_eq!(shares(&gateway, 20, [&a, &b]), [0, 20]);
    a.say(SERVING);
    wait(&gateway, &at_a, "healthy", "SERVING");
    assert!(shares(&gateway, 20, [&a, &b])[0] > 0);
    let checks = a.checks();
    let check = &checks[0];
    assert_eq!(
        (check.method().as_str(), check.uri().to_string()),
        ("POST", format!("http://{at_a}/grpc.health.v1.Health/Check"))
    );
    let field = |name: &str| check.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!((field("content-type"), field("te")), (Some("application/grpc"), Some("trailers")));
    assert_eq!(check.body(), b"\0\0\0\0\x14\x0a\x12helloworld.Greeter");
}

#[test]
fn whatever_is_not_serving_is_out_and_a_server_that_cannot_say_is_not() {
    let cases = [
        (Health::Serving(0), "out", "UNKNOWN"),
        (Health::Serving(3), "out", "SERVICE_UNKNOWN"),
        (Health::Status("5"), "out", "NOT_FOUND: the server does not know the service"),
        (Health::Status("14"), "out", "grpc-status 14 UNAVAILABLE"),
        (Health::Silence, "out", "no answer in time"),
        (Health::Status("12"), "healthy", "UNIMPLEMENTED: the server has no health service"),
    ];
    let origins = cases.map(|(health, ..)| origin(health));
    let gateway = start(&origins.each_ref().map(|(_, address)| address.clone()), "grpc = \"\"");
    for ((_, address), (_, state, reason)) in origins.iter().zip(cases) {
        wait(&gateway, address, state, reason);
    }
    gateway.wait_for_log("an endpoint cannot be checked");
    let [.., (last, _)] = &origins;
    assert_eq!(shares(&gateway, 20, [&origins[0].0, last]), [0, 20]);
    assert_eq!(origins[0].0.checks()[0].body(), b"\0\0\0\0\0");
}

#[test]
fn paths_are_asked_for_by_the_upstreams_protocol() {
    let ((a, at_a), (_, at_b)) = (origin(SERVING), origin(SERVING));
    let gateway = start(&[at_a.clone(), at_b], "path = \"/reset\", status = [200]");
    let reason = "the connection failed: connection reset";
    wait(&gateway, &at_a, "out", reason);
    assert_eq!(a.checks().len(), 0);
    let ((c, at_c), (_, at_d)) = (origin(SERVING), origin(SERVING));
    let gateway = start(&[at_c.clone(), at_d], "path = \"/healthz?deep=1\", host = \"health.internal\"");
    wait(&gateway, &at_c, "healthy", "status 200");
    let check = &c.seen()[0];
    assert_eq!(
        (check.method().as_str(), check.uri().to_string().as_str()),
        ("GET", "http://health.internal/healthz?deep=1")
    );
    assert!(!check.headers().contains_key("connection"));
}
