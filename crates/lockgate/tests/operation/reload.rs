//! Another configuration, without a request that notices.

use std::time::{Duration, Instant};

use testkit::{Answer, FreeAddress, Gate, GatewayProcess, Origin, Step};

use crate::load::{Load, Work};
use crate::start;

const WORK: &[Work] = &[
    ("all", "GET /x HTTP/1.1\r\nHost: test\r\n\r\n"),
    ("all", "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello"),
];

fn config(origin: &Origin, marker: &str, more: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n{more}\n[upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n\
         [[route]]\npath = \"/marker\"\nrespond = {{ body = \"{marker}\" }}\n",
        origin.address()
    )
}

/// Waits until the configuration with this marker is in force.
#[track_caller]
fn wait_for(gateway: &GatewayProcess, marker: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while gateway.get("/marker").unwrap().text() != marker {
        assert!(Instant::now() < end, "`{marker}` never comes into force\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn reloads_under_load_lose_no_request() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start(&config(&origin, "0", ""));
    let load = Load::start(gateway.address(), 6, WORK);
    for round in 1..=20 {
        let marker = round.to_string();
        gateway.rewrite_config(&config(&origin, &marker, "")).unwrap();
        gateway.hang_up().unwrap();
        wait_for(&gateway, &marker);
    }
    let tally = load.stop();
    assert_eq!(tally.failures, [] as [String; 0]);
    assert!(tally.total() > 200, "{}", tally.total());
}

#[test]
fn a_changed_file_is_noticed() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "old", ""));
    wait_for(&gateway, "old");
    gateway.rewrite_config(&config(&origin, "new", "")).unwrap();
    wait_for(&gateway, "new");
}

#[test]
fn a_file_changed_right_after_the_start_is_noticed() {
    let origin = Origin::echo();
    for _ in 0..10 {
        let gateway = start(&config(&origin, "old", ""));
        gateway.rewrite_config(&config(&origin, "new", "")).unwrap();
        wait_for(&gateway, "new");
    }
}

#[test]
fn a_reload_by_the_api_is_in_force_when_it_answers() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "0", ""));
    for round in 1..=5 {
        gateway.rewrite_config(&config(&origin, &round.to_string(), "")).unwrap();
        let response = gateway.admin("POST", "/reload").unwrap();
        assert_eq!(response.status(), 200, "{}", response.text());
        assert_eq!(gateway.get("/marker").unwrap().text(), round.to_string());
    }
}

#[test]
fn a_bad_configuration_changes_nothing_and_all_its_problems_are_told() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "good", ""));
    let bad = config(&origin, "bad", "head_timeot = \"10s\"\nbody_timeout = \"soon\"")
        .replace("upstream = \"origin\"", "upstream = \"orign\"");
    gateway.rewrite_config(&bad).unwrap();
    let response = gateway.admin("POST", "/reload").unwrap();
    assert_eq!(response.status(), 422, "{}", response.text());
    for told in ["head_timeot", "soon", "orign"] {
        assert!(response.text().contains(told), "{told} is missing: {}", response.text());
    }
    gateway.hang_up().unwrap();
    gateway.wait_for_log("orign");
    assert_eq!(gateway.get("/marker").unwrap().text(), "good");
    gateway.rewrite_config(&config(&origin, "better", "")).unwrap();
    wait_for(&gateway, "better");
}

#[test]
fn a_listener_is_added_and_removed() {
    let origin = Origin::echo();
    let second = FreeAddress::new();
    let second = second.address();
    let gateway = start(&config(&origin, "one", ""));
    let more = format!("[[listener]]\naddress = \"{second}\"\n");
    gateway.rewrite_config(&config(&origin, "two", &more)).unwrap();
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    let request = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";
    let mut client = testkit::RawClient::connect(second).unwrap();
    assert_eq!(client.ask(request).unwrap().status(), 200);
    gateway.rewrite_config(&config(&origin, "one again", "")).unwrap();
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    assert!(client.is_closed(), "an idle connection of a removed listener ends");
    let end = Instant::now() + Duration::from_secs(10);
    while testkit::RawClient::connect(second).is_ok() {
        assert!(Instant::now() < end, "the removed listener still accepts");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(gateway.get("/marker").unwrap().text(), "one again");
}

#[test]
fn an_exchange_keeps_the_route_it_began_with() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let origin = Origin::start(move |_| {
        Answer::new()
            .then(Step::Wait(waiting.clone()))
            .then(Step::ReadBody)
            .send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
    });
    let gateway = start(&config(&origin, "before", ""));
    let mut client = gateway.connect().unwrap();
    client.send("GET /x HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    origin.wait("the request has come", |c| c.iter().any(|c| c.heads == 1));
    let other = Origin::answering(Answer::ok("new"));
    gateway.rewrite_config(&config(&other, "after", "")).unwrap();
    gateway.hang_up().unwrap();
    wait_for(&gateway, "after");
    assert_eq!(gateway.get("/x").unwrap().text(), "new");
    gate.open();
    assert_eq!(client.response("GET").unwrap().text(), "old");
    assert_eq!(client.ask("GET /x HTTP/1.1\r\nHost: test\r\n\r\n").unwrap().text(), "new");
}

#[test]
fn tunnels_survive_a_reload() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Tunnel));
    let gateway = start(&config(&origin, "before", ""));
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(testkit::websocket::open_request("/ws", "test")).unwrap().status(), 101);
    gateway.rewrite_config(&config(&origin, "after", "")).unwrap();
    gateway.hang_up().unwrap();
    wait_for(&gateway, "after");
    client.send("still here").unwrap();
    assert_eq!(client.bytes(10).unwrap(), b"still here");
}
