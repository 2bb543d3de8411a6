//! The log of a gateway that runs.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::ask as ask_at;

/// The value, as soon as there is one.
#[track_caller]
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_log_that_nobody_reads_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[data]\ndir = \"data\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
                  [[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/*\"\nrespond = { body = \"ok\" }\n";
    fs::write(folder.path().join("lockgate.toml"), config).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut gateway = Command::new(crate::LOCKGATE)
        .args(["serve", "--config", "lockgate.toml", "--ports-file", "ports.json"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .unwrap();
    let ports = wait("it does not start", || fs::read(folder.path().join("ports.json")).ok());
    let ports: serde_json::Value = serde_json::from_slice(&ports).unwrap();
    let address = ports["listeners"][0].as_str().unwrap();
    let ask = || ask_at(address, "GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap().status();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &gateway.id().to_string()]).status();
        assert!(sent.unwrap().success(), "it has ended before {name}");
    };
    assert_eq!(ask(), 200);
    fs::write(folder.path().join("lockgate.toml"), config.replace("/*", "/other")).unwrap();
    signal("-HUP");
    wait("it does not reload", || (ask() == 404).then_some(()));
    signal("-TERM");
    assert_eq!(wait("it does not end", || gateway.try_wait().unwrap()).code(), Some(0));
}
