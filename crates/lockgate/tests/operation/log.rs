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
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    starts_reloads_and_ends(writer);
}

/// As where the reader of the log stands still, or a terminal is stopped.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_takes_nothing_more_holds_up_nothing() {
    use std::io::Write;

    // What a pipe holds unless told otherwise (pipe(7)).
    const PIPE_BYTES: usize = 65536;
    let (_reader, writer) = std::io::pipe().unwrap();
    (&writer).write_all(&vec![b' '; PIPE_BYTES]).unwrap();
    starts_reloads_and_ends(writer);
}

#[test]
fn all_of_the_log_is_there_at_the_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    let reading = std::thread::spawn(|| std::io::read_to_string(reader).unwrap());
    starts_reloads_and_ends(writer);
    let log = reading.join().unwrap();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("drained: every exchange came to its end"), "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

/// A gateway whose log goes there.
fn starts_reloads_and_ends(log: std::io::PipeWriter) {
    let folder = tempfile::tempdir().unwrap();
    let config = "[data]\ndir = \"data\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
                  [[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/*\"\nrespond = { body = \"ok\" }\n";
    fs::write(folder.path().join("lockgate.toml"), config).unwrap();
    let mut gateway = Command::new(crate::LOCKGATE)
        .args(["serve", "--config", "lockgate.toml", "--ports-file", "ports.json"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
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
