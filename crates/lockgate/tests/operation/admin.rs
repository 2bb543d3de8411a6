//! The admin side of a running gateway tells what the data plane does.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use testkit::{Answer, GatewayProcess, Origin, RawClient, single_upstream};

use crate::start;

fn stand() -> (Origin, GatewayProcess) {
    let origin = Origin::answering(Answer::ok("hello"));
    let gateway = start(&single_upstream(origin.address()));
    (origin, gateway)
}

#[test]
fn only_the_token_opens_it() {
    let (_origin, gateway) = stand();
    let ask = |fields: &str| {
        let mut client = RawClient::connect(&gateway.ports().admin).unwrap();
        client.ask(format!("GET /routes HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).unwrap().status()
    };
    assert_eq!(ask(""), 401);
    assert_eq!(ask("Authorization: Bearer wrong\r\n"), 401);
    assert_eq!(gateway.admin("GET", "/routes").unwrap().status(), 200);
    let token = gateway.data().join("admin-token");
    assert_eq!(std::fs::metadata(token).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!gateway.log().contains(&std::fs::read_to_string(gateway.data().join("admin-token")).unwrap()));
}

#[test]
fn the_token_of_the_environment_wins_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::echo();
    let environment = [("LOCKGATE_ADMIN_TOKEN", "a-token-from-the-environment-0123456789")];
    let config = single_upstream(origin.address());
    let gateway = GatewayProcess::start_in(crate::LOCKGATE, &config, directory, &environment).unwrap();
    let request =
        format!("GET /routes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", environment[0].1);
    assert_eq!(RawClient::connect(&gateway.ports().admin).unwrap().ask(request).unwrap().status(), 200);
}

#[test]
fn routes_and_upstreams_are_listed() {
    let (origin, gateway) = stand();
    gateway.get("/x").unwrap();
    let routes = gateway.admin("GET", "/routes").unwrap().json();
    assert!(routes.to_string().contains("\"all\""), "{routes}");
    let upstreams = gateway.admin("GET", "/upstreams").unwrap().json();
    assert!(upstreams.to_string().contains(origin.address()), "{upstreams}");
}

#[test]
fn metrics_agree_with_the_traffic() {
    let (_origin, gateway) = stand();
    for _ in 0..7 {
        gateway.get("/x").unwrap();
    }
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let text = gateway.admin("GET", "/metrics").unwrap().text();
        let line =
            text.lines().find(|l| l.starts_with("lockgate_requests_total{") && l.contains("route=\"all\""));
        if line.is_some_and(|line| line.contains("class=\"2xx\"") && line.ends_with(" 7")) {
            break;
        }
        assert!(Instant::now() < end, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn events_arrive_live() {
    let (_origin, gateway) = stand();
    let token = std::fs::read_to_string(gateway.data().join("admin-token")).unwrap();
    let mut client = RawClient::connect(&gateway.ports().admin).unwrap();
    client
        .send(format!("GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", token.trim()))
        .unwrap();
    assert_eq!(client.head().unwrap().0.status, 200);
    gateway.get("/live-marker").unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("/live-marker") {
        seen.extend(client.bytes(1).unwrap());
    }
}

#[test]
fn the_access_log_is_printed_on_request() {
    let origin = Origin::answering(Answer::ok("hello"));
    for (format, words) in [("combined", "\"GET /logged HTTP/1.1\" 200 5"), ("json", "\"path\":\"/logged\"")]
    {
        let config = format!("[log]\naccess = \"{format}\"\n{}", single_upstream(origin.address()));
        let gateway = start(&config);
        gateway.get("/logged?secret=1").unwrap();
        gateway.wait_for_log(words);
        assert!(!gateway.log().contains("secret"), "queries are not logged");
    }
}
