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
    gateway.wait_for_log("the component before stays in force");
    assert!(gateway.get("/").unwrap().text().contains("Hello"));
    fs::copy(&hello, &file).unwrap();
    assert!(gateway.get("/").unwrap().text().contains("Hello"));
}

#[test]
fn a_component_that_is_missing_holds_up_no_other() {
    let (Some(hello), Some(hostile)) = (component("hello"), component("hostile")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let [a, b, aside, new] = ["a.wasm", "b.wasm", "aside", "new"].map(|name| directory.path().join(name));
    fs::copy(&hello, &a).unwrap();
    fs::copy(&hostile, &b).unwrap();
    let functions = [("a", &a), ("b", &b)].map(|(name, file)| {
        format!(
            "[function.{name}]\ncomponent = {file:?}\n[[route]]\npath = \"/{name}\"\nfunction = \"{name}\"\n"
        )
    });
    let config = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{}", functions.concat());
    let gateway = GatewayProcess::start(LOCKGATE, &config).unwrap();
    fs::rename(&a, &aside).unwrap();
    fs::copy(&hello, &new).unwrap();
    fs::rename(&new, &b).unwrap();
    wait_until_at(&gateway, "/b", |text| text.contains("Hello"));
    assert!(gateway.get("/a").unwrap().text().contains("Hello"), "what was loaded stays");
}

#[test]
fn a_configuration_refused_for_a_missing_file_is_tried_again_when_the_file_is_back() {
    let (Some(hello), Some(hostile)) = (component("hello"), component("hostile")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let made = tls::self_signed(&["site.example".to_owned()], 2).unwrap();
    let [guest, key, aside, new] =
        ["guest.wasm", "key.pem", "aside", "new"].map(|name| directory.path().join(name));
    let certificate = directory.path().join("certificate.pem");
    fs::write(&certificate, &made.certificate).unwrap();
    fs::write(&key, &made.key).unwrap();
    fs::copy(&hostile, &guest).unwrap();
    let secured = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = [{{ certificate = {certificate:?}, key = {key:?} }}]\n"
    );
    let gateway = GatewayProcess::start(LOCKGATE, &format!("{}{secured}", config(&guest))).unwrap();
    fs::rename(&key, &aside).unwrap();
    fs::copy(&hello, &new).unwrap();
    fs::rename(&new, &guest).unwrap();
    gateway.wait_for_log("configuration refused");
    fs::rename(&aside, &key).unwrap();
    wait_until(&gateway, |text| text.contains("Hello"));
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
    wait_until_at(gateway, "/", done);
}

fn wait_until_at(gateway: &GatewayProcess, target: &str, done: impl Fn(&str) -> bool) {
    let late = Instant::now() + Duration::from_secs(30);
    while !done(&gateway.get(target).unwrap().text()) {
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

#[cfg(target_os = "linux")]
#[test]
fn compiling_yields_to_a_gateway_that_serves() {
    use std::io::Write;

    let mut compiler = Command::new(LOCKGATE)
        .args(["functions", "compile"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // More than a pipe holds: it has begun to read, which is after it has set its bounds.
    compiler.stdin.as_mut().unwrap().write_all(&vec![0; 4 << 20]).unwrap();
    let niceness = |of: String| {
        let text = fs::read_to_string(format!("/proc/{of}/stat")).unwrap();
        // The nineteenth field, of which the second may hold anything, in parentheses (proc_pid_stat(5)).
        let fields = text.rsplit_once(')').unwrap().1;
        fields.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap()
    };
    assert_eq!(niceness(compiler.id().to_string()), (niceness("self".into()) + 10).min(19));
    drop(compiler.stdin.take());
    assert_eq!(compiler.wait().unwrap().code(), Some(3), "that was no component");
}
