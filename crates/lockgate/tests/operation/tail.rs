//! `lockgate tail`: what happened, from the files alone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::{Answer, GatewayProcess, Origin, single_upstream};

use crate::{LOCKGATE, start};

fn tail(gateway: &GatewayProcess, arguments: &[&str]) -> Vec<Value> {
    let output = gateway.command([&["tail"], arguments].concat()).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn paths(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["path"].as_str().unwrap()).collect()
}

fn ask_for(gateway: &GatewayProcess, paths: &[&str]) {
    let mut client = gateway.connect().unwrap();
    for path in paths {
        client.ask(format!("GET {path}?secret=1 HTTP/1.1\r\nHost: test:80\r\n\r\n")).unwrap();
    }
}

#[test]
fn events_are_there_while_it_runs_when_it_was_killed_and_when_it_has_ended() {
    let origin = Origin::answering(Answer::ok("hello"));
    // One worker, since records of different workers have no order among each other.
    let config = format!("{}\n[workers]\ncount = 1\n", single_upstream(origin.address()));
    let mut gateway = start(&config);
    ask_for(&gateway, &["/1", "/2"]);
    assert_eq!(paths(&tail(&gateway, &[])), ["/1", "/2"], "running");
    ask_for(&gateway, &["/3"]);
    gateway.kill9();
    assert_eq!(paths(&tail(&gateway, &[])), ["/1", "/2", "/3"], "killed");
    gateway.restart().unwrap();
    ask_for(&gateway, &["/4"]);
    gateway.terminate().unwrap();
    assert_eq!(paths(&tail(&gateway, &[])), ["/1", "/2", "/3", "/4"], "ended");
    assert_eq!(paths(&tail(&gateway, &["-n", "2"])), ["/3", "/4"]);
}

#[test]
fn an_event_says_what_the_contract_says() {
    let origin = Origin::answering(Answer::ok("hello"));
    let gateway = start(&single_upstream(origin.address()));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = format!(
        "POST /a/%62?secret=1 HTTP/1.1\r\nHost: Test:80\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\nContent-Length: 3\r\n\r\nabc"
    );
    gateway.ask(request).unwrap();
    let events = tail(&gateway, &["--json"]);
    let event = &events[0];
    for (key, value) in [
        ("kind", Value::from("done")),
        ("route", "all".into()),
        ("user_id", Value::Null),
        ("key_id", Value::Null),
        ("value", 1.0.into()),
        ("method", "POST".into()),
        ("path", "/a/b".into()),
        ("status", 200.into()),
        ("reason", Value::Null),
        ("bytes_in", 3.into()),
        ("bytes_out", 5.into()),
        ("upstream", origin.address().into()),
        ("attempts", 1.into()),
        ("client", "127.0.0.1".into()),
        ("http", "1.1".into()),
        ("trace", trace.into()),
        ("parent", Value::Null),
    ] {
        assert_eq!(event[key], value, "{key} in {event}");
    }
    assert!(event["host"].as_str().unwrap().eq_ignore_ascii_case("test"), "{event}");
    assert!(event["latency_us"].as_u64().unwrap() >= event["upstream_us"].as_u64().unwrap(), "{event}");
    assert!(
        event["ts"].as_str().unwrap().ends_with('Z') && event["id"].as_str().is_some_and(|id| !id.is_empty())
    );
}

#[test]
fn refusals_are_recorded_without_a_value() {
    let nobody = testkit::FreeAddress::new();
    let gateway = start(&single_upstream(nobody.address()));
    gateway.get("/x").unwrap();
    gateway.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").unwrap();
    let events = tail(&gateway, &[]);
    let mut seen: Vec<_> =
        events.iter().map(|e| (e["status"].as_u64().unwrap(), e["value"].is_null())).collect();
    // Two connections may be of two workers, whose records have no order among each other.
    seen.sort();
    assert_eq!(seen, [(400, true), (502, true)]);
    assert!(events.iter().all(|e| e["reason"].as_str().is_some_and(|r| !r.is_empty())), "{events:?}");
}

struct Follower {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Follower {
    fn start(gateway: &GatewayProcess) -> Self {
        let mut child = Command::new(LOCKGATE)
            .args(["tail", "--follow"])
            .current_dir(gateway.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next_path(&mut self) -> String {
        let line = self.lines.next().expect("it goes on").unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        event["path"].as_str().unwrap().to_owned()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn following_goes_on_over_kills_and_restarts() {
    let origin = Origin::answering(Answer::ok("hello"));
    let mut gateway = start(&single_upstream(origin.address()));
    ask_for(&gateway, &["/before"]);
    let mut follower = Follower::start(&gateway);
    assert_eq!(follower.next_path(), "/before");
    for round in 0..3 {
        let path = format!("/{round}");
        ask_for(&gateway, &[&path]);
        assert_eq!(follower.next_path(), path);
        if round == 1 {
            gateway.kill9();
        } else {
            gateway.terminate().unwrap();
        }
        gateway.restart().unwrap();
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let origin = Origin::answering(Answer::ok("hello"));
    let gateway = start(&single_upstream(origin.address()));
    ask_for(&gateway, &["/x"; 200]);
    let output = Command::new("sh")
        .args(["-c", &format!("'{LOCKGATE}' tail | head -n 1")])
        .current_dir(gateway.directory())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
