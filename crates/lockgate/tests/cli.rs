//! The commands as a user runs them: output, exit status, and what they leave behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "cli/asking.rs"]
mod asking;
#[path = "cli/certificate.rs"]
mod certificate;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/listing.rs"]
mod listing;
#[path = "cli/refusals.rs"]
mod refusals;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use testkit::{GatewayProcess, Origin, single_upstream};

const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");
/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(20);
const GOOD: &str = "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\nrespond = { body = \"ok\" }\n";
const BAD: &str = "[[listener]]\nadress = \"127.0.0.1:8080\"\n[[route]]\npath = \"orders\"\n";
const WARNED: &str = "[[listener]]\naddress = \"127.0.0.1:8080\"\n[upstream.a]\nendpoints = [\"127.0.0.1:1\"]\n\
                      [[route]]\nrespond = { body = \"ok\" }\n";

/// Runs a command in a directory and waits for its end.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(LOCKGATE)
        .args(arguments)
        .current_dir(dir)
        .env_remove("LOCKGATE_ADMIN_TOKEN")
        .env("TMPDIR", dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Checks a configuration; answers exit status, standard output and standard error.
fn check(config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lockgate.toml"), config).unwrap();
    let output = run(dir.path(), &[&["check"], arguments].concat());
    (output.status.code(), out(&output), err(&output))
}

/// Looks again and again until there is something.
#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + SOON;
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}

/// The lines a running command prints, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

fn wait(mut child: Child) -> Option<i32> {
    eventually("the end of the command", || child.try_wait().unwrap()).code()
}

/// A gateway in front of an origin that has answered `requests` requests.
fn busy_gateway(requests: usize) -> (GatewayProcess, Origin) {
    let origin = Origin::echo();
    let gateway = GatewayProcess::start(LOCKGATE, &single_upstream(origin.address())).unwrap();
    for number in 0..requests {
        assert_eq!(gateway.get(&format!("/{number}")).unwrap().status(), 200);
    }
    (gateway, origin)
}

fn tail(gateway: &GatewayProcess, arguments: &[&str]) -> Vec<String> {
    let output = gateway.command([&["tail"], arguments].concat()).unwrap();
    assert!(output.status.success(), "{}", err(&output));
    out(&output).lines().map(str::to_owned).collect()
}

fn paths(lines: &[String]) -> Vec<String> {
    let path = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].clone();
    let mut paths: Vec<_> = lines.iter().map(|line| path(line).as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn a_good_configuration_is_ok() {
    assert_eq!(check(GOOD, &[]), (Some(0), "ok: 1 listener, 0 upstreams, 1 route\n".into(), String::new()));
    assert_eq!(check(GOOD, &["lockgate.toml", "--json"]), (Some(0), "[]\n".into(), String::new()));
}

#[test]
fn every_problem_is_reported_and_the_answer_is_no() {
    let (status, out, err) = check(BAD, &[]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    for part in ["unknown key `adress`", "did you mean `address`?", "lockgate.toml:2:1", "lockgate.toml:4:8"]
    {
        assert!(err.contains(part), "{part} is missing in:\n{err}");
    }
    assert!(!err.contains('\x1b'), "no colors into a pipe");
    assert!(check(BAD, &["--color", "always"]).2.contains('\x1b'));
}

#[test]
fn problems_as_json_have_their_places() {
    let (status, out, err) = check(BAD, &["--json"]);
    assert_eq!((status, err.as_str()), (Some(1), ""));
    let list: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    assert!(list.iter().any(|p| p["line"] == 2 && p["hint"] == "did you mean `address`?"), "{out}");
}

#[test]
fn a_warning_is_no_refusal() {
    let (status, out, err) = check(WARNED, &[]);
    assert_eq!((status, out.as_str()), (Some(0), "ok: 1 listener, 1 upstream, 1 route\n"));
    assert!(err.contains("warning"), "{err}");
}

#[test]
fn a_missing_configuration_is_a_failure_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [["check", "missing.toml"].as_slice(), &["check"], &["serve"], &["tail"]] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", err(&output));
        assert!(err(&output).starts_with("error: ") && err(&output).contains("help: "), "{}", err(&output));
    }
    let output = run(dir.path(), &["tail", "--data", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("not the data directory"), "{}", err(&output));
}

#[test]
fn a_wrong_command_line_has_its_own_status() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        ["serv"].as_slice(),
        &[],
        &["tail", "--status", "6xx"],
        &["check", "a", "--config", "b"],
        &["--colour"],
    ] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_bad_configuration_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lockgate.toml"), BAD).unwrap();
    let output = run(dir.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("did you mean `address`?"), "{}", err(&output));
    assert!(!dir.path().join("lockgate-data").exists());
}

#[test]
fn taken_ports_are_all_named() {
    let taken = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    let [listener, admin] = taken.each_ref().map(|socket| socket.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[admin]\naddress = \"{admin}\"\n[[listener]]\naddress = \"{listener}\"\n[[route]]\nrespond = {{}}\n"
    );
    std::fs::write(dir.path().join("lockgate.toml"), config).unwrap();
    let output = run(dir.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(3));
    for part in [listener.to_string(), admin.to_string(), "help: another process listens there".into()] {
        assert!(err(&output).contains(&part), "{part} is missing in:\n{}", err(&output));
    }
}

#[test]
fn a_clean_drain_ends_with_zero_and_the_log_is_json() {
    let (mut gateway, _origin) = busy_gateway(1);
    assert_eq!(gateway.terminate().unwrap().code(), Some(0));
    let log = gateway.log();
    assert!(log.contains("drained"), "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{line}");
    }
}

#[test]
fn a_second_signal_ends_a_drain_at_once() {
    let origin = Origin::answering(testkit::Answer::new().then(testkit::Step::Hold));
    let mut gateway = GatewayProcess::start(LOCKGATE, &single_upstream(origin.address())).unwrap();
    let mut client = gateway.connect().unwrap();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    origin.wait("the request", |connections| connections.iter().any(|c| c.heads == 1));
    gateway.begin_to_end().unwrap();
    gateway.wait_for_log("draining");
    let ready = testkit::ask(&gateway.ports().admin, "GET /ready HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(ready.status(), 503);
    assert!(gateway.is_running());
    gateway.begin_to_end().unwrap();
    assert_eq!(gateway.wait_for_end().unwrap().code(), Some(1));
}

#[test]
fn a_changed_file_is_put_in_force_and_a_bad_one_is_not() {
    let (gateway, _origin) = busy_gateway(1);
    let fixed = |body: &str| {
        format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/*\"\nrespond = {{ body = \"{body}\" }}\n"
        )
    };
    gateway.rewrite_config(&fixed("new")).unwrap();
    gateway.wait_for_log("configuration reloaded");
    assert_eq!(gateway.get("/").unwrap().text(), "new");
    gateway.rewrite_config("[[listener]]\nadress = 1\n").unwrap();
    gateway.wait_for_log("configuration refused");
    assert!(gateway.log().contains("did you mean `address`?"));
    assert_eq!(gateway.get("/").unwrap().text(), "new");
    gateway.rewrite_config(&fixed("newer")).unwrap();
    gateway.hang_up().unwrap();
    eventually("the configuration in force", || (gateway.get("/").unwrap().text() == "newer").then_some(()));
    let routes = gateway.admin("GET", "/routes").unwrap().json();
    assert_eq!(routes[0]["target"], "respond 200", "{routes}");
}

#[test]
fn the_access_log_ends_with_the_last_request() {
    let origin = Origin::echo();
    let config = single_upstream(origin.address()) + "[log]\naccess = \"combined\"\n";
    let mut gateway = GatewayProcess::start(LOCKGATE, &config).unwrap();
    for number in 0..20 {
        gateway.get(&format!("/{number}")).unwrap();
    }
    gateway.terminate().unwrap();
    let log = gateway.log();
    assert_eq!(log.matches(" HTTP/1.1\" 200 ").count(), 20, "{log}");
}

#[test]
fn tail_reads_a_gateway_that_runs_was_stopped_or_was_killed() {
    let (mut gateway, _origin) = busy_gateway(3);
    let all = ["/0", "/1", "/2"];
    assert_eq!(paths(&tail(&gateway, &[])), all, "while it runs");
    gateway.kill9();
    assert_eq!(paths(&tail(&gateway, &["--data", "data"])), all, "after it was killed");
    gateway.restart().unwrap();
    gateway.get("/3").unwrap();
    gateway.terminate().unwrap();
    assert_eq!(paths(&tail(&gateway, &["--json"])), ["/0", "/1", "/2", "/3"], "after it was stopped");
}

#[test]
fn tail_prints_what_is_asked_for() {
    let (gateway, _origin) = busy_gateway(3);
    let refused = "GET /refused HTTP/1.1\r\n\r\n";
    assert_eq!(gateway.ask(refused).unwrap().status(), 400);
    assert_eq!(tail(&gateway, &["--status", "2xx"]).len(), 3);
    assert_eq!(tail(&gateway, &["--status", "400"]).len(), 1);
    assert_eq!(tail(&gateway, &["--route", "all", "-n", "2"]).len(), 2);
    assert_eq!(tail(&gateway, &["-n", "0"]).len(), 0);
    let event: serde_json::Value = serde_json::from_str(&tail(&gateway, &["--status", "4xx"])[0]).unwrap();
    let reason = event["reason"].as_str().unwrap();
    assert_eq!(tail(&gateway, &["--reason", reason]).len(), 1);
    let combined = tail(&gateway, &["--format", "combined", "--status", "200"]);
    assert!(combined.len() == 3 && combined.iter().all(|line| line.contains("] \"GET /")), "{combined:?}");
}

#[test]
fn tail_follows_across_a_restart() {
    let (mut gateway, _origin) = busy_gateway(1);
    let mut child = Command::new(LOCKGATE)
        .args(["tail", "--follow", "--data", "data"])
        .current_dir(gateway.directory())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines(&mut child);
    let next = || lines.recv_timeout(SOON).unwrap();
    assert!(next().contains("\"path\":\"/0\""));
    gateway.get("/before").unwrap();
    assert!(next().contains("\"path\":\"/before\""));
    gateway.kill9();
    gateway.restart().unwrap();
    gateway.get("/after").unwrap();
    assert!(next().contains("\"path\":\"/after\""));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (gateway, _origin) = busy_gateway(1);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // Also where nothing comes that could be printed.
    for more in [[].as_slice(), &["--route", "none"]] {
        let output = Command::new(LOCKGATE)
            .args(["tail", "--follow", "--data", "data"])
            .args(more)
            .current_dir(gateway.directory())
            .stdout(writer.try_clone().unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{more:?}");
    }
}

#[test]
fn completions_name_every_command() {
    let output = run(Path::new("."), &["completions", "bash"]);
    for word in [
        "serve",
        "demo",
        "check",
        "tail",
        "users",
        "keys",
        "usage",
        "functions",
        "--outbound",
        "search",
        "wordcount",
        "rotate",
        "--ports-file",
    ] {
        assert!(out(&output).contains(word), "{word}");
    }
}
