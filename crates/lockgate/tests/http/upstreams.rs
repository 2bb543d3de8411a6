//! Which endpoint is asked, and what happens when one fails.

use std::time::{Duration, Instant};

use testkit::{Answer, FreeAddress, GatewayProcess, Origin, Step};

use crate::start;

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";
const POST: &str = "POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello";

/// `endpoints` as written in the configuration.
fn gateway(endpoints: &str, more: &str) -> GatewayProcess {
    start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [{endpoints}]\n{more}\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n"
    ))
}

fn named(name: &'static str) -> Origin {
    Origin::answering(Answer::ok(name))
}

/// Which origins answered so many requests on one connection.
fn answers(gateway: &GatewayProcess, count: usize) -> Vec<String> {
    let mut client = gateway.connect().unwrap();
    (0..count).map(|_| client.ask(GET).unwrap().text()).collect()
}

fn count(answers: &[String], name: &str) -> usize {
    answers.iter().filter(|answer| *answer == name).count()
}

#[test]
fn endpoints_take_turns_by_weight() {
    let (a, b) = (named("a"), named("b"));
    let endpoints = format!("\"{}\", {{ address = \"{}\", weight = 3 }}", a.address(), b.address());
    let gateway = start(&format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [{endpoints}]\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n"
    ));
    let answers = answers(&gateway, 40);
    assert_eq!((count(&answers, "a"), count(&answers, "b")), (10, 30));
    // Smooth: no four in a row without an `a`.
    assert!(answers.windows(4).all(|four| count(four, "a") == 1), "{answers:?}");
}

#[test]
fn a_refused_connection_goes_once_to_the_next_endpoint() {
    let live = named("live");
    let dead = FreeAddress::new();
    let gateway = gateway(&format!("\"{}\", \"{}\"", dead.address(), live.address()), "");
    assert_eq!(count(&answers(&gateway, 20), "live"), 20);
    // Nothing of the request was sent, so that a POST may go on as well.
    assert_eq!(gateway.ask(POST).unwrap().text(), "live");
}

#[test]
fn all_endpoints_dead_is_an_error_and_not_a_loop() {
    let dead: Vec<_> = (0..5).map(|_| FreeAddress::new()).collect();
    let endpoints: Vec<_> = dead.iter().map(|dead| format!("\"{}\"", dead.address())).collect();
    let gateway = gateway(&endpoints.join(", "), "");
    for _ in 0..10 {
        let status = gateway.get("/x").unwrap().status();
        assert!([502, 503].contains(&status), "{status}");
    }
}

#[test]
fn a_failing_endpoint_rests_and_comes_back() {
    let failing = FreeAddress::new();
    let address = failing.address();
    let live = named("live");
    let gateway = gateway(&format!("\"{address}\", \"{}\"", live.address()), "rest = \"300ms\"");
    assert_eq!(count(&answers(&gateway, 10), "live"), 10);
    let back = Origin::at(address, |_| Answer::ok("back"));
    let end = Instant::now() + Duration::from_secs(10);
    while count(&answers(&gateway, 1), "back") == 0 {
        assert!(Instant::now() < end, "the endpoint is never asked again");
    }
    drop(back);
}

#[test]
fn a_stale_connection_costs_a_get_nothing() {
    // From its second request on, a connection closes when a request arrives.
    let origin = Origin::start(|received| match received.number {
        0 => Answer::ok("fresh"),
        _ => Answer::new().close(),
    });
    let gateway = gateway(&format!("\"{}\"", origin.address()), "");
    assert_eq!(count(&answers(&gateway, 20), "fresh"), 20);
}

#[test]
fn a_connection_reset_while_idle_costs_nothing() {
    let origin = named("ok");
    let gateway = gateway(&format!("\"{}\"", origin.address()), "");
    let mut client = gateway.connect().unwrap();
    for _ in 0..20 {
        assert_eq!(client.ask(GET).unwrap().text(), "ok");
        assert_eq!(client.ask(GET).unwrap().text(), "ok");
        origin.close_connections();
        origin.wait_until_closed();
    }
}

#[test]
fn a_post_that_may_have_arrived_is_not_sent_twice() {
    let origin = Origin::start(|received| match (received.number, received.line.method.as_str()) {
        (0, "GET") => Answer::ok("fresh"),
        _ => Answer::new().then(Step::ReadBody).close(),
    });
    let gateway = gateway(&format!("\"{}\"", origin.address()), "");
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(GET).unwrap().status(), 200);
    assert_eq!(client.ask(POST).unwrap().status(), 502);
    let posts = origin.requests().iter().filter(|r| r.line.method == "POST").count();
    assert_eq!(posts, 1);
}

#[test]
fn a_fresh_connection_that_fails_is_not_retried_for_ever() {
    let origin = Origin::answering(Answer::new().then(Step::ReadBody).close());
    let gateway = gateway(&format!("\"{}\"", origin.address()), "");
    assert_eq!(gateway.get("/x").unwrap().status(), 502);
    assert!(origin.hits() <= 2, "{} attempts", origin.hits());
}

#[test]
fn host_names_are_resolved() {
    let origin = named("by name");
    let port = origin.address().rsplit(':').next().unwrap();
    let gateway = gateway(&format!("\"localhost:{port}\""), "");
    assert_eq!(gateway.get("/x").unwrap().text(), "by name");
}

#[test]
fn a_name_without_addresses_is_an_answer_and_no_crash() {
    let gateway = gateway("\"no-such-host.invalid:80\"", "");
    let status = gateway.get("/x").unwrap().status();
    assert!([502, 503, 504].contains(&status), "{status}");
}

#[test]
fn unix_sockets_are_endpoints() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::unix(&directory.path().join("origin.sock"), |_| Answer::echo());
    let gateway = gateway(&format!("\"{}\"", origin.address()), "");
    let mut client = gateway.connect().unwrap();
    for number in 0..5 {
        assert_eq!(client.ask(GET).unwrap().json()["number"], number);
    }
    assert_eq!(client.ask(POST).unwrap().json()["body"], "hello");
}

#[test]
fn upstream_weights_split_a_route() {
    let (old, new) = (named("old"), named("new"));
    let gateway = start(&format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.old]\nendpoints = [\"{}\"]\n[upstream.new]\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/*\"\nupstream = {{ old = 90, new = 10 }}\n",
        old.address(),
        new.address()
    ));
    let answers = answers(&gateway, 100);
    assert_eq!((count(&answers, "old"), count(&answers, "new")), (90, 10));
}

#[test]
fn pooled_connections_end_after_their_idle_time() {
    let origin = named("ok");
    let gateway = gateway(&format!("\"{}\"", origin.address()), "timeout = { keep_alive = \"200ms\" }");
    gateway.get("/x").unwrap();
    origin.wait_until_closed();
}

#[test]
fn the_host_sent_upstream_can_be_set() {
    let origin = Origin::echo();
    let gateway = gateway(&format!("\"{}\"", origin.address()), "host = \"inner.example\"");
    gateway.get("/x").unwrap();
    assert_eq!(origin.requests()[0].fields.all("host"), ["inner.example"]);
}

#[test]
fn connections_are_shared_between_workers() {
    let origin = named("ok");
    let gateway = start(&format!(
        "[workers]\ncount = 2\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\nidle_connections = 1\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    ));
    for _ in 0..200 {
        assert_eq!(gateway.get("/x").unwrap().text(), "ok");
    }
    let made = origin.connections().len();
    assert!(made <= 20, "{made} upstream connections for 200 requests one after the other");
}

#[test]
fn a_slow_endpoint_holds_nobody_else_up() {
    let slow = Origin::answering(Answer::new().then(Step::ReadBody).then(Step::Hold));
    let fast = named("fast");
    let gateway = start(&format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.slow]\nendpoints = [\"{}\"]\n[upstream.fast]\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/slow\"\nupstream = \"slow\"\n[[route]]\npath = \"/*\"\nupstream = \"fast\"\n",
        slow.address(),
        fast.address()
    ));
    let mut waiting: Vec<_> = (0..50).map(|_| gateway.connect().unwrap()).collect();
    for client in &mut waiting {
        client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    slow.wait("all fifty wait", |records| records.iter().map(|r| r.heads).sum::<usize>() == 50);
    let start = Instant::now();
    assert_eq!(count(&answers(&gateway, 100), "fast"), 100);
    assert!(start.elapsed() < Duration::from_secs(10));
}
