//! The end of the process: running exchanges finish, new ones are not begun.

use std::time::{Duration, Instant};

use testkit::{Answer, Gate, GatewayProcess, Origin, RawClient, Step};

use crate::start;

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

struct Stand {
    gateway: GatewayProcess,
    gate: Gate,
    origin: Origin,
}

impl Stand {
    /// The origin sends half an answer, and the rest when the gate opens.
    fn new(drain: &str) -> Self {
        let gate = Gate::new();
        let waiting = gate.clone();
        let origin = Origin::start(move |received| match received.line.target.as_str() {
            "/wait" => Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
                .then(Step::Wait(waiting.clone()))
                .send("half"),
            _ => Answer::ok("ok"),
        });
        let gateway = start(&format!(
            "[limits]\ndrain = \"{drain}\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
             [upstream.origin]\nendpoints = [\"{}\"]\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
            origin.address()
        ));
        Self { gateway, gate, origin }
    }

    /// A client in the middle of an answer.
    fn half_way(&self) -> RawClient {
        let mut client = self.gateway.connect().unwrap();
        client.send("GET /wait HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        client.head().unwrap();
        client
    }
}

/// `/ready` until it answers 503, or the admin side is gone.
#[track_caller]
fn wait_until_unready(gateway: &GatewayProcess) {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match gateway.admin("GET", "/ready") {
            Ok(response) if response.status() == 200 => assert!(Instant::now() < end, "still ready"),
            Ok(response) => return assert_eq!(response.status(), 503),
            Err(error) => panic!("the admin side went before the drain was over: {error:?}"),
        }
    }
}

/// New connections until they are refused: for a moment they are still accepted, and served.
#[track_caller]
fn wait_until_refused(gateway: &GatewayProcess) {
    let end = Instant::now() + Duration::from_secs(10);
    while RawClient::connect(gateway.address()).is_ok() {
        assert!(Instant::now() < end, "still listening");
    }
}

#[track_caller]
fn check_orderly_end(end: impl Fn(&GatewayProcess)) {
    let mut stand = Stand::new("20s");
    assert_eq!(stand.gateway.admin("GET", "/ready").unwrap().status(), 200);
    let mut running = stand.half_way();
    let mut idle = stand.gateway.connect().unwrap();
    idle.ask(GET).unwrap();
    end(&stand.gateway);
    wait_until_unready(&stand.gateway);
    assert!(idle.is_closed(), "an idle connection does not hold the end up");
    wait_until_refused(&stand.gateway);
    assert_eq!(stand.gateway.admin("GET", "/health").unwrap().status(), 200);
    stand.gate.open();
    assert_eq!(running.bytes(8).unwrap(), b"halfhalf");
    assert!(running.is_closed(), "nothing more is served on it");
    let status = stand.gateway.wait_for_end().unwrap();
    assert_eq!(status.code(), Some(0), "{}", stand.gateway.log());
    stand.origin.wait_until_closed();
}

#[test]
fn sigterm_lets_running_exchanges_finish() {
    check_orderly_end(|gateway| gateway.begin_to_end().unwrap());
}

#[test]
fn sigint_does_the_same() {
    check_orderly_end(|gateway| gateway.interrupt().unwrap());
}

#[test]
fn the_drain_has_a_deadline() {
    let mut stand = Stand::new("300ms");
    let mut running = stand.half_way();
    let start = Instant::now();
    let status = stand.gateway.terminate().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(250) && start.elapsed() < Duration::from_secs(10));
    assert_eq!(status.code(), Some(1), "a drain that was not clean says so");
    assert!(running.bytes(8).is_err(), "the exchange was cut");
    let output = stand.gateway.command(["tail", "--json"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 1, "what was cut is recorded: {text}");
    assert_eq!((&records[0]["reason"], &records[0]["status"]), (&"drained".into(), &200.into()), "{text}");
    assert_eq!(records[0]["bytes_out"], 4, "{text}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut stand = Stand::new("30s");
    let _running = stand.half_way();
    stand.gateway.begin_to_end().unwrap();
    wait_until_unready(&stand.gateway);
    let start = Instant::now();
    stand.gateway.begin_to_end().unwrap();
    stand.gateway.wait_for_end().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn queued_connections_are_served_before_the_end() {
    let mut stand = Stand::new("5s");
    // Connections made just before the signal may still wait to be accepted; none may be reset.
    let mut clients: Vec<_> = (0..50).map(|_| stand.gateway.connect().unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    stand.gateway.begin_to_end().unwrap();
    for client in &mut clients {
        assert_eq!(client.response("GET").unwrap().status(), 200);
    }
    assert_eq!(stand.gateway.wait_for_end().unwrap().code(), Some(0));
}
