//! A component's file changes while it is in force.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{GatewayProcess, component};

use crate::{LOCKGATE, reason};

fn config(component: &Path) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[function.guest]\ncomponent = {component:?}\ntime = \"20s\"\n\
         [[route]]\npath = \"/*\"\nfunction = \"guest\"\n"
    )
}

#[test]
fn a_new_component_takes_over_and_running_calls_finish() {
    let (Some(hello), Some(hostile)) = (component("hello"), component("hostile")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("guest.wasm");
    fs::copy(&hostile, &file).unwrap();
    let gateway = GatewayProcess::start(LOCKGATE, &config(&file)).unwrap();
    let mut running = gateway.connect().unwrap();
    running.set_timeout(Duration::from_secs(20));
    running.send("GET /sleep?ms=6000 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    fs::copy(&hello, directory.path().join("new.wasm")).unwrap();
    fs::rename(directory.path().join("new.wasm"), &file).unwrap();
    wait_until(&gateway, |text| text.contains("Hello"));
    let finished = running.response("GET").unwrap();
    assert_eq!(finished.status(), 200, "the call that was running finished: {}", finished.text());
}

#[test]
fn a_component_that_does_not_compile_changes_nothing() {
    let Some(hello) = component("hello") else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("guest.wasm");
    fs::copy(&hello, &file).unwrap();
    let gateway = GatewayProcess::start(LOCKGATE, &config(&file)).unwrap();
    fs::write(&file, "this is no component").unwrap();
    gateway.wait_for_log("configuration refused");
    assert!(gateway.get("/").unwrap().text().contains("Hello"));
    fs::copy(&hello, &file).unwrap();
    assert!(gateway.get("/").unwrap().text().contains("Hello"));
}

#[test]
fn a_start_says_of_every_component_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let (text, core) = (directory.path().join("text.wasm"), directory.path().join("core.wasm"));
    fs::write(&text, "this is no component").unwrap();
    fs::write(&core, b"\0asm\x01\0\0\0").unwrap();
    let missing = directory.path().join("missing.wasm");
    let functions: String = [&text, &core, &missing]
        .iter()
        .enumerate()
        .map(|(at, file)| {
            format!(
                "[function.f{at}]\ncomponent = {file:?}\n[[route]]\npath = \"/{at}\"\nfunction = \"f{at}\"\n"
            )
        })
        .collect();
    let config = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{functions}");
    let Err(error) = GatewayProcess::start(LOCKGATE, &config) else { panic!("it started") };
    let said = error.to_string();
    for name in ["`f0`", "`f1`", "`f2`"] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn compiled_code_is_kept_and_what_is_not_ours_is_not_run() {
    let Some(hello) = component("hello") else { return };
    let mut gateway = GatewayProcess::start(LOCKGATE, &config(&hello)).unwrap();
    assert_eq!(gateway.get("/").unwrap().status(), 200);
    let folder = gateway.data().join("functions");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let whole = fs::read(&files[0]).unwrap();
    let mut bent = whole.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 1;
    fs::write(&files[0], &bent).unwrap();
    gateway.terminate().unwrap();
    gateway.restart().unwrap();
    let response = gateway.get("/").unwrap();
    assert_eq!(response.status(), 200, "{} {}", reason(&response), gateway.log());
    assert_eq!(fs::read(&files[0]).unwrap(), whole, "it was compiled anew");
}

fn wait_until(gateway: &GatewayProcess, done: impl Fn(&str) -> bool) {
    let late = Instant::now() + Duration::from_secs(30);
    while !done(&gateway.get("/").unwrap().text()) {
        assert!(Instant::now() < late, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn components_are_compiled_by_a_process_of_its_own() {
    let Some(hello) = component("hello") else { return };
    let compile = |component: fs::File| {
        Command::new(LOCKGATE).args(["functions", "compile"]).stdin(component).output().unwrap()
    };
    let compiled = compile(fs::File::open(&hello).unwrap());
    assert!(compiled.status.success() && compiled.stdout.starts_with(b"\x7fELF"), "{compiled:?}");
    let refused = compile(fs::File::open("/dev/null").unwrap());
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(!refused.stderr.is_empty());
}
