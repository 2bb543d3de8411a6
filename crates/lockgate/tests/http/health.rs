//! Health checks of endpoints, by paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use testkit::{Answer, FreeAddress, Gate, GatewayProcess, Origin, Step};

use crate::start;

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

/// Longest wait for what checks are to find.
const WAIT: Duration = Duration::from_secs(20);

/// An origin that answers checks with a status that a test may change, and everything else with its name.
struct Checked {
    origin: Origin,
    status: Arc<AtomicU16>,
}

impl Checked {
    fn start(name: &'static str) -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let now = status.clone();
        let origin = Origin::start(move |received| match received.line.target.as_str() {
            "/healthz" => Answer::status(now.load(Ordering::SeqCst), ""),
            _ => Answer::ok(name),
        });
        Self { origin, status }
    }

    fn say(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Requests that were no checks.
    fn requests(&self) -> usize {
        self.origin.requests().iter().filter(|request| request.line.target != "/healthz").count()
    }
}

fn config(endpoints: &[&str], health: &str, more: &str) -> String {
    let endpoints: Vec<_> = endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [{}]\n\
         health = {{ path = \"/healthz\", every = \"100ms\", {health} }}\n{more}\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        endpoints.join(", ")
    )
}

/// What the admin side says of an endpoint's checks.
#[track_caller]
fn health(gateway: &GatewayProcess, endpoint: &str) -> serde_json::Value {
    let upstreams = gateway.admin("GET", "/upstreams").unwrap().json();
    let endpoints = upstreams[0]["endpoints"].as_array().unwrap();
    let found = endpoints.iter().find(|found| found["address"] == endpoint).unwrap();
    found["health"][0].clone()
}

/// Waits until checks have brought an endpoint into this state, and answers why.
#[track_caller]
fn wait(gateway: &GatewayProcess, endpoint: &str, state: &str) -> String {
    let end = Instant::now() + WAIT;
    loop {
        let health = health(gateway, endpoint);
        if health["state"] == state {
            return health["reason"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < end, "{endpoint} does not become {state}: {health}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Who answers so many requests.
fn answers(gateway: &GatewayProcess, count: usize) -> Vec<String> {
    let mut client = gateway.connect().unwrap();
    (0..count).map(|_| client.ask(GET).unwrap().text()).collect()
}

#[test]
fn an_endpoint_that_fails_its_checks_gets_no_requests_until_it_is_back() {
    let (a, b) = (Checked::start("a"), Checked::start("b"));
    let gateway = start(&config(&[a.origin.address(), b.origin.address()], "", ""));
    assert_eq!(wait(&gateway, a.origin.address(), "healthy"), "status 200");
    wait(&gateway, b.origin.address(), "healthy");
    a.say(503);
    assert_eq!(wait(&gateway, a.origin.address(), "out"), "status 503");
    gateway.wait_for_log("an endpoint is out");
    let before = a.requests();
    assert!(answers(&gateway, 20).iter().all(|answer| answer == "b"));
    assert_eq!(a.requests(), before);
    a.say(204);
    assert_eq!(wait(&gateway, a.origin.address(), "healthy"), "status 204");
    gateway.wait_for_log("an endpoint is back");
    assert!(answers(&gateway, 20).iter().any(|answer| answer == "a"));
    let metrics = gateway.admin("GET", "/metrics").unwrap().text();
    let labels = format!("{{upstream=\"origin\",endpoint=\"{}\"", a.origin.address());
    assert!(metrics.contains(&format!("lockgate_endpoint_healthy{labels}}} 1\n")), "{metrics}");
    assert!(
        metrics.contains(&format!("lockgate_endpoint_checks_total{labels},result=\"failed\"}} ")),
        "{metrics}"
    );
    // Two changes of `a` and no line for each check.
    let log = gateway.log();
    assert_eq!(log.matches("an endpoint").count(), 2, "{log}");
}

#[test]
fn checks_are_no_traffic() {
    let a = Checked::start("a");
    let gateway = start(&config(&[a.origin.address()], "host = \"health.internal\"", ""));
    wait(&gateway, a.origin.address(), "healthy");
    a.origin.wait("three checks have come", |records| records.len() >= 3);
    let checks = a.origin.requests();
    let check = &checks[0];
    assert_eq!((check.line.method.as_str(), check.line.target.as_str()), ("GET", "/healthz"));
    assert_eq!(check.fields.all("host"), ["health.internal"]);
    assert_eq!(check.fields.all("connection"), ["close"]);
    assert!(check.fields.all("user-agent")[0].starts_with("lockgate-health/"), "{:?}", check.fields);
    answers(&gateway, 1);
    let metrics = || gateway.admin("GET", "/metrics").unwrap().text();
    let end = Instant::now() + WAIT;
    while !metrics().contains("lockgate_requests_total{route=\"/*\",class=\"2xx\"} 1\n") {
        assert!(Instant::now() < end, "{}", metrics());
    }
    assert!(metrics().contains("lockgate_endpoint_failures_total{upstream=\"origin\",endpoint=\"127.0.0.1"));
}

#[test]
fn an_endpoint_that_never_answers_or_takes_no_connection_is_out() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let silent = Origin::start(move |_| Answer::new().then(Step::Wait(waiting.clone())));
    let (dead, live) = (FreeAddress::new(), Checked::start("live"));
    let endpoints = [silent.address(), dead.address(), live.origin.address()];
    let gateway = start(&config(&endpoints, "timeout = \"200ms\"", ""));
    assert_eq!(wait(&gateway, silent.address(), "out"), "no answer in time");
    let reason = wait(&gateway, dead.address(), "out");
    assert!(reason.starts_with("no connection: "), "{reason}");
    wait(&gateway, live.origin.address(), "healthy");
    assert!(answers(&gateway, 20).iter().all(|answer| answer == "live"));
    gate.open();
}

#[test]
fn when_all_are_out_they_are_tried_all_the_same() {
    let (a, b) = (Checked::start("a"), Checked::start("b"));
    a.say(500);
    b.say(500);
    let gateway = start(&config(&[a.origin.address(), b.origin.address()], "", ""));
    wait(&gateway, a.origin.address(), "out");
    wait(&gateway, b.origin.address(), "out");
    let answers = answers(&gateway, 20);
    assert!(["a", "b"].iter().all(|name| answers.iter().any(|answer| answer == name)), "{answers:?}");
}

#[test]
fn a_reload_keeps_what_is_known_of_endpoints_that_stay() {
    let (a, b, c) = (Checked::start("a"), Checked::start("b"), Checked::start("c"));
    a.say(503);
    let [a, b, c] = [&a, &b, &c].map(|checked| checked.origin.address());
    // So slow that no second check comes by itself.
    let slowly = |endpoints: &[&str], more| config(endpoints, "", more).replace("100ms", "1h");
    let gateway = start(&slowly(&[a, b], ""));
    wait(&gateway, a, "out");
    wait(&gateway, b, "healthy");
    for (endpoints, more) in [(&[a, b, c][..], ""), (&[a, c], ""), (&[a, c], "rest = \"2s\"")] {
        gateway.rewrite_config(&slowly(endpoints, more)).unwrap();
        let response = gateway.admin("POST", "/reload").unwrap();
        assert_eq!(response.status(), 200, "{}", response.text());
        assert_eq!(health(&gateway, a)["state"], "out");
        assert!(answers(&gateway, 20).iter().all(|answer| answer != "a"));
        wait(&gateway, c, "healthy");
    }
    // Another question is another answer.
    gateway.rewrite_config(&slowly(&[a, c], "").replace("/healthz", "/other")).unwrap();
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    assert_eq!(wait(&gateway, a, "healthy"), "status 200");
    // None is asked of an upstream that does not want it any more.
    let gone =
        slowly(&[a], "").lines().filter(|line| !line.starts_with("health")).collect::<Vec<_>>().join("\n");
    gateway.rewrite_config(&gone).unwrap();
    assert_eq!(gateway.admin("POST", "/reload").unwrap().status(), 200);
    assert_eq!(health(&gateway, a), serde_json::Value::Null);
    assert!(answers(&gateway, 5).iter().all(|answer| answer == "a"));
}

#[test]
fn sockets_and_host_names_are_checked_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let socket = Origin::unix(&folder.path().join("a.sock"), |_| Answer::status(418, "checked"));
    let named = Checked::start("named");
    let name = named.origin.address().replace("127.0.0.1", "localhost");
    let gateway = start(&config(&[socket.address(), &name], "status = [200, 418]", ""));
    assert_eq!(wait(&gateway, socket.address(), "healthy"), "status 418");
    let end = Instant::now() + WAIT;
    while named.origin.hits() == 0 {
        assert!(Instant::now() < end, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(named.origin.requests()[0].fields.all("host"), [name]);
    assert_eq!(socket.requests()[0].fields.all("host"), ["localhost"]);
}
