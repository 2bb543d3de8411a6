//! The OpenAPI document, and a program of others that takes the API at its word.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{ADMIN, READ, Running};

/// Cases that are tried for each operation in each phase.
const CASES: &str = "25";

fn document(running: &Running) -> Value {
    let answer = running.ask("GET", "/openapi.json", None);
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/json")));
    answer.json()
}

#[test]
fn the_document_tells_strangers_what_there_is() {
    let document = document(&Running::start());
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["version"].is_string());
}

#[test]
fn every_operation_says_what_it_may_be_refused_for() {
    let document = document(&Running::start());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let says = |status: &str| operation["responses"].get(status).is_some();
            let is_open = operation["security"].is_array();
            assert_eq!(says("401"), !is_open, "{method} {path}");
            assert_eq!(says("403"), method != "get", "{method} {path}");
            assert_eq!(says("404"), path.contains("{id}"), "{method} {path}");
            assert_eq!(says("415"), operation["requestBody"].is_object(), "{method} {path}");
            assert_eq!(says("500"), !is_open, "{method} {path}");
            assert!(
                operation["summary"].is_string() && operation["operationId"].is_string(),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn what_the_document_names_is_there() {
    let running = Running::start_keeping();
    for (path, operations) in document(&running)["paths"].as_object().unwrap() {
        let offered = running.ask("OPTIONS", &path.replace("{id}", "1"), Some(READ));
        let offered = offered.field("allow").unwrap();
        let named: Vec<String> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let mut offered: Vec<&str> = offered.split(',').filter(|method| *method != "HEAD").collect();
        offered.sort_unstable();
        let mut named: Vec<&str> = named.iter().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(offered, named, "{path}");
    }
}

/// The program; without it this says so, and under `CI=true` fails.
fn schemathesis() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = [here].into_iter().chain(std::env::split_paths(&path));
    let found = places.find_map(|place| Some(place.join("schemathesis")).filter(|program| program.is_file()));
    if found.is_none() {
        let why = "`schemathesis` is not installed; `cargo xtask test` installs it";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    found
}

#[test]
fn schemathesis_finds_nothing() {
    let Some(program) = schemathesis() else { return };
    let running = Running::start_keeping();
    let dir = tempfile::tempdir().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admin");
    let mut command = Command::new(program);
    command.current_dir(dir.path()).env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", &tests);
    command.arg("--config-file").arg(tests.join("schemathesis.toml")).arg("run");
    command.arg(format!("http://{}/openapi.json", running.address));
    command.arg("--header").arg(format!("Authorization:Bearer {ADMIN}")).args(["--max-examples", CASES]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    let tested = |line: &str| line.contains("API Operations") || line.contains("Operations:");
    assert!(said.lines().any(tested), "it says what it tested");
}
