//! Exit codes and outputs of the other commands.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::LOCKGATE;

fn run(arguments: &[&str], config: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("lockgate.toml"), config).unwrap();
    Command::new(LOCKGATE)
        .args(arguments)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn check(arguments: &[&str], config: &str, code: i32, told: &[&str]) -> String {
    let output = run(arguments, config);
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for words in told {
        assert!(text.contains(words), "{arguments:?}: {words:?} is missing in {text}");
    }
    text
}

const GOOD: &str =
    "[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/*\"\nrespond = { body = \"ok\" }\n";
const BAD: &str = "[[listener]]\naddress = \"127.0.0.1:99999\"\n[[route]]\npath = \"/*\"\nupstraem = \"x\"\n";

#[test]
fn check_says_yes_and_no() {
    check(&["check"], GOOD, 0, &["ok"]);
    check(&["check", "lockgate.toml"], GOOD, 0, &["ok"]);
    check(&["--config", "lockgate.toml", "check"], GOOD, 0, &["ok"]);
    check(&["check"], BAD, 1, &["lockgate.toml:2:", "99999", "lockgate.toml:5:", "upstraem", "`upstream`"]);
    check(&["check", "absent.toml"], GOOD, 3, &["absent.toml"]);
}

#[test]
fn check_speaks_json() {
    let output = run(&["check", "--json"], BAD);
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found.as_array().is_some_and(|list| list.len() >= 2), "{found}");
    let output = run(&["check", "--json"], GOOD);
    assert_eq!(
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap()),
        (Some(0), serde_json::json!([]))
    );
}

#[test]
fn a_wrong_command_line_is_2() {
    check(&["chekc"], GOOD, 2, &["check"]);
    check(&["check", "--jsno"], GOOD, 2, &["--json"]);
    check(&[], GOOD, 2, &[]);
}

#[test]
fn serve_refuses_a_bad_configuration_with_all_its_problems() {
    check(&["serve"], BAD, 3, &["lockgate.toml:2:", "99999", "lockgate.toml:5:", "upstraem"]);
}

#[test]
fn two_gateways_do_not_share_a_data_directory() {
    let first = crate::start(GOOD);
    let output = first.command(["serve"]).unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains(&first.pid().to_string()), "the error names the other process: {text}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = GOOD.replace("127.0.0.1:0", &address);
    check(&["serve"], &config, 3, &[&address]);
}

#[test]
fn demo_runs_and_ends() {
    let start = Instant::now();
    let text = check(&["demo", "--port", "0", "--exit-after", "2s"], GOOD, 0, &["curl", "Bearer"]);
    assert!(start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(15), "{text}");
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        check(&["completions", shell], GOOD, 0, &["lockgate"]);
    }
}
